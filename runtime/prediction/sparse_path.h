#pragma once
#include <ATen/core/Tensor.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace multiviz {

enum class Family { gaussian, multinomial };

const char* family_name(Family family);
Family parse_family(const std::string& name);  // throws Error for any other name

struct Contribution {
  int64_t feature;      // 0-based
  double weight;        // beta
  double value;         // z, the datapoint's
  double contribution;  // beta z
};

// The linear models of stage P for every lambda of a grid, coefficients kept sparse: rows of offsets are (class,
// lambda), class by class, so that entries offsets[c L + l] to offsets[c L + l + 1] are the nonzero coefficients of
// class c at lambda l, features ascending.
struct SparsePath {
  Family family = Family::gaussian;
  double alpha = 0;
  int64_t features = 0;            // D
  std::vector<std::string> names;  // C: labels, or targets
  bool classification = true;      // scores are compared over classes; else each target is a regression
  std::vector<double> lambdas;     // L, descending
  at::Tensor offsets;              // int64 [C L + 1]
  at::Tensor columns;              // int32 [nonzeros]
  at::Tensor values;               // float64 [nonzeros]
  at::Tensor intercepts;           // float64 [C, L]; -inf for a class that no row of the fit has (multinomial)
  std::vector<double> train;       // L: accuracy, or R^2 over all targets
  std::vector<double> heldout;     // the same on the rows held out; empty when none were
  std::vector<double> deviance;    // L: share of the null deviance explained on the rows of the fit
  std::vector<double> gap;         // L: duality gap as a share of the null deviance (gaussian: of the worst class)
  double seconds = 0;              // that the fit took
  nlohmann::json options = nlohmann::json::object();

  int64_t classes() const { return static_cast<int64_t>(names.size()); }
  int64_t size() const { return static_cast<int64_t>(lambdas.size()); }
  // Nonzero coefficients at lambda l, over all classes.
  int64_t nonzeros(int64_t l) const;
  // float64 [D, C]
  at::Tensor dense(int64_t l) const;
  // The accuracies that selection goes by: held out where there are, else of the fit.
  const std::vector<double>& score() const { return heldout.empty() ? train : heldout; }
};

using SparsePathPtr = std::shared_ptr<const SparsePath>;

// The model at one lambda of a path.
struct Selection {
  SparsePathPtr path;
  int64_t index = 0;  // into lambdas

  double lambda() const { return path->lambdas[static_cast<size_t>(index)]; }
  double nonzeros_per_class() const;
  // The features of largest |beta| for a class, strongest first: at most n, fewer when fewer are nonzero.
  std::vector<Contribution> top(int64_t label, int64_t n) const;
  // The features of largest |beta z| for a class and a datapoint's features z [D].
  std::vector<Contribution> top(int64_t label, const at::Tensor& row, int64_t n) const;
  // beta z: float64 [D]
  at::Tensor contributions(int64_t label, const at::Tensor& row) const;
  // z B + B_0: float64 [N, C], for features [N, D] or [D]
  at::Tensor scores(const at::Tensor& features) const;
  // int64 [N], the class of the largest score
  at::Tensor predict(const at::Tensor& features) const;
  // Share of rows whose prediction is their label; rows labelled -1 are left out.
  double accuracy(const at::Tensor& features, const at::Tensor& labels) const;
};

// The densest model with at most this many nonzero coefficients per class, on average.
Selection at_nonzeros(SparsePathPtr path, double per_class);
// The sparsest model whose accuracy (held out where there is) is within `drop` of the path's best.
Selection at_drop(SparsePathPtr path, double drop);
// The model whose lambda is nearest, on a log scale. Throws when it lies outside of the grid.
Selection at_lambda(SparsePathPtr path, double lambda);

// The sparsity-accuracy curve as lines of text: lambda, nonzeros per class, accuracies. At most `most` lambdas.
std::string summary(const SparsePath& path, int64_t most = 10);
std::string summary(const Selection& selection);

void save(const SparsePath& path, const std::string& file);
SparsePath load_sparse_path(const std::string& file);

}  // namespace multiviz
