#include "nn/transformer.h"

#include <ATen/ATen.h>

#include <limits>

#include "core/error.h"
#include "nn/fused_attention.h"

namespace multiviz {
namespace {

double lowest(at::ScalarType dtype) {
  switch (dtype) {
    case at::kHalf:
      return static_cast<float>(std::numeric_limits<at::Half>::lowest());
    case at::kBFloat16:
      return static_cast<float>(std::numeric_limits<at::BFloat16>::lowest());
    case at::kDouble:
      return std::numeric_limits<double>::lowest();
    default:
      return std::numeric_limits<float>::lowest();
  }
}

// [B, T, E] -> [B, heads, T, D], a view.
at::Tensor split_heads(const at::Tensor& x, int64_t heads) {
  return x.view({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

}  // namespace

at::Tensor layer_norm(const at::Tensor& x, const LayerNormWeights& weights) {
  return at::layer_norm(x, {x.size(-1)}, weights.weight, weights.bias, weights.epsilon);
}

at::Tensor additive_mask(const at::Tensor& mask, at::ScalarType dtype) {
  if (!mask.defined() || (mask.is_cpu() && mask.all().item<bool>())) return {};
  auto out = at::zeros(mask.sizes(), mask.options().dtype(dtype)).masked_fill_(mask.logical_not(), lowest(dtype));
  return out.unsqueeze(1).unsqueeze(1);
}

at::Tensor attention(const at::Tensor& x, const at::Tensor& context, const AttentionWeights& weights,
                     const at::Tensor& mask, Trace* trace, const std::string& tap) {
  return attention(x, context, context, weights, mask, trace, tap);
}

at::Tensor attention(const at::Tensor& x, const at::Tensor& keys, const at::Tensor& values,
                     const AttentionWeights& weights, const at::Tensor& mask, Trace* trace, const std::string& tap) {
  auto q = split_heads(linear(x, weights.query), weights.heads);
  auto k = split_heads(linear(keys, weights.key), weights.heads);
  auto v = split_heads(linear(values, weights.value), weights.heads);
  at::Tensor out;
  if (trace && trace->wants(tap)) {
    at::Tensor map;
    plain_attention(q, k, v, mask, &map);
    out = at::matmul(trace->pass(tap, map), v);
  } else if (trace && trace->second_order()) {
    out = plain_attention(q, k, v, mask);
  } else {
    out = fused_attention(q, k, v, mask);
  }
  return linear(out.transpose(1, 2).flatten(2), weights.output);
}

at::Tensor feed_forward(const at::Tensor& x, const FeedForwardWeights& weights) {
  return linear(weights.activation(linear(x, weights.in)), weights.out);
}

at::Tensor pre_norm_block(const at::Tensor& x, const BlockWeights& weights, const at::Tensor& mask, Trace* trace,
                          const std::string& name, const at::Tensor& rows) {
  const auto& wanted = rows.defined() ? rows : x;
  auto normed = layer_norm(x, weights.attention_norm);
  auto asking = rows.defined() ? layer_norm(rows, weights.attention_norm) : normed;
  auto y = add_onto(attention(asking, normed, weights.attention, mask, trace, name + ".attention"), wanted);
  auto z = add_onto(feed_forward(layer_norm(y, weights.feed_norm), weights.feed), y);
  return tap(trace, name + ".hidden", z);
}

bool wants_block(const Trace* trace, const std::string& name) {
  return trace && (trace->wants(name + ".attention") || trace->wants(name + ".hidden"));
}

at::Tensor post_norm_block(const at::Tensor& x, const BlockWeights& weights, const at::Tensor& mask, Trace* trace,
                           const std::string& name) {
  auto y = add_onto(attention(x, x, weights.attention, mask, trace, name + ".attention"), x);
  y = layer_norm(y, weights.attention_norm);
  auto z = layer_norm(add_onto(feed_forward(y, weights.feed), y), weights.feed_norm);
  return tap(trace, name + ".hidden", z);
}

at::Tensor embed_patches(const at::Tensor& pixels, const LinearWeights& kernel) {
  int64_t height = kernel.weight.size(2), width = kernel.weight.size(3);
  int64_t rows = pixels.size(2) / height, columns = pixels.size(3) / width;
  auto patches = pixels.slice(2, 0, rows * height)
                     .slice(3, 0, columns * width)
                     .reshape({pixels.size(0), pixels.size(1), rows, height, columns, width})
                     .permute({0, 2, 4, 1, 3, 5})
                     .reshape({pixels.size(0), rows * columns, pixels.size(1) * height * width});
  return at::linear(patches, kernel.weight.flatten(1), kernel.bias);
}

at::Tensor embed_text(const at::Tensor& words, const at::Tensor& types, const TextEmbeddingWeights& weights,
                      const std::string& what) {
  int64_t length = words.size(1), most = weights.positions.size(0);
  check(length <= most, "'{}' has {} tokens, and the model has positions for {}: shorten it", what, length, most);
  auto type = types.defined() ? at::embedding(weights.types, types) : weights.types.slice(0, 0, 1);
  return layer_norm(words + (weights.positions.slice(0, 0, length) + type), weights.norm);
}

}  // namespace multiviz
