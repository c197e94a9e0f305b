#pragma once
#include <ATen/core/Tensor.h>

#include <string>
#include <string_view>

namespace multiviz {

// uint8 [H, W, 3], RGB, from PNG, JPEG, BMP, GIF (first frame), PNM of 8 bits or TGA; alpha is blended over white. The
// pixels of a JPEG are those that Pillow gives. Dimensions are read first: 0 or more than 65,500 pixels a side or 400
// million pixels in all is an Error, as is a truncated or damaged file.
at::Tensor load_image(const std::string& path);
// The same from the bytes of a file; `name` is for the error.
at::Tensor decode_image(std::string_view bytes, const std::string& name);

// PNG of a uint8 tensor [H, W, 3] or [H, W, 4].
std::string encode_png(const at::Tensor& pixels);
void save_png(const std::string& path, const at::Tensor& pixels);

}  // namespace multiviz
