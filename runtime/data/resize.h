#pragma once
#include <ATen/core/Tensor.h>

namespace multiviz {

// The filters by their numbers in Pillow, which preprocessor_config.json uses.
enum class Resample { nearest = 0, lanczos = 1, bilinear = 2, bicubic = 3, box = 4, hamming = 5 };

// Resizes uint8 [h, w, 3] pixels on the CPU to [height, width, 3] as Image.resize of Pillow 13 does, bit for bit: a
// filter as wide as the shrinking asks for (antialias), in fixed point, rounded after each of the two directions.
// (Earlier versions always begin with the horizontal one; most pixels then agree, the others by 1 as a rule.) Throws
// Error when a side is not positive.
at::Tensor resize_pixels(const at::Tensor& pixels, int64_t height, int64_t width, Resample resample);

}  // namespace multiviz
