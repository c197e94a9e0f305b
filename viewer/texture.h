#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <unordered_map>

namespace multiviz {

// Pictures on the graphics card of one GL context, which must be current in every call. A tensor is uploaded when it is
// first asked for and again when it was written to; what no frame asked for in a while is dropped.
class TextureCache {
 public:
  TextureCache() = default;
  ~TextureCache() { clear(); }
  TextureCache(const TextureCache&) = delete;
  TextureCache& operator=(const TextureCache&) = delete;

  // GL's name for uint8 [H, W, 3] or [H, W, 4] on the CPU. `smooth` blends pixels when enlarged. Throws Error for a
  // picture that the card cannot hold.
  unsigned get(const at::Tensor& pixels, bool smooth);
  void next_frame();
  void clear();
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    at::Tensor tensor;  // keeps the key from being used for another
    uint32_t version = 0;
    unsigned name = 0;
    bool smooth = false;
    int64_t used = 0;  // frame
  };

  std::unordered_map<const void*, Entry> entries_;
  int64_t frame_ = 0;
};

// Uploads RGBA bytes; returns GL's name.
unsigned upload_texture(const unsigned char* rgba, int width, int height);

}  // namespace multiviz
