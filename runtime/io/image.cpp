#include "io/image.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <memory>

#define STBI_NO_STDIO
#define STBI_WRITE_NO_STDIO
#include <stb/stb_image.h>
#include <stb/stb_image_write.h>

#include "core/error.h"
#include "io/file.h"
#include "io/jpeg.h"
#include "io/png.h"

namespace multiviz {
namespace {

constexpr int64_t longest_side = 65'500;
constexpr int64_t most_pixels = 400'000'000;
constexpr int64_t most_pixels_per_byte = 4096;  // no format here packs tighter: LZW's longest code is the limit
constexpr int refill = 128;                     // what stb asks for when it fills its buffer; less may be left

// Serves the bytes to stb and notes whether it wanted more than there are: stb itself goes on with zeros, which is how
// the end of a truncated picture would become black.
struct Source {
  std::string_view bytes;
  size_t position = 0;
  bool exhausted = false;

  static int read(void* user, char* data, int size) {
    auto& source = *static_cast<Source*>(user);
    const size_t left = source.bytes.size() - source.position;
    const size_t count = std::min(left, static_cast<size_t>(std::max(size, 0)));
    std::memcpy(data, source.bytes.data() + source.position, count);
    source.position += count;
    if (count == 0 || (count < static_cast<size_t>(size) && size != refill)) source.exhausted = true;
    return static_cast<int>(count);
  }
  static void skip(void* user, int size) {
    auto& source = *static_cast<Source*>(user);
    const auto next = static_cast<int64_t>(source.position) + size;
    source.position = static_cast<size_t>(std::clamp<int64_t>(next, 0, static_cast<int64_t>(source.bytes.size())));
  }
  static int at_end(void* user) {
    const auto& source = *static_cast<Source*>(user);
    return source.position == source.bytes.size();
  }
};

constexpr stbi_io_callbacks callbacks = {Source::read, Source::skip, Source::at_end};

void check_size(int64_t width, int64_t height, std::string_view bytes, const std::string& name) {
  check(width > 0 && height > 0, "the image '{}' has no pixels ({} x {})", name, width, height);
  check(std::max(width, height) <= longest_side && width * height <= most_pixels,
        "the image '{}' is too large ({} x {} pixels): {} a side and {} in all are allowed", name, width, height,
        longest_side, most_pixels);
  check(width * height / most_pixels_per_byte <= static_cast<int64_t>(bytes.size()),
        "the image '{}' is truncated: {} x {} pixels cannot come from {} bytes", name, width, height, bytes.size());
}

at::Tensor over_white(const uint8_t* rgba, int64_t height, int64_t width) {
  at::Tensor pixels = at::empty({height, width, 3}, at::kByte);
  auto* out = pixels.mutable_data_ptr<uint8_t>();
  for (int64_t i = height * width; i > 0; --i, rgba += 4, out += 3) {
    const int alpha = rgba[3];
    if (alpha == 255)
      for (int c = 0; c < 3; ++c) out[c] = rgba[c];
    else
      for (int c = 0; c < 3; ++c) out[c] = static_cast<uint8_t>((rgba[c] * alpha + 255 * (255 - alpha) + 127) / 255);
  }
  return pixels;
}

struct Free {
  void operator()(void* memory) const { stbi_image_free(memory); }
};

// The formats that stb decodes.
at::Tensor decode_other(std::string_view bytes, const std::string& name) {
  Source source{bytes};
  int width = 0, height = 0, channels = 0;
  if (!stbi_info_from_callbacks(&callbacks, &source, &width, &height, &channels))
    fail("cannot read the image '{}': {}: give a PNG, JPEG, BMP, GIF, PNM or TGA file", name,
         bytes.empty()      ? "it is empty"
         : source.exhausted ? "it is truncated"
                            : stbi_failure_reason());
  check_size(width, height, bytes, name);
  source = {bytes};
  // stb makes eight bits of sixteen after it has lost track of how long a row is.
  check(!stbi_is_16_bit_from_callbacks(&callbacks, &source),
        "cannot read the image '{}': of 16 bits a sample only PNG is read: convert it", name);
  source = {bytes};
  const std::unique_ptr<stbi_uc, Free> rgba(
      stbi_load_from_callbacks(&callbacks, &source, &width, &height, &channels, STBI_rgb_alpha));
  check(!source.exhausted, "the image '{}' is truncated: copy or download it again", name);
  check(rgba != nullptr, "the image '{}' is damaged: {}", name, stbi_failure_reason());
  return over_white(rgba.get(), height, width);
}

}  // namespace

at::Tensor decode_image(std::string_view bytes, const std::string& name) {
  const auto accept = [&](int64_t width, int64_t height) { check_size(width, height, bytes, name); };
  if (is_jpeg(bytes)) return decode_jpeg(bytes, name, accept);
  if (!is_png(bytes)) return decode_other(bytes, name);
  const at::Tensor pixels = decode_png(bytes, name, accept);
  if (pixels.size(2) == 3) return pixels;
  return over_white(pixels.const_data_ptr<uint8_t>(), pixels.size(0), pixels.size(1));
}

at::Tensor load_image(const std::string& path) { return decode_image(read_file(path), path); }

std::string encode_png(const at::Tensor& pixels) {
  check(pixels.defined() && pixels.dim() == 3 && pixels.scalar_type() == at::kByte &&
            (pixels.size(2) == 3 || pixels.size(2) == 4),
        "an image to save must be a uint8 tensor [H, W, 3] or [H, W, 4]");
  check(pixels.numel() > 0, "an image to save has no pixels ({} x {})", pixels.size(1), pixels.size(0));
  check(std::max(pixels.size(0), pixels.size(1)) <= longest_side && pixels.size(0) * pixels.size(1) <= most_pixels,
        "an image to save is too large ({} x {} pixels)", pixels.size(1), pixels.size(0));
  at::Tensor dense = pixels.detach().cpu().contiguous();
  const int width = static_cast<int>(dense.size(1)), height = static_cast<int>(dense.size(0));
  const int channels = static_cast<int>(dense.size(2));
  std::string png;
  auto append = [](void* user, void* data, int size) {
    static_cast<std::string*>(user)->append(static_cast<const char*>(data), static_cast<size_t>(size));
  };
  const int done =
      stbi_write_png_to_func(append, &png, width, height, channels, dense.const_data_ptr<uint8_t>(), width * channels);
  check(done != 0, "an image of {} x {} pixels could not be compressed: there is not enough memory", width, height);
  return png;
}

void save_png(const std::string& path, const at::Tensor& pixels) { write_file(path, encode_png(pixels)); }

}  // namespace multiviz
