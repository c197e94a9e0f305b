#pragma once
#include <ATen/core/Tensor.h>

#include <array>
#include <string>
#include <vector>

#include "nn/layers.h"
#include "nn/weight_reader.h"

namespace multiviz {

// What MDETR draws its slots' segments with (its models for PhraseCut): where a slot looks at the encoder's cells, and
// a convolutional network that makes the maps larger by what the backbone saw on the way (DETR's "smallconv").
class MdetrMasks {
 public:
  MdetrMasks() = default;  // of a model that draws none
  // Reads bbox_attention.* and mask_head.*. `finer` are the channels of the backbone's maps, the coarsest first. Throws
  // Error, naming `where`, for a width that its normalisations do not divide; what is missing or does not fit,
  // `weights` reports when it finishes.
  MdetrMasks(WeightReader& weights, int64_t width, int64_t heads, const std::array<int64_t, 3>& finer,
             const std::string& where);

  bool defined() const { return out_.weight.defined(); }

  // Slots [B, Q, E], the cells before and after the encoder [B, E, h, w], which of them are real (bool [B, h, w]), and
  // the backbone's maps [B, C, h', w'] -> the logit of each slot at each place of the last map, [B, Q, h', w'].
  at::Tensor operator()(const at::Tensor& slots, const at::Tensor& cells, const at::Tensor& memory,
                        const at::Tensor& real, const std::array<at::Tensor, 3>& finer) const;

 private:
  struct Layer {
    LinearWeights convolution;  // 3 x 3
    LayerNormWeights norm;      // over groups of channels
  };

  at::Tensor look(const at::Tensor& slots, const at::Tensor& memory, const at::Tensor& real) const;

  int64_t heads_ = 1;
  LinearWeights query_, key_;
  std::vector<Layer> layers_;
  std::array<LinearWeights, 3> adapters_;  // 1 x 1
  LinearWeights out_;
};

}  // namespace multiviz
