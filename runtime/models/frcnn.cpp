#include "models/frcnn.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "core/batch.h"
#include "core/error.h"
#include "nn/detection.h"

namespace multiviz {
namespace {

constexpr int64_t stride = 16;  // pixels of a cell of the map

at::Tensor convolve(const at::Tensor& x, const LinearWeights& weights) {
  return at::conv2d(x, weights.weight, weights.bias, 1, weights.weight.size(2) / 2);
}

at::Tensor channels(const std::array<double, 3>& values, const at::TensorOptions& options) {
  return at::tensor(at::ArrayRef<double>(values), options).view({1, 3, 1, 1});
}

}  // namespace

void Frcnn::to(at::Device device) {
  for (auto& [_, tensor] : weights_) tensor.set_data(tensor.to(device));
  cells_ = cells_.to(device);
}

at::Tensor Frcnn::prepare(const at::Tensor& image) const {
  check(image.defined() && image.dim() == 3 && image.size(2) == 3 && image.numel() > 0,
        "a detector takes RGB pixels [H, W, 3] of at least one pixel");
  const auto h = static_cast<double>(image.size(0)), w = static_cast<double>(image.size(1));
  const auto edge = static_cast<double>(shortest_), limit = static_cast<double>(longest_);
  double scale = edge / std::min(h, w);
  double height = h < w ? edge : scale * h, width = h < w ? scale * w : edge;
  if (std::max(height, width) > limit) {
    scale = limit / std::max(height, width);
    height *= scale, width *= scale;
  }
  const auto rows = static_cast<int64_t>(height + 0.5), columns = static_cast<int64_t>(width + 0.5);
  check(rows > 0 && columns > 0, "an image of {} x {} pixels is too narrow for the detector", w, h);
  auto planes = image.to(device()).permute({2, 0, 1}).unsqueeze(0).to(at::kFloat);
  if (reversed_) planes = planes.flip(1);
  planes = at::upsample_bilinear2d(planes.contiguous(), {rows, columns}, /*align_corners=*/false);
  return planes.sub_(channels(mean_, planes.options())).div_(channels(deviation_, planes.options()));
}

at::Tensor Frcnn::map(const at::Tensor& pixels) const {
  auto x = resnet_stem(pixels, stem_, options_, caffe_pool_);
  for (const auto& stage : stages_) x = stage(x);
  return x;
}

at::Tensor Frcnn::propose(const at::Tensor& map, int64_t height, int64_t width) const {
  auto t = convolve(map, conv_).relu();
  auto scores = convolve(t, objectness_).permute({0, 2, 3, 1}).flatten();
  auto deltas =
      convolve(t, deltas_).view({anchors_, 4, map.size(2), map.size(3)}).permute({2, 3, 0, 1}).reshape({-1, 4});
  auto anchors = grid_anchors(cells_, map.size(2), map.size(3), stride, offset_);
  auto [best, order] = scores.sort(/*dim=*/0, /*descending=*/true);
  best = best.slice(0, 0, before_), order = order.slice(0, 0, before_);
  auto boxes = apply_deltas(deltas.index_select(0, order), anchors.index_select(0, order), proposal_weights_);
  boxes = clip_boxes(boxes, height, width);
  auto size = boxes.slice(1, 2) - boxes.slice(1, 0, 2);
  auto real = size.gt(smallest_).all(1).nonzero().squeeze(1);
  boxes = boxes.index_select(0, real), best = best.index_select(0, real);
  return boxes.index_select(0, non_maximum_suppression(boxes, best, overlap_, after_));
}

at::Tensor Frcnn::features(const at::Tensor& map, const at::Tensor& boxes) const {
  constexpr int64_t chunk = 32;  // boxes at a time: those of all proposals would take gigabytes
  std::vector<at::Tensor> parts;
  for_each_batch(boxes.size(0), chunk, [&](int64_t begin, int64_t end) {
    auto pooled = roi_pool(map, boxes.slice(0, begin, end), 1.0 / stride, resolution_);
    parts.push_back(head_(pooled).mean({2, 3}));
  });
  return parts.empty() ? at::zeros({0, feature_size()}, map.options()) : at::cat(parts);
}

Detections Frcnn::detect(const at::Tensor& map, int64_t height, int64_t width) const {
  at::NoGradGuard no_grad;
  auto seen = map.detach();
  auto proposals = propose(seen, height, width);
  check(proposals.size(0) > 0, "the detector proposes no boxes in an image of {} x {} pixels", width, height);
  auto regions = features(seen, proposals);
  auto logits = linear(regions, object_);
  auto [scores, objects] = logits.softmax(1).slice(1, 0, classes_).max(1);
  auto known = at::cat({regions, object_embedding_.index_select(0, logits.argmax(1))}, 1);
  auto [attribute_scores, attributes] =
      linear(linear(known, attribute_hidden_).relu(), attribute_).slice(1, 0, attributes_).softmax(1).max(1);
  auto rows = at::arange(objects.size(0), objects.options());
  auto deltas = linear(regions, box_).view({-1, classes_, 4}).index({rows, objects});
  auto boxes = clip_boxes(apply_deltas(deltas, proposals, box_weights_), height, width);
  at::Tensor keep;
  for (double threshold : thresholds_) {
    keep = non_maximum_suppression(boxes, scores, threshold, most_);
    if (keep.size(0) >= fewest_) break;
  }
  auto w = static_cast<double>(width), h = static_cast<double>(height);
  auto pick = [&](const at::Tensor& tensor) { return tensor.index_select(0, keep); };
  return {pick(proposals),       pick(boxes) / at::tensor({w, h, w, h}, boxes.options()),
          pick(regions),         pick(objects),
          pick(attributes),      pick(scores),
          pick(attribute_scores)};
}

}  // namespace multiviz
