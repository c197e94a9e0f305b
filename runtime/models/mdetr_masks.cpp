#include "models/mdetr_masks.h"

#include <ATen/ATen.h>

#include <limits>

#include "core/error.h"

namespace multiviz {
namespace {

constexpr int64_t groups = 8;
constexpr double epsilon = 1e-5;
constexpr int64_t narrower[] = {2, 4, 8, 16};  // the width's share that the layers after the first have

at::Tensor convolve(const at::Tensor& x, const LinearWeights& weights) {
  int64_t border = weights.weight.size(2) / 2;
  return at::conv2d(x, weights.weight, weights.bias, {1, 1}, {border, border});
}

}  // namespace

MdetrMasks::MdetrMasks(WeightReader& weights, int64_t width, int64_t heads, const std::array<int64_t, 3>& finer,
                       const std::string& where)
    : heads_(heads) {
  check(width % (groups * 16) == 0 && heads % groups == 0,
        "{}: models for segmentation have a width that is a multiple of {} and heads in multiples of {}, not {} and {}",
        where, groups * 16, groups, width, heads);
  query_ = weights.linear("bbox_attention.q_linear", width, width);
  key_ = weights.linear("bbox_attention.k_linear", width, width);
  auto read = [&](const std::string& name, int64_t in, int64_t out, int64_t kernel) {
    return LinearWeights{weights.take(name + ".weight", {out, in, kernel, kernel}),
                         weights.take(name + ".bias", {out})};
  };
  int64_t in = width + heads, out = in;
  for (size_t i = 0; i <= std::size(narrower); ++i) {
    if (i > 0) out = width / narrower[i - 1];
    layers_.push_back({read(fmt::format("mask_head.lay{}", i + 1), in, out, 3),
                       weights.norm(fmt::format("mask_head.gn{}", i + 1), out, epsilon)});
    in = out;
  }
  for (size_t i = 0; i < finer.size(); ++i)
    adapters_[i] = read(fmt::format("mask_head.adapter{}", i + 1), finer[i], width / narrower[i], 1);
  out_ = read("mask_head.out_lay", in, 1, 3);
}

// [B, Q, heads, h, w]: each slot's attention over the real cells.
at::Tensor MdetrMasks::look(const at::Tensor& slots, const at::Tensor& memory, const at::Tensor& real) const {
  int64_t batch = slots.size(0), count = slots.size(1), width = slots.size(2), part = width / heads_;
  auto queries = linear(slots, query_).view({batch, count, heads_, part}).transpose(1, 2);
  auto keys = linear(memory.flatten(2).transpose(1, 2), key_).view({batch, -1, heads_, part}).permute({0, 2, 3, 1});
  auto scores = at::matmul(queries / std::sqrt(static_cast<double>(part)), keys).transpose(1, 2);
  scores = scores.masked_fill(real.logical_not().flatten(1).unsqueeze(1).unsqueeze(1),
                              -std::numeric_limits<double>::infinity());
  return scores.softmax(3).view({batch, count, heads_, memory.size(2), memory.size(3)});
}

at::Tensor MdetrMasks::operator()(const at::Tensor& slots, const at::Tensor& cells, const at::Tensor& memory,
                                  const at::Tensor& real, const std::array<at::Tensor, 3>& finer) const {
  int64_t batch = slots.size(0), count = slots.size(1);
  auto before = cells.unsqueeze(1).expand({-1, count, -1, -1, -1}).flatten(0, 1);
  auto x = at::cat({before, look(slots, memory, real).flatten(0, 1)}, 1);
  for (size_t i = 0; i < layers_.size(); ++i) {
    if (i > 1) {
      auto seen = convolve(finer[i - 2], adapters_[i - 2]).unsqueeze(1);
      x = at::upsample_nearest2d(x, seen.sizes().slice(3)).unflatten(0, {batch, count}).add_(seen).flatten(0, 1);
    }
    const auto& [convolution, norm] = layers_[i];
    x = at::group_norm(convolve(x, convolution), groups, norm.weight, norm.bias, norm.epsilon).relu_();
  }
  x = convolve(x, out_);
  return x.squeeze(1).unflatten(0, {batch, count});
}

}  // namespace multiviz
