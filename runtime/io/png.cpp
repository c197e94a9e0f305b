#include "io/png.h"

#include <ATen/ATen.h>
#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <vector>

#include "core/error.h"
#include "io/png_stored.h"

namespace multiviz {
namespace {

constexpr size_t size_end = 24;  // signature, length and name of the chunk IHDR, width, height

class Decoder {
 public:
  // `checked`: the checksums of the file are right, or left out because they were.
  Decoder(std::string_view bytes, bool checked, const std::string& name)
      : bytes_(bytes), checked_(checked), name_(name) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, end, ignore);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) png_destroy_read_struct(&png_, nullptr, nullptr);
    check(info_ != nullptr, "the image '{}' cannot be decoded: there is not enough memory", name);
  }
  ~Decoder() { png_destroy_read_struct(&png_, &info_, nullptr); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  at::Tensor read() {
    png_uint_32 width = 0, height = 0;
    int channels = 0;
    guarded([&] {
      png_set_read_fn(png_, this, serve);
      png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // the caller's are lower
      if (checked_) {
        png_set_crc_action(png_, PNG_CRC_QUIET_USE, PNG_CRC_NO_CHANGE);
        png_set_option(png_, PNG_IGNORE_ADLER32, PNG_OPTION_ON);
      }
      png_read_info(png_, info_);
      png_set_expand(png_);
      png_set_strip_16(png_);
      png_set_gray_to_rgb(png_);
      png_set_interlace_handling(png_);
      png_read_update_info(png_, info_);
      width = png_get_image_width(png_, info_);
      height = png_get_image_height(png_, info_);
      channels = png_get_channels(png_, info_);
    });
    at::Tensor pixels = at::empty({height, width, channels}, at::kByte);
    const size_t length = size_t{width} * static_cast<size_t>(channels);
    std::vector<png_bytep> rows(height, pixels.mutable_data_ptr<uint8_t>());
    for (size_t y = 0; y < rows.size(); ++y) rows[y] += y * length;
    guarded([&] {
      png_read_image(png_, rows.data());
      png_read_end(png_, nullptr);
    });
    return pixels;
  }

 private:
  // The library leaves through longjmp when it gives up: what runs in here must own nothing.
  template <typename Body>
  void guarded(const Body& body) {
    const bool ended = setjmp(trap_) != 0;
    if (!ended) body();
    check(!cut_, "the image '{}' is truncated: copy or download it again", name_);
    check(!ended, "the image '{}' is damaged: {}", name_, static_cast<const char*>(message_));
  }

  [[noreturn]] static void end(png_structp png, png_const_charp message) {
    auto* decoder = static_cast<Decoder*>(png_get_error_ptr(png));
    std::snprintf(decoder->message_, sizeof decoder->message_, "%s", message);
    std::longjmp(decoder->trap_, 1);
  }
  static void ignore(png_structp, png_const_charp) {}  // odd colour profiles and the like

  static void serve(png_structp png, png_bytep out, size_t count) {
    auto* decoder = static_cast<Decoder*>(png_get_io_ptr(png));
    if (count > decoder->bytes_.size() - decoder->position_) {
      decoder->cut_ = true;
      png_error(png, "the file ends");
    }
    std::memcpy(out, decoder->bytes_.data() + decoder->position_, count);
    decoder->position_ += count;
  }

  std::string_view bytes_;
  size_t position_ = 0;
  bool checked_;
  const std::string& name_;
  bool cut_ = false;
  char message_[200] = "";
  std::jmp_buf trap_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

}  // namespace

bool is_png(std::string_view bytes) { return bytes.starts_with("\x89PNG\r\n\x1a\n"); }

at::Tensor decode_png(std::string_view bytes, const std::string& name,
                      const std::function<void(int64_t width, int64_t height)>& check_size) {
  check(bytes.size() >= size_end, "the image '{}' is truncated: copy or download it again", name);
  check(bytes.substr(12, 4) == "IHDR", "the image '{}' is damaged: it does not begin with its size", name);
  check_size(png_number(bytes, 16), png_number(bytes, 20));
  const std::string stored = store_png(bytes);
  return Decoder(stored.empty() ? bytes : stored, !stored.empty(), name).read();
}

}  // namespace multiviz
