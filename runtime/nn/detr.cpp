#include "nn/detr.h"

#include <ATen/ATen.h>

#include <numbers>

namespace multiviz {
namespace {

constexpr double epsilon = 1e-5;

FeedForwardWeights read_feed(WeightReader& weights, const std::string& name, int64_t width) {
  int64_t inner = weights.size(name + "linear1.weight", 0);
  return {weights.linear(name + "linear1", width, inner), weights.linear(name + "linear2", inner, width),
          find_activation("relu")};
}

AttentionWeights unpack(const PackedAttention& packed) {
  auto weights = packed.packed.weight.chunk(3), biases = packed.packed.bias.chunk(3);
  return {{weights[0], biases[0]}, {weights[1], biases[1]}, {weights[2], biases[2]}, packed.output, packed.heads};
}

// Rows of [B, h, w, E / 2] from counted places [B, h, w]: sine, cosine, sine, ...
at::Tensor waves(const at::Tensor& places, int64_t half) {
  constexpr double temperature = 10000;
  auto order = at::arange(half, places.options()).div(2, "floor").mul(2.0 / static_cast<double>(half));
  auto angles = places.unsqueeze(3) / at::pow(temperature, order);
  return at::stack({angles.slice(3, 0, {}, 2).sin(), angles.slice(3, 1, {}, 2).cos()}, 4).flatten(3);
}

}  // namespace

PackedAttention read_packed_attention(WeightReader& weights, const std::string& name, int64_t width, int64_t heads) {
  return {
      {weights.take(name + ".in_proj_weight", {3 * width, width}), weights.take(name + ".in_proj_bias", {3 * width})},
      weights.linear(name + ".out_proj", width, width),
      heads};
}

DetrEncoderLayer read_detr_encoder_layer(WeightReader& weights, const std::string& name, int64_t width, int64_t heads) {
  return {read_packed_attention(weights, name + "self_attn", width, heads),
          weights.norm(name + "norm1", width, epsilon), read_feed(weights, name, width),
          weights.norm(name + "norm2", width, epsilon)};
}

DetrDecoderLayer read_detr_decoder_layer(WeightReader& weights, const std::string& name, int64_t width, int64_t heads) {
  return {read_packed_attention(weights, name + "self_attn", width, heads),
          read_packed_attention(weights, name + "cross_attn_image", width, heads),
          weights.norm(name + "norm1", width, epsilon),
          weights.norm(name + "norm3", width, epsilon),
          read_feed(weights, name, width),
          weights.norm(name + "norm4", width, epsilon)};
}

at::Tensor detr_encode(const at::Tensor& x, const at::Tensor& positions, const DetrEncoderLayer& layer,
                       const at::Tensor& mask, Trace* trace, const std::string& name) {
  auto placed = x + positions;
  auto y = add_onto(attention(placed, placed, x, unpack(layer.attention), mask, trace, name + ".attention"), x);
  y = layer_norm(y, layer.attention_norm);
  return tap(trace, name + ".hidden", layer_norm(add_onto(feed_forward(y, layer.feed), y), layer.feed_norm));
}

at::Tensor detr_decode(const at::Tensor& x, const at::Tensor& queries, const DetrMemory& memory,
                       const DetrDecoderLayer& layer, Trace* trace, const std::string& name) {
  auto asking = x + queries;
  auto y = add_onto(attention(asking, asking, x, unpack(layer.self), {}, trace, name + ".self_attention"), x);
  y = layer_norm(y, layer.self_norm);
  auto z = add_onto(attention(y + queries, memory.keys, memory.values, unpack(layer.cross), memory.mask, trace,
                              name + ".cross_attention"),
                    y);
  z = layer_norm(z, layer.cross_norm);
  return tap(trace, name + ".hidden", layer_norm(add_onto(feed_forward(z, layer.feed), z), layer.feed_norm));
}

at::Tensor sine_positions(const at::Tensor& real, int64_t width) {
  constexpr double least = 1e-6, whole = 2 * std::numbers::pi;
  auto counted = real.to(at::kFloat);
  auto rows = counted.cumsum(1), columns = counted.cumsum(2);
  rows = rows / (rows.slice(1, -1) + least) * whole;
  columns = columns / (columns.slice(2, -1) + least) * whole;
  return at::cat({waves(rows, width / 2), waves(columns, width / 2)}, 3);
}

}  // namespace multiviz
