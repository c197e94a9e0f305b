#pragma once
#include <ATen/core/Tensor.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "nn/transformer.h"
#include "nn/weights.h"

namespace multiviz {

// Hands out the tensors of a checkpoint while a network is put together from them, without a copy where the dtype is
// already the wanted one. What does not fit is collected, so that one error says all of it.
class WeightReader {
 public:
  // `source` is the file or folder, for errors.
  WeightReader(std::map<std::string, at::Tensor> tensors, std::string source, at::ScalarType dtype = at::kFloat);

  bool has(const std::string& name) const { return tensors_.contains(name); }
  // The size of a tensor's dimension, 0 when there is no such tensor or dimension.
  int64_t size(const std::string& name, int64_t dim) const;

  // A tensor of this shape; an undefined one when the checkpoint has none.
  at::Tensor take(const std::string& name, at::IntArrayRef shape);
  LinearWeights linear(const std::string& name, int64_t in, int64_t out, bool bias = true);  // NAME.weight, NAME.bias
  LayerNormWeights norm(const std::string& name, int64_t width, double epsilon);

  // Names that begin with this, which the checkpoint may have and the network does not need.
  void ignore(const std::string& prefix);
  void ignore_ending(const std::string& suffix);
  // The tensors of the checkpoint that were not taken, as they are.
  NamedTensors unused() const;

  // Throws Error naming the tensors that are missing (with the nearest names), have another shape, or are in the
  // checkpoint and were not taken. Returns those that were taken, in that order.
  NamedTensors finish();

 private:
  std::string renamed(const std::string& name) const;
  bool is_ignored(const std::string& name) const;

  std::map<std::string, at::Tensor> tensors_;
  std::string source_;
  at::ScalarType dtype_;
  NamedTensors taken_;
  std::set<std::string> used_;
  std::vector<std::string> missing_, misshaped_, ignored_;
  std::vector<std::string> ignored_endings_ = {"position_ids", "token_type_ids"};
};

}  // namespace multiviz
