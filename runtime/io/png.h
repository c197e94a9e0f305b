#pragma once
#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <string_view>

namespace multiviz {

bool is_png(std::string_view bytes);

// uint8 [H, W, 3], or [H, W, 4] where it has transparency; of 16 bits the upper 8. `check_size(width, height)` is
// called before memory is taken. Throws Error when the file is damaged or holds less than the whole picture.
at::Tensor decode_png(std::string_view bytes, const std::string& name,
                      const std::function<void(int64_t width, int64_t height)>& check_size);

}  // namespace multiviz
