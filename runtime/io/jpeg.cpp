#include "io/jpeg.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <vector>

// These need what is above, in this order.
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include "core/error.h"

namespace multiviz {
namespace {

constexpr int most_scans = 500;  // a progressive file of few bytes could ask for passes over the picture without end

// What the library says on its way. A decoder goes on after most damage and makes up the rest of the picture, which is
// then not what the file's maker saw.
struct Report {
  jpeg_error_mgr manager;  // first: the library holds a pointer to it
  std::jmp_buf trap;
  bool cut = false, damaged = false;
  char message[JMSG_LENGTH_MAX] = "";

  static Report& of(j_common_ptr info) { return *reinterpret_cast<Report*>(info->err); }

  static void end(j_common_ptr info) {
    Report& report = of(info);
    info->err->format_message(info, report.message);
    std::longjmp(report.trap, 1);
  }
  static void note(j_common_ptr info, int level) {
    if (level >= 0) return;
    Report& report = of(info);
    switch (info->err->msg_code) {
      case JWRN_JPEG_EOF:  // the bytes end before the picture does
      case JWRN_HIT_MARKER:
        report.cut = true;
        break;
      case JWRN_HUFF_BAD_CODE:
      case JWRN_ARITH_BAD_CODE:
      case JWRN_BOGUS_PROGRESSION:
      case JWRN_MUST_RESYNC:
      case JWRN_NOT_SEQUENTIAL:
        if (!report.damaged) info->err->format_message(info, report.message);
        report.damaged = true;
        break;
      default:  // superfluous bytes and odd headers, which cameras do write
        break;
    }
  }
};

class Decoder {
 public:
  explicit Decoder(const std::string& name) : name_(name) {
    info_.err = jpeg_std_error(&report_.manager);
    report_.manager.error_exit = Report::end;
    report_.manager.emit_message = Report::note;
  }
  ~Decoder() { jpeg_destroy_decompress(&info_); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  void open(std::string_view bytes) {
    guarded([&] {
      jpeg_create_decompress(&info_);
      jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
      jpeg_read_header(&info_, TRUE);
    });
  }

  int64_t width() const { return info_.image_width; }
  int64_t height() const { return info_.image_height; }

  // The rows, of [H, W, 3].
  void read(uint8_t* out) {
    const bool cmyk = info_.jpeg_color_space == JCS_CMYK || info_.jpeg_color_space == JCS_YCCK;
    info_.out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
    progress_.progress_monitor = count_scans;
    info_.progress = &progress_;
    std::vector<uint8_t> inks(cmyk ? static_cast<size_t>(width()) * 4 : 0);
    guarded([&] {
      jpeg_start_decompress(&info_);
      for (; info_.output_scanline < info_.output_height; out += width() * 3) {
        JSAMPROW row = cmyk ? inks.data() : out;
        jpeg_read_scanlines(&info_, &row, 1);
        if (cmyk) mix(row, out);
      }
      note_missing_scans();
      jpeg_finish_decompress(&info_);
    });
  }

 private:
  // The library leaves through longjmp when it gives up: what runs in here must own nothing.
  template <typename Body>
  void guarded(const Body& body) {
    const bool ended = setjmp(report_.trap) != 0;
    if (!ended) body();
    check(!report_.cut, "the image '{}' is truncated: copy or download it again", name_);
    check(!ended && !report_.damaged, "the image '{}' is damaged: {}", name_,
          static_cast<const char*>(report_.message));
  }

  static void count_scans(j_common_ptr info) {
    const auto* decoder = reinterpret_cast<j_decompress_ptr>(info);
    if (decoder->input_scan_number <= most_scans) return;
    std::snprintf(Report::of(info).message, JMSG_LENGTH_MAX, "it has more than %d scans", most_scans);
    std::longjmp(Report::of(info).trap, 1);
  }

  // A progressive file that was cut between two scans and closed gives no other sign: a component has not come, or a
  // coefficient not down to its last bit. One that never came may be zero.
  void note_missing_scans() {
    if (info_.coef_bits == nullptr) return;
    for (int c = 0; c < info_.num_components; ++c) {
      const int* bits = info_.coef_bits[c];
      if (bits[0] < 0 || std::any_of(bits, bits + DCTSIZE2, [](int left) { return left > 0; })) report_.cut = true;
    }
  }

  // Pillow's arithmetic; Adobe's inks are stored inverted.
  void mix(const uint8_t* inks, uint8_t* out) const {
    for (int64_t x = 0; x < width(); ++x, inks += 4, out += 3)
      for (int c = 0; c < 3; ++c) {
        const int product = (255 - inks[c]) * inks[3] + 128;
        out[c] = static_cast<uint8_t>(inks[3] - (((product >> 8) + product) >> 8));
      }
  }

  const std::string& name_;
  Report report_;
  jpeg_progress_mgr progress_ = {};
  jpeg_decompress_struct info_ = {};
};

}  // namespace

bool is_jpeg(std::string_view bytes) { return bytes.starts_with("\xff\xd8"); }

at::Tensor decode_jpeg(std::string_view bytes, const std::string& name,
                       const std::function<void(int64_t width, int64_t height)>& check_size) {
  Decoder decoder(name);
  decoder.open(bytes);
  check_size(decoder.width(), decoder.height());
  at::Tensor pixels = at::empty({decoder.height(), decoder.width(), 3}, at::kByte);
  decoder.read(pixels.mutable_data_ptr<uint8_t>());
  return pixels;
}

}  // namespace multiviz
