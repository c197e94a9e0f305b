#pragma once
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/progress.h"
#include "models/target.h"
#include "present/explanation.h"

namespace multiviz {

// Rows of one modality after encode, and the activations in it that targets ask for.
struct EncodedRows {
  Encoding encoding;
  std::map<std::string, at::Tensor> activations;

  int64_t size() const { return encoding.batch(); }
};

// Sums over the pairs (i, j) of rows i of one modality and j of another, float64 on the CPU, K columns.
struct GridSums {
  at::Tensor rows;         // [R, K]: over j
  at::Tensor columns;      // [C, K]: over i
  at::Tensor squares;      // [K]: of f^2 over all pairs
  at::Tensor diagonal;     // [min(R, C), K]: f(i, i)
  at::Tensor last_row;     // [C, K]: f(R - 1, j)
  at::Tensor last_column;  // [R, K]: f(i, C - 1)
};

// Evaluates targets on every pair of rows of two modalities: what EMAP and DIME share. A model's other modalities are
// held at a datapoint's values.
class PairGrid {
 public:
  // `pair` names the two modalities; empty takes the model's, which must then be two. No targets: all logits.
  // `batch` rows are encoded, and `chunk` pairs fused, at a time; <= 0: default.
  PairGrid(const Model& model, const Datapoint& datapoint, std::vector<Target> targets,
           const std::vector<std::string>& pair, int64_t batch, int64_t chunk);

  size_t a() const { return pair_[0]; }  // positions of the two modalities
  size_t b() const { return pair_[1]; }
  const std::vector<Target>& targets() const { return targets_; }
  const Cost& cost() const { return cost_; }
  // Rows encoded and pairs fused from here on are reported to it. Must outlive the calls.
  void show(Progress* progress) { progress_ = progress; }

  // n encodes. value(i) gives row i; memory for raw values does not grow with n where rows do not share a length.
  EncodedRows encode(size_t modality, int64_t n, const std::function<Value(int64_t)>& value);

  // Every pair of rows of modalities a() and b(); R * C fuses, memory R + C. Throws Error when a value is not finite or
  // a target belongs to one modality alone.
  GridSums sums(const EncodedRows& a, const EncodedRows& b);

 private:
  EncodedRows encode_rows(size_t modality, const Leaf& leaf);
  at::Tensor values(const Output& output, const Trace* trace) const;
  void each_block(const EncodedRows& a, const EncodedRows& b,
                  const std::function<void(const GridBlock&, const at::Tensor&)>& consumer);
  void traced_blocks(const std::vector<EncodedRows>& rows,
                     const std::function<void(const GridBlock&, const at::Tensor&)>& consumer);
  [[noreturn]] void explain_not_finite() const;

  const Model& model_;
  const Datapoint& datapoint_;
  std::vector<Target> targets_;
  std::vector<size_t> pair_;
  int64_t batch_, chunk_;
  std::map<size_t, EncodedRows> fixed_;  // other modalities, one row each
  Cost cost_;
  Progress* progress_ = nullptr;
};

// The columns that PairGrid gives: K targets, or the model's outputs when there are none.
int64_t grid_columns(const Model& model, const std::vector<Target>& targets);

// The datapoints of a context without the one that is explained (by id), values in the model's order. Throws Error when
// fewer than two are left, naming `method`.
std::vector<Datapoint> context_without(const Model& model, const Dataset& context, const Datapoint& datapoint,
                                       const std::string& method);

}  // namespace multiviz
