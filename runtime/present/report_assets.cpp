#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>

#include "io/file.h"
#include "io/image.h"
#include "present/heatmap.h"
#include "present/report_view.h"

namespace multiviz {
namespace {

constexpr int64_t kSmallestLayer = 480;  // px of the longer side, below which layers are drawn enlarged
constexpr int64_t kLargestLayer = 1280;
constexpr const char* kFolder = "assets";

std::pair<int64_t, int64_t> reduced(int64_t height, int64_t width) {
  int64_t longer = std::max(height, width);
  if (longer <= kLargestLayer) return {height, width};
  auto scale = [&](int64_t side) { return std::max<int64_t>(1, side * kLargestLayer / longer); };
  return {scale(height), scale(width)};
}

}  // namespace

std::pair<int64_t, int64_t> layer_size(int64_t height, int64_t width) {
  int64_t longer = std::max(height, width);
  int64_t factor = longer < kSmallestLayer ? (kSmallestLayer + longer - 1) / longer : 1;
  return reduced(height * factor, width * factor);
}

ReportAssets::ReportAssets(std::string folder) : folder_(std::move(folder)) {
  make_folder((std::filesystem::path(folder_) / kFolder).string());
}

std::string ReportAssets::add(const at::Tensor& pixels) {
  auto name = fmt::format("{}/{}.png", kFolder, count_++);
  save_png((std::filesystem::path(folder_) / name).string(), pixels);
  return name;
}

std::string ReportAssets::add_photo(const at::Tensor& pixels) {
  auto& name = known_[pixels.unsafeGetTensorImpl()];
  if (name.empty()) {
    auto [height, width] = reduced(pixels.size(0), pixels.size(1));
    name = add(resize(pixels.to(at::kCPU), height, width, true));
  }
  return name;
}

std::string ReportAssets::add_outlines(const at::Tensor& segments) {
  auto& name = known_[segments.unsafeGetTensorImpl()];
  if (name.empty()) {
    auto [height, width] = layer_size(segments.size(0), segments.size(1));
    auto large = resize(segments.to(at::kCPU), height, width, false);
    name = add(draw_outlines(at::zeros({height, width, 4}, at::kByte), large, {255, 255, 255}));
  }
  return name;
}

}  // namespace multiviz
