#include "prediction/sparse_path.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace multiviz {
namespace {

struct Entries {
  const int32_t* columns;
  const double* values;
  int64_t size;
};

Entries entries(const SparsePath& path, int64_t label, int64_t l) {
  check(label >= 0 && label < path.classes(), "label {} is out of range: the path has {} classes", label + 1,
        path.classes());
  const int64_t* offset = path.offsets.data_ptr<int64_t>() + label * path.size() + l;
  return {path.columns.data_ptr<int32_t>() + offset[0], path.values.data_ptr<double>() + offset[0],
          offset[1] - offset[0]};
}

void check_count(int64_t n, const SparsePath& path) {
  check(n >= 1 && n <= path.features, "{} features were asked for: the model has {}", n, path.features);
}

at::Tensor one_row(const at::Tensor& row, const SparsePath& path) {
  check(row.defined() && row.dim() == 1 && row.size(0) == path.features,
        "the datapoint's features are {}: the path is over {} features",
        row.defined() ? c10::str(row.sizes()) : "missing", path.features);
  return row.to(at::kCPU, at::kDouble).contiguous();
}

std::vector<Contribution> strongest(std::vector<Contribution> all, int64_t n, double Contribution::*by) {
  std::stable_sort(all.begin(), all.end(),
                   [by](const Contribution& a, const Contribution& b) { return std::abs(a.*by) > std::abs(b.*by); });
  if (static_cast<int64_t>(all.size()) > n) all.resize(static_cast<size_t>(n));
  return all;
}

}  // namespace

const char* family_name(Family family) { return family == Family::gaussian ? "gaussian" : "multinomial"; }

Family parse_family(const std::string& name) {
  if (name == "gaussian") return Family::gaussian;
  if (name == "multinomial") return Family::multinomial;
  fail("family is '{}': use 'gaussian' or 'multinomial'", name);
}

int64_t SparsePath::nonzeros(int64_t l) const {
  const int64_t* offset = offsets.data_ptr<int64_t>();
  int64_t total = 0;
  for (int64_t label = 0; label < classes(); ++label) {
    int64_t row = label * size() + l;
    total += offset[row + 1] - offset[row];
  }
  return total;
}

at::Tensor SparsePath::dense(int64_t l) const {
  at::Tensor result = at::zeros({features, classes()}, at::kDouble);
  double* out = result.data_ptr<double>();
  for (int64_t label = 0; label < classes(); ++label) {
    Entries row = entries(*this, label, l);
    for (int64_t i = 0; i < row.size; ++i) out[row.columns[i] * classes() + label] = row.values[i];
  }
  return result;
}

double Selection::nonzeros_per_class() const {
  return static_cast<double>(path->nonzeros(index)) / static_cast<double>(path->classes());
}

std::vector<Contribution> Selection::top(int64_t label, int64_t n) const {
  check_count(n, *path);
  Entries row = entries(*path, label, index);
  std::vector<Contribution> all;
  for (int64_t i = 0; i < row.size; ++i) all.push_back({row.columns[i], row.values[i], NAN, NAN});
  return strongest(std::move(all), n, &Contribution::weight);
}

std::vector<Contribution> Selection::top(int64_t label, const at::Tensor& features, int64_t n) const {
  check_count(n, *path);
  Entries row = entries(*path, label, index);
  at::Tensor z = one_row(features, *path);
  const double* value = z.data_ptr<double>();
  std::vector<Contribution> all;
  for (int64_t i = 0; i < row.size; ++i) {
    double at = value[row.columns[i]];
    all.push_back({row.columns[i], row.values[i], at, row.values[i] * at});
  }
  return strongest(std::move(all), n, &Contribution::contribution);
}

at::Tensor Selection::contributions(int64_t label, const at::Tensor& features) const {
  Entries row = entries(*path, label, index);
  at::Tensor z = one_row(features, *path), result = at::zeros({path->features}, at::kDouble);
  for (int64_t i = 0; i < row.size; ++i)
    result.data_ptr<double>()[row.columns[i]] = row.values[i] * z.data_ptr<double>()[row.columns[i]];
  return result;
}

at::Tensor Selection::scores(const at::Tensor& features) const {
  at::Tensor z = features.dim() == 1 ? features.unsqueeze(0) : features;
  check(z.dim() == 2 && z.size(1) == path->features, "the features are {}: the path is over {} features",
        c10::str(features.sizes()), path->features);
  return at::addmm(path->intercepts.select(1, index), z.to(at::kCPU, at::kDouble), path->dense(index));
}

