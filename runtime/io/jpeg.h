#pragma once
#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <string_view>

namespace multiviz {

bool is_jpeg(std::string_view bytes);

// uint8 [H, W, 3], RGB, as Pillow decodes it: grey is repeated, CMYK is taken as Adobe stores it. `check_size(width,
// height)` is called before memory is taken. Throws Error when the file is no JPEG, is damaged, or holds less than the
// whole picture, be it that the bytes or that the picture's data end early.
at::Tensor decode_jpeg(std::string_view bytes, const std::string& name,
                       const std::function<void(int64_t width, int64_t height)>& check_size);

}  // namespace multiviz
