#pragma once
#include "nn/resnet.h"
#include "nn/transformer.h"

namespace multiviz {

// The ResNet image tower of CLIP (Radford et al. 2021, section 2.4): a stem of three convolutions, strides that are
// means, and, in place of the mean over the map, attention that the mean's query looks at the map with.
class ClipResnet {
 public:
  ClipResnet() = default;
  // `layers` of the four stages; `width`, channels after the stem; pictures of `image` x `image` pixels; embeddings of
  // `embedding` numbers. Names begin with `prefix`.
  ClipResnet(WeightReader& weights, const std::string& prefix, std::vector<int64_t> layers, int64_t width,
             int64_t image, int64_t heads, int64_t embedding);

  // [B, 3, image, image] -> [B, embedding]. Taps: NAME.embeddings [B, width, image / 4, image / 4], NAME.stage.1, ...,
  // NAME.pool.attention [B, heads, 1, 1 + N].
  at::Tensor operator()(const at::Tensor& pixels, Trace* trace, const std::string& name) const;

 private:
  std::vector<ConvNormWeights> stem_;
  std::vector<ResnetStage> stages_;
  at::Tensor positions_;  // [1 + N, E]
  AttentionWeights pool_;
};

}  // namespace multiviz
