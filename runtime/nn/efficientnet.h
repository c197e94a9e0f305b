#pragma once
#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "nn/layers.h"
#include "nn/weight_reader.h"

namespace multiviz {

// EfficientNet (Tan & Le 2019) without its classifier, as timm names it, its normalisations by running statistics
// ("frozen batch norm", epsilon 1e-5). Numbers of layers, widths and kernels are those of the weights.
class EfficientNet {
 public:
  EfficientNet() = default;
  // Reads PREFIXconv_stem.weight, PREFIXbn1.*, PREFIXblocks.0.0.*, ... `same`: padded as TensorFlow does ("tf_"
  // models), more at the right and below when the border is odd. What is missing or does not fit, `weights` reports
  // when it finishes.
  EfficientNet(WeightReader& weights, const std::string& prefix, bool same);

  size_t stages() const { return stages_.size(); }
  int64_t channels(size_t stage) const { return channels_[stage]; }  // of its result
  // The first convolution: [B, 3, H, W] -> [B, C0, H / 2, W / 2], rounded up.
  at::Tensor stem(const at::Tensor& pixels) const;
  // Stage `number`, from 0, of seven: [B, C, H, W] -> [B, C', H / s, W / s], rounded up, s = 1, 2, 2, 2, 1, 2, 1.
  at::Tensor stage(size_t number, at::Tensor x) const;

 private:
  struct Block {
    ConvNormWeights expand;  // undefined where the channels are as many before
    ConvNormWeights depthwise, project;
    LinearWeights reduce, restore;  // of squeeze and excitation, [R, C, 1, 1] and [C, R, 1, 1]
    int64_t stride = 1;
  };

  Block read_block(WeightReader& weights, const std::string& name, int64_t in, int64_t stride) const;
  at::Tensor convolve(const at::Tensor& x, const ConvNormWeights& weights, int64_t stride) const;
  at::Tensor run(const Block& block, const at::Tensor& x) const;

  bool same_ = true;
  std::vector<int64_t> channels_;
  ConvNormWeights stem_;
  std::vector<std::vector<Block>> stages_;
};

}  // namespace multiviz
