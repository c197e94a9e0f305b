#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "perturb/maskers.h"

namespace multiviz {
namespace {

// An image as it is and as it looks with everything hidden; rendering picks from the two by segment.
class ImageMasker : public Masker {
 public:
  ImageMasker(Players players, const at::Tensor& pixels, const at::Tensor& hidden, at::Device device)
      : players_(std::move(players)),
        pixels_(pixels.to(device).contiguous()),
        hidden_(hidden.to(device).contiguous()) {
    // Pixels of no player take the column that render adds, which is always true.
    auto index = at::where(players_.segments < 0, players_.size(), players_.segments);
    index_ = index.flatten().to(device);
  }

  const Players& players() const override { return players_; }

  std::vector<Value> render(const at::Tensor& coalitions) const override {
    int64_t samples = coalitions.size(0), height = pixels_.size(0), width = pixels_.size(1);
    auto kept = at::cat({coalitions, at::ones({samples, 1}, coalitions.options())}, 1).to(index_.device());
    auto shown = kept.index_select(1, index_).reshape({samples, height, width, 1});
    auto images = at::where(shown, pixels_.unsqueeze(0), hidden_.unsqueeze(0));
    std::vector<Value> values;
    values.reserve(static_cast<size_t>(samples));
    for (auto& image : images.unbind(0)) values.push_back(Image{std::move(image)});
    return values;
  }

 private:
  Players players_;
  at::Tensor pixels_, hidden_;  // uint8 [H, W, 3]
  at::Tensor index_;            // int64 [H * W]
};

struct Split {
  at::Tensor segments;
  std::vector<std::string> names;
};

Split numbered(at::Tensor segments) {
  Split split{std::move(segments), {}};
  for (int64_t i = 0; i <= split.segments.max().item<int64_t>(); ++i) split.names.push_back(fmt::format("segment {}", i + 1));
  return split;
}

Split grid(const at::Tensor& pixels, int64_t rows, int64_t columns) {
  Split split{grid_cells(pixels, rows, columns), {}};
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) split.names.push_back(fmt::format("row {} column {}", r + 1, c + 1));
  return split;
}

Split named_regions(const at::Tensor& pixels, std::span<const Region> regions) {
  Split split{region_segments(pixels, regions), {}};
  for (const auto& region : regions)
    split.names.push_back(region.name.empty() ? fmt::format("box {}", split.names.size() + 1) : region.name);
  auto rest = split.segments < 0;
  if (rest.any().item<bool>()) {
    split.segments = at::where(rest, static_cast<int64_t>(split.names.size()), split.segments);
    split.names.push_back("background");
  }
  return split;
}

Split split_image(const at::Tensor& pixels, const MaskerOptions& options, std::span<const Region> regions) {
  static const std::vector<std::string> known = {"slic", "quickshift", "grid", "boxes", "regions"};
  check_choice("segmentation", options.segmentation, known);
  if (options.segmentation == "slic") return numbered(slic(pixels, options.segments, options.compactness));
  if (options.segmentation == "quickshift") return numbered(quickshift(pixels, options.quickshift));
  if (options.segmentation == "grid") return grid(pixels, options.rows, options.columns);
  if (options.segmentation == "boxes") {
    check(!options.boxes.empty(), "segmentation 'boxes' needs boxes: give them as boxes = {{{{x0, y0, x1, y1}}, ...}}");
    return named_regions(pixels, options.boxes);
  }
  check(!regions.empty(), "the datapoint has no regions: use segmentation 'slic', 'quickshift', 'grid' or 'boxes'");
  return named_regions(pixels, regions);
}

at::Tensor mean_colors(const at::Tensor& pixels, const at::Tensor& segments) {
  int64_t players = segments.max().item<int64_t>() + 1;
  auto index = segments.flatten();
  auto flat = pixels.reshape({-1, 3}).to(at::kDouble);
  auto sums = at::zeros({players, 3}, at::kDouble).index_add_(0, index, flat);
  auto counts = at::zeros({players}, at::kDouble).index_add_(0, index, at::ones({index.numel()}, at::kDouble));
  // Truncated, as NumPy assigns a mean to an array of bytes.
  auto means = sums.div(counts.clamp_min(1).unsqueeze(1)).to(at::kByte);
  return means.index_select(0, index).reshape(pixels.sizes());
}

// Gaussian blur, one side after the other, with mirrored borders; cut off at three standard deviations.
at::Tensor blurred(const at::Tensor& pixels, double sigma) {
  auto planes = pixels.permute({2, 0, 1}).unsqueeze(1).to(at::kFloat);  // [3, 1, H, W]
  for (int64_t side : {2, 3}) {
    int64_t reach = std::min(static_cast<int64_t>(std::ceil(3 * sigma)), planes.size(side) - 1);
    auto at_distance = at::arange(-reach, reach + 1, at::kFloat);
    auto kernel = at::exp(at_distance.square() * (-0.5 / (sigma * sigma)));
    kernel = kernel / kernel.sum();
    auto padded = at::reflection_pad2d(planes, side == 3 ? at::IntArrayRef({reach, reach, 0, 0})
                                                         : at::IntArrayRef({0, 0, reach, reach}));
    planes = at::conv2d(padded, side == 3 ? kernel.reshape({1, 1, 1, -1}) : kernel.reshape({1, 1, -1, 1}));
  }
  return planes.round().clamp(0, 255).to(at::kByte).squeeze(1).permute({1, 2, 0}).contiguous();
}

}  // namespace

at::Tensor hidden_image(const at::Tensor& pixels, const at::Tensor& segments, const MaskerOptions& options) {
  static const std::vector<std::string> known = {"mean", "color", "blur"};
  check_choice("hide", options.hide, known);
  if (options.hide == "mean") return mean_colors(pixels, segments);
  if (options.hide == "blur") {
    check(options.blur > 0 && options.blur <= 1000, "blur must be between 0 and 1000 pixels, got {}", options.blur);
    return blurred(pixels, options.blur);
  }
  for (int64_t value : options.color) check(value >= 0 && value <= 255, "color must be three numbers from 0 to 255");
  return at::tensor(at::ArrayRef<int64_t>(options.color), at::kByte).expand(pixels.sizes()).contiguous();
}

MaskerPtr make_image_masker(const Image& image, const std::string& modality, const MaskerOptions& options,
                            std::span<const Region> regions) {
  auto pixels = image.pixels.cpu().contiguous();
  check(pixels.dim() == 3 && pixels.size(2) == 3 && pixels.numel() > 0 && pixels.scalar_type() == at::kByte,
        "'{}' must be bytes of height x width x 3", modality);
  auto split = split_image(pixels, options, regions);
  auto hidden = hidden_image(pixels, split.segments, options);
  Players players;
  players.modality = modality;
  players.kind = ModalityKind::image;
  players.names = std::move(split.names);
  players.segments = std::move(split.segments);
  return std::make_shared<ImageMasker>(std::move(players), pixels, hidden, options.device);
}

}  // namespace multiviz
