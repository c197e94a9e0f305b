#pragma once
#include <ATen/core/Tensor.h>

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "models/trace.h"
#include "nn/weight_reader.h"

namespace multiviz {

// The network that MDETR sees images with: a ResNet of torchvision ("resnet101") or an EfficientNet of timm
// ("timm_tf_efficientnet_b3_ns"), its normalisations frozen.
class MdetrBackbone {
 public:
  MdetrBackbone() = default;
  // Reads PREFIX*. `name` is what the training script called it, "" where that is not known; widths and numbers of
  // layers are those of the weights. `dilation`: the last stage of a ResNet keeps the size of the one before and its
  // filters reach twice as far (DETR's DC5); EfficientNets do not heed it. Throws Error for a name that is neither
  // family's and for dilation of a ResNet without bottlenecks.
  MdetrBackbone(WeightReader& weights, const std::string& prefix, const std::string& name, bool dilation,
                const std::string& where);

  int64_t channels() const { return channels_; }
  std::vector<std::string> taps() const;  // image.embeddings, image.stage.1, ...

  // The taps of the last maps [B, C, H / s, W / s] with s = 16, 8, 4, and their channels.
  struct Map {
    std::string tap;
    int64_t channels = 0;
  };
  const std::array<Map, 3>& finer() const { return finer_; }

  // Pixels [B, 3, H, W] -> [B, C, H / 32, W / 32], with dilation [B, C, H / 16, W / 16], rounded up. `real`, where it
  // is defined, bool [B, H, W], is true at the real pixels, a rectangle from the upper left corner: then each row is
  // seen alone, so that it does not depend on padding, what follows is zero, and `real` becomes that of the result.
  at::Tensor operator()(at::Tensor pixels, at::Tensor& real, Trace* trace) const;

 private:
  struct Step {
    std::string tap;
    std::function<at::Tensor(const at::Tensor&)> run;
  };

  void add_resnet(WeightReader& weights, const std::string& prefix, bool dilation, const std::string& where);
  void add_efficientnet(WeightReader& weights, const std::string& prefix, bool same);

  std::vector<Step> steps_;
  std::array<Map, 3> finer_;
  int64_t channels_ = 0;
};

}  // namespace multiviz
