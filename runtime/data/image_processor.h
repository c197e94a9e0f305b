#pragma once
#include <ATen/core/Tensor.h>

#include <array>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data/datapoint.h"
#include "data/resize.h"

namespace multiviz {

// How an image becomes what a vision model reads, step by step: resize, crop to the centre, scale, normalise, pad.
struct ImageProcessorOptions {
  // fixed: to height x width. The others keep the proportions. within: as large as fits into height x width, both sides
  // rounded down. In the rest the shorter side becomes shortest_edge and the longer one is rounded down
  // (shortest_edge), but when it would exceed longest_edge that is what it becomes (between_edges as in Hugging Face's
  // DETR; detection as in torchvision's references and MDETR, which round the shorter side then); divisible: both sides
  // are then rounded down to multiples of size_divisor (ViLT).
  enum class Resize { none, fixed, within, shortest_edge, between_edges, detection, divisible };
  Resize resize = Resize::none;
  int64_t height = 0, width = 0;
  int64_t shortest_edge = 0, longest_edge = 0, size_divisor = 1;
  Resample resample = Resample::bilinear;

  int64_t crop_height = 0, crop_width = 0;  // 0: no crop. A smaller image is surrounded with black
  double scale = 1.0 / 255;                 // 1: the pixels stay in [0, 255]
  std::array<double, 3> mean = {0, 0, 0}, deviation = {1, 1, 1};  // after scaling
  bool pad = false;                       // images of a batch may differ in size: zeros follow at the right and below
  int64_t pad_height = 0, pad_width = 0;  // with pad: the size of all of them; 0: that of the largest
};

// A batch of images as a model reads it.
struct ProcessedImages {
  at::Tensor pixels;       // float32 [B, 3, H, W]
  at::Tensor mask;         // bool [B, H, W], false where there is padding; undefined without `pad`
  std::vector<Box> areas;  // B: what the leaf [0, W] x [0, H] shows of the original image (Leaf::areas). With padding,
                           // or a crop that is larger than the image, it reaches outside
};

class ImageProcessor {
 public:
  ImageProcessor() = default;
  // Throws Error for sizes that are not positive or too large, and a deviation of 0.
  explicit ImageProcessor(ImageProcessorOptions options);

  // Images are [H, W, 3], uint8 or floating in [0, 255] (rounded first), on any device; the result is on that of the
  // first. On the CPU resizing is Pillow's, bit for bit; elsewhere bilinear and bicubic are LibTorch's, which does not
  // round between the two directions. Throws Error when images come out in different sizes and `pad` is off, and when
  // one is larger than pad_height x pad_width.
  ProcessedImages operator()(std::span<const at::Tensor> images) const;

  // Height and width after resizing and cropping. Throws Error when so narrow an image would vanish or become huge.
  std::pair<int64_t, int64_t> output_size(int64_t height, int64_t width) const;

  const ImageProcessorOptions& options() const { return options_; }

 private:
  std::pair<int64_t, int64_t> resized_size(int64_t height, int64_t width) const;

  ImageProcessorOptions options_;
};

// From the settings in preprocessor_config.json, of any version: those of ViT, ViLT, CLIP, DETR and ConvNeXt (which
// ResNet folders use) and of whatever else has the same keys. `where` is the file, for errors. Throws Error for a
// setting of the wrong type, an unknown filter, and steps that are none of those above.
ImageProcessorOptions image_processor_options(const nlohmann::json& config, const std::string& where);

// What MDETR and torchvision's detection references do: shorter side 800, longer at most 1333, bilinear, ImageNet's
// mean and deviation, padding.
ImageProcessorOptions detection_image_options();

}  // namespace multiviz
