#include "nn/clip_resnet.h"

#include <ATen/ATen.h>

namespace multiviz {

ClipResnet::ClipResnet(WeightReader& weights, const std::string& prefix, std::vector<int64_t> layers, int64_t width,
                       int64_t image, int64_t heads, int64_t embedding) {
  auto stem = [&](int number, int64_t in, int64_t out) {
    stem_.push_back(read_conv_norm(weights, fmt::format("{}conv{}", prefix, number),
                                   fmt::format("{}bn{}", prefix, number), in, out, 3));
  };
  stem(1, 3, width / 2), stem(2, width / 2, width / 2), stem(3, width / 2, width);
  ResnetOptions options;
  options.stride = ResnetStride::mean;
  int64_t in = width, out = 4 * width;
  for (size_t s = 0; s < layers.size(); ++s, in = out, out *= 2)
    stages_.emplace_back(weights, prefix, static_cast<int64_t>(s) + 1,
                         ResnetShape{in, out, layers[s], s == 0 ? 1 : 2, 1}, options);
  int64_t side = image / 32;
  auto pool = prefix + "attnpool.";
  positions_ = weights.take(pool + "positional_embedding", {side * side + 1, in});
  pool_ = {weights.linear(pool + "q_proj", in, in), weights.linear(pool + "k_proj", in, in),
           weights.linear(pool + "v_proj", in, in), weights.linear(pool + "c_proj", in, embedding), heads};
}

at::Tensor ClipResnet::operator()(const at::Tensor& pixels, Trace* trace, const std::string& name) const {
  auto x = for_convolutions(pixels);
  for (size_t i = 0; i < stem_.size(); ++i) x = at::relu(conv_norm(x, stem_[i], batch_norm_epsilon, i == 0 ? 2 : 1));
  x = tap(trace, name + ".embeddings", at::avg_pool2d(x, {2, 2}));
  for (size_t s = 0; s < stages_.size(); ++s) x = tap(trace, fmt::format("{}.stage.{}", name, s + 1), stages_[s](x));
  auto cells = x.flatten(2).transpose(1, 2);  // [B, N, E]
  cells = at::cat({cells.mean(1, true), cells}, 1) + positions_;
  return attention(cells.slice(1, 0, 1), cells, pool_, {}, trace, name + ".pool.attention").select(1, 0);
}

}  // namespace multiviz
