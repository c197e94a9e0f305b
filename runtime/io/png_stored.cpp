#include "io/png_stored.h"

#include <libdeflate.h>

#include <algorithm>
#include <cstring>

#include "io/deflate.h"

namespace multiviz {
namespace {

constexpr size_t signature = 8, header_length = 13, chunk_frame = 12;  // of a chunk: its length, name and checksum
constexpr size_t largest = 256 << 20;                                  // inflated
constexpr size_t block = 65'535, block_head = 5;                       // of deflate, stored
constexpr uint8_t largest_window = 0x78;                               // what zlib says of itself, 32 KB of window

bool is_critical(std::string_view name) { return (name[0] & 0x20) == 0; }

// Where the compressed data are in the file, and they themselves.
struct Layout {
  size_t first = 0, last = 0;  // the bytes of the chunks IDAT
  std::string data;
};

// False when libpng might have something to say.
bool read_chunks(std::string_view bytes, Layout& out) {
  for (size_t at = signature; bytes.size() - at >= chunk_frame;) {
    const size_t length = png_number(bytes, at);
    if (length > bytes.size() - at - chunk_frame) return false;
    const std::string_view name = bytes.substr(at + 4, 4), content = bytes.substr(at + 8, length);
    const size_t next = at + chunk_frame + length;
    if (is_critical(name) && libdeflate_crc32(0, name.data(), length + 4) != png_number(bytes, next - 4)) return false;
    if (name == "IEND") return out.last > 0;
    if (name == "IDAT") {
      if (out.last == 0) out.first = at;
      if (out.last != 0 && out.last != at) return false;
      out.last = next;
      out.data += content;
    }
    at = next;
  }
  return false;
}

// The bytes of all rows with the numbers of their filters; 0 when they are too many or the header is none.
size_t rows_size(std::string_view bytes) {
  struct Pass {
    uint32_t x, y, right, down;
  };
  constexpr Pass whole[] = {{0, 0, 1, 1}};
  constexpr Pass adam7[] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                            {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
  constexpr size_t channels[] = {1, 0, 3, 1, 2, 0, 4};
  if (bytes.size() < signature + chunk_frame + header_length || png_number(bytes, signature) != header_length) return 0;
  const uint32_t width = png_number(bytes, 16), height = png_number(bytes, 20);
  const auto depth = static_cast<uint8_t>(bytes[24]), colours = static_cast<uint8_t>(bytes[25]);
  const auto interlaced = static_cast<uint8_t>(bytes[28]);
  if (depth > 16 || colours > 6 || interlaced > 1) return 0;
  size_t total = 0;
  const auto add = [&](const Pass& pass) {
    if (width <= pass.x || height <= pass.y) return true;
    const size_t columns = (size_t{width} - pass.x + pass.right - 1) / pass.right;
    const size_t rows = (size_t{height} - pass.y + pass.down - 1) / pass.down;
    const size_t row = 1 + (columns * depth * channels[colours] + 7) / 8;
    if (rows > (largest - total) / row) return false;
    total += rows * row;
    return true;
  };
  const bool fits = interlaced == 1 ? std::all_of(std::begin(adam7), std::end(adam7), add) : add(whole[0]);
  return fits ? total : 0;
}

void put_number(char* out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) *out++ = static_cast<char>(value >> shift & 255);
}

}  // namespace

uint32_t png_number(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = at; i < at + 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

std::string store_png(std::string_view bytes) {
  Layout layout;
  const size_t size = rows_size(bytes);
  if (size == 0 || !read_chunks(bytes, layout)) return {};
  // libpng holds distances against the window that the data name, libdeflate does not: it gets those of any distance.
  if (layout.data.empty() || static_cast<uint8_t>(layout.data[0]) != largest_window) return {};
  if (size / most_inflated > layout.data.size()) return {};

  constexpr size_t zlib_head = 2, zlib_foot = 4;
  const size_t blocks = (size + block - 1) / block;
  const size_t length = zlib_head + blocks * block_head + size + zlib_foot;
  std::string out;
  out.reserve(bytes.size() - (layout.last - layout.first) + chunk_frame + length);
  out.append(bytes.substr(0, layout.first));
  out.resize(out.size() + chunk_frame + length);
  char* at = out.data() + layout.first;
  put_number(at, static_cast<uint32_t>(length));
  std::memcpy(at + 4, "IDAT\x08\x1d", 4 + zlib_head);  // of the smallest window: none is needed
  at += 8 + zlib_head;
  const char* rows = at + blocks * block_head;
  if (inflate(layout.data, Deflate::zlib, at + blocks * block_head, size) != layout.data.size()) return {};
  for (size_t left = size; left > 0;) {  // each block moves down to where it belongs
    const size_t count = std::min(left, block);
    const char head[] = {left == count, static_cast<char>(count), static_cast<char>(count >> 8),
                         static_cast<char>(~count), static_cast<char>(~count >> 8)};
    std::memcpy(at, head, block_head);
    std::memmove(at + block_head, rows, count);
    at += block_head + count, rows += count, left -= count;
  }
  out.append(bytes.substr(layout.last));
  return out;
}

}  // namespace multiviz
