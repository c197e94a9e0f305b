#include "data/image_processor.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "core/error.h"
#include "core/parallel.h"

namespace multiviz {
namespace {

using Resize = ImageProcessorOptions::Resize;
using Size = std::pair<int64_t, int64_t>;  // height, width

constexpr int64_t largest_side = 65'500, most_pixels = 400'000'000;

Size keep_shortest(int64_t height, int64_t width, int64_t edge) {
  auto longer = [&](int64_t longest, int64_t shortest) {
    return static_cast<int64_t>(static_cast<double>(edge * longest) / static_cast<double>(shortest));
  };
  if (width <= height) return {longer(height, width), edge};
  return {edge, longer(width, height)};
}

// `rounds`: the longer side follows from the rounded shorter one (MDETR), not from the exact one (Hugging Face).
Size keep_between(int64_t height, int64_t width, int64_t edge, int64_t longest, bool rounds) {
  auto lower = static_cast<double>(std::min(height, width)), upper = static_cast<double>(std::max(height, width));
  auto exact = static_cast<double>(edge);
  if (longest > 0 && upper / lower * exact > static_cast<double>(longest)) {
    exact = static_cast<double>(longest) * lower / upper;
    edge = static_cast<int64_t>(std::nearbyint(exact));
    if (rounds) exact = static_cast<double>(edge);
  }
  if ((height <= width && height == edge) || (width <= height && width == edge)) return {height, width};
  auto h = static_cast<double>(height), w = static_cast<double>(width);
  if (width < height) return {static_cast<int64_t>(exact * h / w), edge};
  return {edge, static_cast<int64_t>(exact * w / h)};
}

Size fit_within(int64_t height, int64_t width, const ImageProcessorOptions& options) {
  auto h = static_cast<double>(height), w = static_cast<double>(width);
  double scale = std::min(static_cast<double>(options.height) / h, static_cast<double>(options.width) / w);
  return {static_cast<int64_t>(h * scale), static_cast<int64_t>(w * scale)};
}

Size make_divisible(int64_t height, int64_t width, const ImageProcessorOptions& options) {
  auto edge = static_cast<double>(options.shortest_edge), longest = static_cast<double>(options.longest_edge);
  double scale = edge / static_cast<double>(std::min(height, width));
  double h = height < width ? edge : scale * static_cast<double>(height);
  double w = height < width ? scale * static_cast<double>(width) : edge;
  if (std::max(h, w) > longest) {
    scale = longest / std::max(h, w);
    h = scale * h;
    w = scale * w;
  }
  auto whole = [&](double side) {
    return static_cast<int64_t>(side + 0.5) / options.size_divisor * options.size_divisor;
  };
  return {whole(h), whole(w)};
}

// Where a crop of `size` starts in a side of `length`: negative when it is larger.
int64_t crop_start(int64_t length, int64_t size) {
  int64_t spare = length - size;
  return spare >= 0 ? spare / 2 : -((1 - spare) / 2);
}

using Lookup = std::array<std::array<float, 256>, 3>;

// Scaling in double and normalising in float, as the Python processors do.
Lookup make_lookup(const ImageProcessorOptions& options) {
  Lookup lookup;
  for (size_t c = 0; c < 3; ++c)
    for (size_t value = 0; value < 256; ++value) {
      auto scaled = static_cast<float>(static_cast<double>(value) * options.scale);
      lookup[c][value] = (scaled - static_cast<float>(options.mean[c])) / static_cast<float>(options.deviation[c]);
    }
  return lookup;
}

// Writes the window of uint8 pixels that starts at (top, left), black outside, into the corner of `out` [3, H, W].
void write_planes(const at::Tensor& pixels, int64_t top, int64_t left, Size size, const Lookup& lookup,
                  at::Tensor out) {
  auto dense = pixels.contiguous();
  const uint8_t* from = dense.const_data_ptr<uint8_t>();
  float* to = out.data_ptr<float>();
  int64_t plane = out.stride(0), line = out.stride(1), height = dense.size(0), width = dense.size(1);
  int64_t first = std::clamp<int64_t>(-left, 0, size.second), last = std::clamp<int64_t>(width - left, 0, size.second);
  for (int64_t y = 0; y < size.first; ++y)
    for (int64_t c = 0; c < 3; ++c) {
      const auto& values = lookup[static_cast<size_t>(c)];
      float* row = to + c * plane + y * line;
      if (top + y < 0 || top + y >= height) {
        std::fill_n(row, size.second, values[0]);
        continue;
      }
      const uint8_t* pixel = from + ((top + y) * width + left) * 3 + c;
      std::fill(row, row + first, values[0]);
      for (int64_t x = first; x < last; ++x) row[x] = values[pixel[x * 3]];
      std::fill(row + last, row + size.second, values[0]);
    }
}

at::Tensor in_bytes(const at::Tensor& image) {
  check(image.defined() && image.dim() == 3 && image.size(2) == 3 && image.numel() > 0,
        "an image must be RGB pixels [H, W, 3] of at least one pixel");
  return image.scalar_type() == at::kByte ? image : image.detach().round().clamp(0, 255).to(at::kByte);
}

// The same on another device: float planes [3, H, W] of the window.
at::Tensor process_elsewhere(const at::Tensor& pixels, Size resized, int64_t top, int64_t left, Size size,
                             const ImageProcessorOptions& options) {
  bool smooth = options.resample == Resample::bilinear || options.resample == Resample::bicubic;
  auto source = smooth
                    ? pixels
                    : resize_pixels(pixels.cpu(), resized.first, resized.second, options.resample).to(pixels.device());
  auto planes = source.permute({2, 0, 1}).unsqueeze(0).to(at::kFloat);
  if (planes.size(2) != resized.first || planes.size(3) != resized.second) {
    auto shape = std::array{resized.first, resized.second};
    planes = options.resample == Resample::bicubic ? at::_upsample_bicubic2d_aa(planes, shape, false)
                                                   : at::_upsample_bilinear2d_aa(planes, shape, false);
    planes = planes.round().clamp(0, 255);
  }
  planes = at::constant_pad_nd(planes,
                               {-left, left + size.second - resized.second, -top, top + size.first - resized.first}, 0);
  auto constants = [&](const std::array<double, 3>& values) {
    return at::tensor(at::ArrayRef<double>(values), planes.options()).reshape({3, 1, 1});
  };
  return planes.squeeze(0).mul(options.scale).sub_(constants(options.mean)).div_(constants(options.deviation));
}

}  // namespace

ImageProcessor::ImageProcessor(ImageProcessorOptions options) : options_(options) {
  auto side = [](int64_t value, const char* name) {
    check(value > 0 && value <= largest_side, "the image processor's {} is {}: give 1 to {} pixels", name, value,
          largest_side);
  };
  if (options_.resize == Resize::fixed || options_.resize == Resize::within)
    side(options_.height, "height"), side(options_.width, "width");
  if (options_.resize > Resize::within) side(options_.shortest_edge, "shortest edge");
  if (options_.longest_edge != 0 || options_.resize == Resize::divisible) side(options_.longest_edge, "longest edge");
  if (options_.resize == Resize::divisible) side(options_.size_divisor, "size divisor");
  if (options_.crop_height != 0 || options_.crop_width != 0)
    side(options_.crop_height, "crop height"), side(options_.crop_width, "crop width");
  if (options_.pad_height != 0 || options_.pad_width != 0)
    side(options_.pad_height, "pad height"), side(options_.pad_width, "pad width");
  for (double deviation : options_.deviation)
    check(deviation > 0, "the image processor divides by a deviation of {}: it must be positive", deviation);
}

std::pair<int64_t, int64_t> ImageProcessor::resized_size(int64_t height, int64_t width) const {
  Size size = {height, width};
  switch (options_.resize) {
    case Resize::none:
      break;
    case Resize::fixed:
      size = {options_.height, options_.width};
      break;
    case Resize::within:
      size = fit_within(height, width, options_);
      break;
    case Resize::shortest_edge:
      size = keep_shortest(height, width, options_.shortest_edge);
      break;
    case Resize::between_edges:
    case Resize::detection:
      size = keep_between(height, width, options_.shortest_edge, options_.longest_edge,
                          options_.resize == Resize::detection);
      break;
    case Resize::divisible:
      size = make_divisible(height, width, options_);
      break;
  }
  check(size.first > 0 && size.second > 0 && size.first <= most_pixels / size.second,
        "an image of {} x {} pixels is too narrow: the model's processor would make it {} x {}", width, height,
        size.second, size.first);
  return size;
}

std::pair<int64_t, int64_t> ImageProcessor::output_size(int64_t height, int64_t width) const {
  auto size = resized_size(height, width);
  return options_.crop_height > 0 ? Size{options_.crop_height, options_.crop_width} : size;
}

ProcessedImages ImageProcessor::operator()(std::span<const at::Tensor> images) const {
  check(!images.empty(), "no image was given");
  std::vector<at::Tensor> pixels;
  std::vector<Size> sizes;
  int64_t height = 0, width = 0;
  for (const auto& image : images) {
    pixels.push_back(in_bytes(image));
    sizes.push_back(output_size(image.size(0), image.size(1)));
    height = std::max(height, sizes.back().first);
    width = std::max(width, sizes.back().second);
  }
  if (options_.pad && options_.pad_height > 0) {
    check(height <= options_.pad_height && width <= options_.pad_width,
          "an image comes out as {} x {} pixels, and this model's processor pads to {} x {}: give a smaller size",
          width, height, options_.pad_width, options_.pad_height);
    std::tie(height, width) = std::pair(options_.pad_height, options_.pad_width);
  }
  auto count = static_cast<int64_t>(images.size());
  auto device = images[0].device();
  for (const auto& size : sizes)
    check(
        options_.pad || size == sizes[0],
        "images of one batch come out as {} x {} and as {} x {} pixels, and this model's processor does not pad: give "
        "them one at a time",
        sizes[0].second, sizes[0].first, size.second, size.first);

  ProcessedImages out;
  bool padding = std::any_of(sizes.begin(), sizes.end(), [&](Size size) { return size != Size{height, width}; });
  out.pixels = at::empty({count, 3, height, width}, at::TensorOptions(at::kFloat).device(device));
  if (padding) out.pixels.zero_();
  if (options_.pad) out.mask = at::zeros({count, height, width}, at::TensorOptions(at::kBool).device(device));
  out.areas.resize(images.size());
  const auto lookup = make_lookup(options_);
  auto process = [&](int64_t i) {
    const auto& image = pixels[static_cast<size_t>(i)];
    auto resized = resized_size(image.size(0), image.size(1)), size = sizes[static_cast<size_t>(i)];
    int64_t top = crop_start(resized.first, size.first), left = crop_start(resized.second, size.second);
    double across = static_cast<double>(image.size(1)) / static_cast<double>(resized.second);
    double down = static_cast<double>(image.size(0)) / static_cast<double>(resized.first);
    out.areas[static_cast<size_t>(i)] = {static_cast<double>(left) * across, static_cast<double>(top) * down,
                                         static_cast<double>(left + width) * across,
                                         static_cast<double>(top + height) * down};
    auto planes = out.pixels[i];
    if (device.is_cpu())
      write_planes(resize_pixels(image.cpu(), resized.first, resized.second, options_.resample), top, left, size,
                   lookup, planes);
    else
      planes.slice(1, 0, size.first)
          .slice(2, 0, size.second)
          .copy_(process_elsewhere(image.to(device), resized, top, left, size, options_));
    if (out.mask.defined()) out.mask[i].slice(0, 0, size.first).slice(1, 0, size.second).fill_(true);
  };
  parallel_for(count, process);
  return out;
}

ImageProcessorOptions detection_image_options() {
  ImageProcessorOptions options;
  options.resize = Resize::detection;
  options.shortest_edge = 800;
  options.longest_edge = 1333;
  options.mean = {0.485, 0.456, 0.406};
  options.deviation = {0.229, 0.224, 0.225};
  options.pad = true;
  return options;
}

}  // namespace multiviz
