#pragma once
#include <ATen/core/Tensor.h>

#include <string>

#include "nn/transformer.h"
#include "nn/weight_reader.h"

namespace multiviz {

// Attention whose query, key and value maps are one tensor, as torch.nn.MultiheadAttention has them.
struct PackedAttention {
  LinearWeights packed;  // E -> 3 E
  LinearWeights output;  // E -> E
  int64_t heads = 1;
};

// Reads NAME.in_proj_weight, NAME.in_proj_bias, NAME.out_proj.weight, NAME.out_proj.bias.
PackedAttention read_packed_attention(WeightReader& weights, const std::string& name, int64_t width, int64_t heads);

// The layers of DETR's transformer (Carion et al. 2020), norms after the sums. Positions are added to queries and keys
// and not to values.
struct DetrEncoderLayer {
  PackedAttention attention;
  LayerNormWeights attention_norm;
  FeedForwardWeights feed;
  LayerNormWeights feed_norm;
};
struct DetrDecoderLayer {
  PackedAttention self, cross;
  LayerNormWeights self_norm, cross_norm;
  FeedForwardWeights feed;
  LayerNormWeights feed_norm;
};

DetrEncoderLayer read_detr_encoder_layer(WeightReader& weights, const std::string& name, int64_t width, int64_t heads);
DetrDecoderLayer read_detr_decoder_layer(WeightReader& weights, const std::string& name, int64_t width, int64_t heads);

// x and positions [B, S, E]; `mask` is additive. Taps NAME.attention [B, heads, S, S] and NAME.hidden, the result.
at::Tensor detr_encode(const at::Tensor& x, const at::Tensor& positions, const DetrEncoderLayer& layer,
                       const at::Tensor& mask, Trace* trace, const std::string& name);

// What a decoder looks at: [B, S, E], the same with positions added, and an additive mask.
struct DetrMemory {
  at::Tensor values, keys, mask;
};

// Slots x [B, Q, E], and what each asks for, `queries` [B, Q, E] or [1, Q, E]. Taps NAME.self_attention
// [B, heads, Q, Q], NAME.cross_attention [B, heads, Q, S] and NAME.hidden, the result.
at::Tensor detr_decode(const at::Tensor& x, const at::Tensor& queries, const DetrMemory& memory,
                       const DetrDecoderLayer& layer, Trace* trace, const std::string& name);

// The place of each cell of a map as sines and cosines of its row and column, which are counted over the real cells and
// scaled to 2 pi: bool [B, h, w] -> float32 [B, h, w, E]; E a multiple of 4.
at::Tensor sine_positions(const at::Tensor& real, int64_t width);

}  // namespace multiviz
