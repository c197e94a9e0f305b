#pragma once
#include <ATen/core/Tensor.h>

#include <string>

#include "nn/transformer.h"
#include "nn/weight_reader.h"

namespace multiviz {

// What all layers of a BERT or RoBERTa share.
struct BertShape {
  int64_t width = 0, inner = 0, heads = 1;
  double epsilon = 1e-12;
  Activation activation = nullptr;
};

// Reads LAYERattention.self.query, LAYERattention.output.dense, LAYERintermediate.dense, ... for post_norm_block.
BlockWeights read_bert_block(WeightReader& weights, const std::string& layer, const BertShape& shape);

// The positions of RoBERTa's tokens: real ones count from padding + 1, others are at padding. bool [B, T] -> int64.
at::Tensor roberta_positions(const at::Tensor& real, int64_t padding);

}  // namespace multiviz