at::Tensor Selection::predict(const at::Tensor& features) const {
  check(path->classification, "a regression has no classes: use scores");
  return scores(features).argmax(1);
}

double Selection::accuracy(const at::Tensor& features, const at::Tensor& labels) const {
  at::Tensor predicted = predict(features);
  check(labels.dim() == 1 && labels.size(0) == predicted.size(0), "there are {} labels for {} datapoints",
        labels.numel(), predicted.size(0));
  at::Tensor known = labels.cpu() >= 0;
  check(known.any().item<bool>(), "no datapoint has a label: accuracy needs labels");
  return ((predicted == labels.cpu()) & known).sum().item<double>() / known.sum().item<double>();
}

Selection at_nonzeros(SparsePathPtr path, double per_class) {
  check(per_class >= 0 && per_class <= static_cast<double>(path->features),
        "nonzeros_per_class is {}: the model has {} features", per_class, path->features);
  Selection best{path, 0};
  double most = -1;
  for (int64_t l = 0; l < path->size(); ++l) {
    Selection one{path, l};
    if (one.nonzeros_per_class() > per_class || one.nonzeros_per_class() < most) continue;
    most = one.nonzeros_per_class();
    best = one;
  }
  check(most >= 0, "every model of the path has more than {} nonzeros per class: fit it with larger lambdas",
        per_class);
  return best;
}

Selection at_drop(SparsePathPtr path, double drop) {
  check(drop >= 0 && drop <= 1, "drop is {}: the accuracy that may be lost lies in 0 to 1", drop);
  const auto& score = path->score();
  double best = *std::max_element(score.begin(), score.end());
  Selection sparsest{path, -1};
  for (int64_t l = 0; l < path->size(); ++l) {
    if (score[static_cast<size_t>(l)] < best - drop) continue;
    if (sparsest.index < 0 || path->nonzeros(l) < path->nonzeros(sparsest.index)) sparsest.index = l;
  }
  return sparsest;
}

Selection at_lambda(SparsePathPtr path, double lambda) {
  const auto& grid = path->lambdas;
  check(lambda >= grid.back() * (1 - 1e-6) && lambda <= grid.front() * (1 + 1e-6),
        "lambda {:.4g} is outside of the path: it runs from {:.4g} to {:.4g}", lambda, grid.back(), grid.front());
  auto nearest = std::min_element(grid.begin(), grid.end(), [&](double a, double b) {
    return std::abs(std::log(a / lambda)) < std::abs(std::log(b / lambda));
  });
  return {path, nearest - grid.begin()};
}

std::string summary(const SparsePath& path, int64_t most) {
  const char* score = path.classification ? "accuracy" : "R^2";
  std::string text = fmt::format(
      "sparse path: {}, {} classes x {} features, {} lambdas, alpha {:g}, worst gap {:.1e}\n", family_name(path.family),
      path.classes(), path.features, path.size(), path.alpha, *std::max_element(path.gap.begin(), path.gap.end()));
  text += fmt::format("{:>12}  {:>14}  {:>14}  {:>14}", "lambda", "nonzeros/class", fmt::format("{}, fit", score),
                      path.heldout.empty() ? "" : fmt::format("{}, held out", score));
  int64_t shown = std::min(most, path.size());
  for (int64_t i = 0; i < shown; ++i) {
    int64_t l = shown == 1 ? 0 : i * (path.size() - 1) / (shown - 1);
    auto at = static_cast<size_t>(l);
    text += fmt::format("\n{:>12.4g}  {:>14.1f}  {:>14.3f}", path.lambdas[at],
                        Selection{SparsePathPtr(&path, [](auto*) {}), l}.nonzeros_per_class(), path.train[at]);
    if (!path.heldout.empty()) text += fmt::format("  {:>14.3f}", path.heldout[at]);
  }
  return text;
}

std::string summary(const Selection& selection) {
  auto at = static_cast<size_t>(selection.index);
  const SparsePath& path = *selection.path;
  return fmt::format(
      "sparse model: {}, lambda {:.4g} ({} of {}), {:.1f} nonzeros per class of {} features, {} {:.3f} {}",
      family_name(path.family), selection.lambda(), selection.index + 1, path.size(), selection.nonzeros_per_class(),
      path.features, path.classification ? "accuracy" : "R^2", path.score()[at],
      path.heldout.empty() ? "on the fit" : "held out");
}

}  // namespace multiviz
