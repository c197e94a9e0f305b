#pragma once
#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "nn/activation.h"
#include "nn/layers.h"
#include "nn/weight_reader.h"

namespace multiviz {

// How a checkpoint calls the parts of a ResNet.
enum class ResnetNames {
  torchvision,   // conv1.weight, bn1.weight, layer1.0.conv1.weight, layer1.0.bn1.weight, layer1.0.downsample.0.weight
  transformers,  // embedder.embedder.convolution.weight, encoder.stages.0.layers.0.layer.0.convolution.weight
  detectron      // stem.conv1.weight, stem.conv1.norm.weight, res2.0.conv1.weight, res2.0.shortcut.weight
};

// What shrinks the picture in a bottleneck of stride 2.
enum class ResnetStride {
  in_3x3,  // torchvision, transformers
  in_1x1,  // the first convolution: Caffe2, Detectron's C4
  mean     // 2 x 2 means before the last convolution and before the shortcut's: CLIP
};

// What all layers of a network share.
struct ResnetOptions {
  ResnetNames names = ResnetNames::torchvision;
  bool bottleneck = true;  // 1 x 1 to a quarter of the channels, 3 x 3, 1 x 1; otherwise 3 x 3 twice
  ResnetStride stride = ResnetStride::in_3x3;       // of bottlenecks
  Activation activation = find_activation("relu");  // of the stem and after a layer's sum; relu inside a layer
  double epsilon = 1e-5;                            // of the normalisations
};

// A convolution, and the normalisation after it by running statistics ("frozen batch norm"): [B, in, H, W] ->
// [B, out, H', W'], padded to keep the size at stride 1.
at::Tensor conv_norm(const at::Tensor& x, const ConvNormWeights& weights, double epsilon, int64_t stride = 1,
                     int64_t dilation = 1);

// Reads CONVOLUTION.weight and NORM.weight, .bias, .running_mean, .running_var.
ConvNormWeights read_conv_norm(WeightReader& weights, const std::string& convolution, const std::string& norm,
                               int64_t in, int64_t out, int64_t kernel);

// The first convolution, 7 x 7 of stride 2.
ConvNormWeights read_resnet_stem(WeightReader& weights, const std::string& prefix, int64_t in, int64_t out,
                                 const ResnetOptions& options);

// It, the activation and the 3 x 3 maximum at every other place: [B, in, H, W] -> [B, out, H / 4, W / 4], each side
// rounded up twice. `caffe_pool` is the maximum as Caffe takes it, without a border: a side of n has ceil((n - 3) / 2)
// + 1 places.
at::Tensor resnet_stem(const at::Tensor& pixels, const ConvNormWeights& weights, const ResnetOptions& options,
                       bool caffe_pool = false);

struct ResnetShape {
  int64_t in = 0, out = 0;  // channels
  int64_t layers = 0;
  int64_t stride = 1;                 // of the first layer
  int64_t dilation = 1;               // of the 3 x 3 convolutions of bottlenecks
  int64_t first_dilation = dilation;  // the first layer's
};

// Layers of one width, which may be used without the others: [B, in, H, W] -> [B, out, H / stride, W / stride], rounded
// up. The running statistics normalise in training as well.
class ResnetStage {
 public:
  ResnetStage() = default;
  // Reads stage `number`, from 1 ("layer1", "encoder.stages.0", "res2"), of the network whose names begin with
  // `prefix`. What is missing or does not fit, `weights` reports when it finishes.
  ResnetStage(WeightReader& weights, const std::string& prefix, int64_t number, const ResnetShape& shape,
              const ResnetOptions& options);

  at::Tensor operator()(at::Tensor x) const;

 private:
  struct Layer {
    std::vector<ConvNormWeights> convolutions;
    ConvNormWeights shortcut;  // undefined where the input is added as it is
    int64_t stride = 1, dilation = 1;
  };

  std::vector<ConvNormWeights> read_convolutions(WeightReader& weights, const std::string& layer, int64_t in) const;
  at::Tensor basic(const Layer& layer, const at::Tensor& x) const;
  at::Tensor bottleneck(const Layer& layer, const at::Tensor& x) const;
  at::Tensor run(const Layer& layer, const at::Tensor& x) const;

  std::vector<Layer> layers_;
  ResnetShape shape_;
  ResnetOptions options_;
};

}  // namespace multiviz
