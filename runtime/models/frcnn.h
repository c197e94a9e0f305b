#pragma once
#include <array>
#include <nlohmann/json.hpp>
#include <string>

#include "nn/resnet.h"
#include "nn/weight_reader.h"

namespace multiviz {

// What the detector found in an image: R regions, best first as its NMS leaves them.
struct Detections {
  at::Tensor proposals;            // float32 [R, 4]: where the features were taken, in pixels of the prepared image
  at::Tensor boxes;                // float32 [R, 4], refined: x0, y0, x1, y1 in parts of the image's width and height
  at::Tensor features;             // float32 [R, F]
  at::Tensor objects, attributes;  // int64 [R]
  at::Tensor object_scores, attribute_scores;  // float32 [R], probabilities
};

// The Faster R-CNN (Ren et al. 2015) of transformers' LXMERT demo, unc-nlp/frcnn-vg-finetuned: a ResNet up to its
// fourth stage (C4) proposes boxes; RoIPool and the fifth stage make of each a mean of F = 2048 channels, which tells
// the object (1600 of Visual Genome), a refined box, and an attribute (400). Of the proposals, those are chosen that no
// better one overlaps, by the first of the configuration's thresholds that leaves MIN_DETECTIONS of them, at most
// MAX_DETECTIONS; where none does, what the last one leaves.
class Frcnn {
 public:
  // A folder with config.yaml and weights in any container. Untrusted. Throws Error for settings that make no such
  // network and weights that do not fit it.
  explicit Frcnn(const std::string& folder);

  // uint8 [H, W, 3], RGB -> [1, 3, h, w]: bilinear without antialias, shorter side MIN_SIZE_TEST, longer at most
  // MAX_SIZE_TEST, mean and deviation. As in the demo, channels are turned around where INPUT.FORMAT is "RGB" and
  // left as they are where it is "BGR".
  at::Tensor prepare(const at::Tensor& image) const;
  // [B, 3, h, w] -> [B, C, h / 16, w / 16].
  at::Tensor map(const at::Tensor& pixels) const;
  // Of the map [1, C, h / 16, w / 16] of one image. Without gradients.
  Detections detect(const at::Tensor& map, int64_t height, int64_t width) const;
  // The features of boxes [N, 4] of such an image, [N, F]; differentiable.
  at::Tensor features(const at::Tensor& map, const at::Tensor& boxes) const;

  int64_t feature_size() const { return width_ * 8; }
  const std::string& folder() const { return folder_; }
  at::Device device() const { return weights_.front().second.device(); }
  void to(at::Device device);
  const NamedTensors& weights() const { return weights_; }

 private:
  void read_settings(const nlohmann::json& config, const std::string& where);
  void read_network(WeightReader weights, int64_t stem, const std::array<int64_t, 3>& depths);
  // The boxes that are looked at, [N, 4].
  at::Tensor propose(const at::Tensor& map, int64_t height, int64_t width) const;

  std::string folder_;
  NamedTensors weights_;
  // config.yaml
  std::array<double, 3> mean_{}, deviation_{};
  bool reversed_ = false, caffe_pool_ = false, halve_ = false;
  int64_t shortest_ = 0, longest_ = 0, width_ = 0, hidden_ = 0, anchors_ = 0, classes_ = 0, attributes_ = 0;
  int64_t before_ = 0, after_ = 0, resolution_ = 0, fewest_ = 0, most_ = 0;
  double offset_ = 0, smallest_ = 0, overlap_ = 0;
  std::array<double, 4> proposal_weights_{}, box_weights_{};
  std::vector<double> thresholds_;

  ResnetOptions options_;
  ConvNormWeights stem_;
  std::vector<ResnetStage> stages_;
  ResnetStage head_;
  at::Tensor cells_;                          // [A, 4]
  LinearWeights conv_, objectness_, deltas_;  // convolutions
  LinearWeights object_, box_, attribute_hidden_, attribute_;
  at::Tensor object_embedding_;  // [classes + 1, F / 8]
};

}  // namespace multiviz
