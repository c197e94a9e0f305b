#pragma once
#include "models/encoder.h"

namespace multiviz {

// VGG (Simonyan & Zisserman 2015) from a state dict of torchvision (vgg11 to vgg19, with batch normalisation or
// without): {"model_type": "vgg"}. Widths and depth are those of the weights. Features: what the last layer of the
// classifier reads, 4096 numbers in torchvision's. Without a preprocessor_config.json images are made as torchvision's
// weights expect: shorter side 256, the middle 224 x 224, ImageNet's mean and deviation.
//
// Leaf: pixels [B, C, H, W]. Taps: image.stage.1 [B, C1, H / 2, W / 2], ..., one at each pooling, features [B, D],
// logits [B, C].
class VggEncoder : public EncoderModel {
 public:
  // Throws Error for weights that are not those of a VGG.
  explicit VggEncoder(Pretrained from);

  Leaf prepare(size_t modality, std::span<const Value> values) const override;
  at::Tensor states(const Leaf& leaf, Trace* trace) const override;
  int64_t states_width() const override { return width_; }
  // VGG.forward: pixel_values -> logits, features.
  RawOutputs forward_raw(const RawInputs& inputs) const override;

 private:
  struct Layer {
    LinearWeights convolution;
    at::Tensor scale, shift, mean, variance;  // of the normalisation, undefined where there is none
    bool pool = false;                        // 2 x 2 maximum afterwards
  };

  void read_features(WeightReader& weights);
  at::Tensor pool(const at::Tensor& states, const at::Tensor& mask, Trace* trace) const override;

  std::vector<Layer> layers_;
  LinearWeights first_, second_;  // of the classifier
  int64_t channels_ = 0, width_ = 0;
};

}  // namespace multiviz
