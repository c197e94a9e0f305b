#include "nn/bert_block.h"

#include <ATen/ATen.h>

namespace multiviz {

BlockWeights read_bert_block(WeightReader& weights, const std::string& layer, const BertShape& shape) {
  auto self = layer + "attention.self.", output = layer + "attention.output.";
  int64_t width = shape.width;
  return {{weights.linear(self + "query", width, width), weights.linear(self + "key", width, width),
           weights.linear(self + "value", width, width), weights.linear(output + "dense", width, width), shape.heads},
          weights.norm(output + "LayerNorm", width, shape.epsilon),
          {weights.linear(layer + "intermediate.dense", width, shape.inner),
           weights.linear(layer + "output.dense", shape.inner, width), shape.activation},
          weights.norm(layer + "output.LayerNorm", width, shape.epsilon)};
}

at::Tensor roberta_positions(const at::Tensor& real, int64_t padding) {
  auto counted = real.to(at::kLong);
  return counted.cumsum(1).mul_(counted).add_(padding);
}

}  // namespace multiviz
