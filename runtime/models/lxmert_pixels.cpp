#include "models/lxmert_pixels.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <limits>

#include "core/error.h"

namespace multiviz {
namespace {

constexpr int64_t numbers_of_box = 4;

// [R, 8].
at::Tensor pack(const Detections& found) { return at::cat({found.proposals, found.boxes}, 1); }

Detections unpack(const at::Tensor& regions) {
  auto known = regions.select(1, 0).isnan().logical_not().nonzero().squeeze(1);
  auto numbers = regions.index_select(0, known);
  Detections out;
  out.proposals = numbers.slice(1, 0, numbers_of_box);
  out.boxes = numbers.slice(1, numbers_of_box);
  return out;
}

// Rows of different length [n, ...], filled up with `value`: [B, longest, ...].
at::Tensor padded(const std::vector<at::Tensor>& rows, double value) {
  int64_t longest = 0;
  for (const auto& row : rows) longest = std::max(longest, row.size(0));
  std::vector<at::Tensor> out;
  for (const auto& row : rows) {
    std::vector<int64_t> padding(static_cast<size_t>(2 * row.dim()), 0);
    padding.back() = longest - row.size(0);
    out.push_back(at::constant_pad_nd(row, padding, value));
  }
  return at::stack(out);
}

}  // namespace

LxmertPixels::LxmertPixels(std::shared_ptr<Lxmert> lxmert, std::shared_ptr<Frcnn> detector)
    : lxmert_(std::move(lxmert)), detector_(std::move(detector)), signature_(lxmert_->signature()) {
  check(lxmert_->region_size() == detector_->feature_size() + numbers_of_box,
        "the detector in '{}' gives regions of {} features and 4 numbers of a box, and the model reads {} in all",
        detector_->folder(), detector_->feature_size(), lxmert_->region_size());
  signature_.modalities[0] = {"image", ModalityKind::image};
  signature_.taps.insert(signature_.taps.begin(), "image.regions");
}

Leaf LxmertPixels::prepare(size_t modality, std::span<const Value> values) const {
  return modality == 0 ? prepare_images(values) : lxmert_->prepare(modality, values);
}

Leaf LxmertPixels::prepare_images(std::span<const Value> values) const {
  at::NoGradGuard no_grad;
  Leaf leaf;
  std::vector<at::Tensor> images, regions;
  int64_t height = 0, width = 0;
  for (const auto& value : values) {
    check(std::holds_alternative<Image>(value), "'image' takes an image, and was given {}", kind_name(kind_of(value)));
    images.push_back(detector_->prepare(std::get<Image>(value).pixels));
    const auto& pixels = images.back();
    regions.push_back(pack(detector_->detect(detector_->map(pixels), pixels.size(2), pixels.size(3))));
    height = std::max(height, pixels.size(2)), width = std::max(width, pixels.size(3));
  }
  const auto count = std::ssize(images);
  leaf.tensor = at::zeros({count, 3, height, width}, images[0].options());
  auto real = at::zeros({count, height, width}, leaf.tensor.options().dtype(at::kBool));
  for (int64_t i = 0; i < count; ++i) {
    const auto& pixels = images[static_cast<size_t>(i)];
    const auto h = pixels.size(2), w = pixels.size(3);
    leaf.tensor[i].slice(1, 0, h).slice(2, 0, w).copy_(pixels[0]);
    real[i].slice(0, 0, h).slice(1, 0, w).fill_(true);
    const auto& original = std::get<Image>(values[static_cast<size_t>(i)]).pixels;
    leaf.areas.push_back({0, 0, static_cast<double>(original.size(1) * width) / static_cast<double>(w),
                          static_cast<double>(original.size(0) * height) / static_cast<double>(h)});
  }
  if (!real.all().item<bool>()) leaf.mask = real;
  leaf.regions = padded(regions, std::numeric_limits<double>::quiet_NaN());
  return leaf;
}

Detections LxmertPixels::boxes_of(const Leaf& leaf, int64_t row, const at::Tensor& map, int64_t height,
                                  int64_t width) const {
  return leaf.regions.defined() ? unpack(leaf.regions[row]) : detector_->detect(map, height, width);
}

Encoding LxmertPixels::encode(size_t modality, const Leaf& leaf, Trace* trace) const {
  if (modality == 1) return lxmert_->encode(modality, leaf, trace);
  const auto& pixels = leaf.tensor;
  check(pixels.dim() == 4 && pixels.size(1) == 3 && pixels.size(0) > 0,
        "the image leaf of {} is [B, 3, H, W], not [{}]", signature_.name, fmt::join(pixels.sizes(), ", "));
  std::vector<at::Tensor> rows, real;
  for (int64_t i = 0; i < pixels.size(0); ++i) {
    auto height = pixels.size(2), width = pixels.size(3);
    if (leaf.mask.defined()) {
      height = leaf.mask[i].select(1, 0).sum().item<int64_t>();
      width = leaf.mask[i].select(0, 0).sum().item<int64_t>();
    }
    // One image at a time: at this size a batch gains nothing, and its activations would take gigabytes.
    auto map = detector_->map(pixels.slice(0, i, i + 1).slice(2, 0, height).slice(3, 0, width));
    auto found = boxes_of(leaf, i, map, height, width);
    rows.push_back(at::cat({detector_->features(map, found.proposals), found.boxes}, 1));
    real.push_back(at::ones({found.boxes.size(0)}, pixels.options().dtype(at::kBool)));
  }
  auto regions = tap(trace, "image.regions", padded(rows, 0));
  return lxmert_->encode(0, {regions, padded(real, 0), {}, {}}, trace);
}

Output LxmertPixels::fuse(std::span<const Encoding> encodings, Trace* trace) const {
  return lxmert_->fuse(encodings, trace);
}

void LxmertPixels::to(at::Device device) {
  lxmert_->to(device);
  detector_->to(device);
}

nlohmann::json LxmertPixels::config() const {
  auto out = lxmert_->config();
  out["detector"] = detector_->folder();
  return out;
}

}  // namespace multiviz
