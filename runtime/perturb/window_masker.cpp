#include "perturb/window_masker.h"

#include <ATen/ATen.h>

#include "core/error.h"

namespace multiviz {
namespace {

std::vector<int64_t> starts(int64_t length, int64_t size, int64_t stride) {
  std::vector<int64_t> out;
  for (int64_t at = 0; at + size < length; at += stride) out.push_back(at);
  out.push_back(length - size);
  return out;
}

}  // namespace

WindowMasker::WindowMasker(const Image& image, const std::string& modality, int64_t size, int64_t stride,
                           const MaskerOptions& options)
    : size_(size) {
  auto pixels = image.pixels.cpu().contiguous();
  int64_t height = pixels.size(0), width = pixels.size(1);
  check(size > 0 && size <= height && size <= width, "a window of {} pixels does not fit '{}' of {} x {}", size, modality,
        width, height);
  check(stride > 0, "stride must be at least 1, got {}", stride);
  players_.modality = modality;
  players_.kind = ModalityKind::image;
  for (int64_t y : starts(height, size, stride))
    for (int64_t x : starts(width, size, stride)) {
      corners_.emplace_back(y, x);
      players_.names.push_back(fmt::format("window at {}, {}", x + 1, y + 1));
    }
  pixels_ = pixels.to(options.device);
  hidden_ = hidden_image(pixels, at::zeros({height, width}, at::kLong), options).to(options.device);
}

std::vector<Value> WindowMasker::render(const at::Tensor& coalitions) const {
  auto masks = coalitions.cpu().contiguous();
  const bool* kept = masks.const_data_ptr<bool>();
  auto images = pixels_.unsqueeze(0).repeat({masks.size(0), 1, 1, 1});
  std::vector<Value> values;
  for (auto& image : images.unbind(0)) {
    for (auto [y, x] : corners_) {
      if (*kept++) continue;
      image.slice(0, y, y + size_).slice(1, x, x + size_).copy_(hidden_.slice(0, y, y + size_).slice(1, x, x + size_));
    }
    values.push_back(Image{image});
  }
  return values;
}

at::Tensor WindowMasker::heatmap(const at::Tensor& weights) const {
  auto sums = at::zeros(pixels_.sizes().slice(0, 2), at::kFloat), counts = at::zeros_like(sums);
  for (size_t w = 0; w < corners_.size(); ++w) {
    auto [y, x] = corners_[w];
    sums.slice(0, y, y + size_).slice(1, x, x + size_).add_(weights[static_cast<int64_t>(w)].item<float>());
    counts.slice(0, y, y + size_).slice(1, x, x + size_).add_(1);
  }
  return sums / counts.clamp_min(1);
}

}  // namespace multiviz
