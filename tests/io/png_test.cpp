#include "io/png.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>
#include <libdeflate.h>

#include <random>
#include <string>
#include <vector>

#include "io/png_stored.h"
#include "tests/scratch.h"

using namespace multiviz;

namespace {

constexpr char plain_window = 0x78, small_window = 0x68;  // with the small one the file is libpng's alone

std::string big_endian(uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 255);
  return out;
}

std::string chunk(const std::string& name, const std::string& content) {
  const std::string body = name + content;
  return big_endian(static_cast<uint32_t>(content.size())) + body +
         big_endian(libdeflate_crc32(0, body.data(), body.size()));
}

std::string compressed(const std::string& rows, char window = plain_window) {
  auto* compressor = libdeflate_alloc_compressor(6);
  std::string out(libdeflate_zlib_compress_bound(compressor, rows.size()), 0);
  out.resize(libdeflate_zlib_compress(compressor, rows.data(), rows.size(), out.data(), out.size()));
  libdeflate_free_compressor(compressor);
  out[0] = window;
  out[1] = static_cast<char>(31 - (window << 8) % 31);
  return out;
}

struct Kind {
  uint32_t width, height;
  int depth, colours;
  bool interlaced = false;
};

// Rows of random bytes, each with the next one of the five filters, in the passes of the PNG specification, 8.2.
std::string random_rows(const Kind& kind) {
  static constexpr uint32_t passes[7][4] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                            {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
  static constexpr uint32_t whole[4] = {0, 0, 1, 1};
  static constexpr int channels[] = {1, 0, 3, 1, 2, 0, 4};
  std::mt19937 random(static_cast<unsigned>(kind.depth * 8 + kind.colours));
  std::string rows;
  for (int p = 0; p < (kind.interlaced ? 7 : 1); ++p) {
    const auto& [left, top, right, down] = kind.interlaced ? passes[p] : whole;
    uint32_t columns = 0;
    for (uint32_t x = left; x < kind.width; x += right) ++columns;
    const uint32_t bits = columns * static_cast<uint32_t>(kind.depth * channels[kind.colours]);
    for (uint32_t y = top; y < kind.height && columns > 0; y += down) {
      rows += static_cast<char>(y % 5);
      for (uint32_t i = 0; i < (bits + 7) / 8; ++i) rows += static_cast<char>(random() & 255);
    }
  }
  return rows;
}

std::string start(const Kind& kind) {
  const char rest[] = {static_cast<char>(kind.depth), static_cast<char>(kind.colours), 0, 0, kind.interlaced};
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", big_endian(kind.width) + big_endian(kind.height) + std::string(rest, 5));
}

std::string colours_of(const Kind& kind) {
  if (kind.colours != 3) return "";
  std::string palette;
  for (int i = 0; i < 3 << kind.depth; ++i) palette += static_cast<char>(i * 37);
  return chunk("PLTE", palette);
}

std::string file(const Kind& kind, const std::string& data) {
  return start(kind) + colours_of(kind) + chunk("IDAT", data) + chunk("IEND", "");
}

at::Tensor decoded(const std::string& bytes) {
  return decode_png(bytes, "x", [](int64_t, int64_t) {});
}

std::string error_in(const std::string& bytes) {
  return error_of([&] { decoded(bytes); });
}

const std::vector<Kind> kinds = {{29, 23, 1, 0}, {29, 23, 2, 0},  {29, 23, 4, 0},  {29, 23, 8, 0}, {29, 23, 16, 0},
                                 {29, 23, 8, 2}, {29, 23, 16, 2}, {29, 23, 1, 3},  {29, 23, 2, 3}, {29, 23, 4, 3},
                                 {29, 23, 8, 3}, {29, 23, 8, 4},  {29, 23, 16, 4}, {29, 23, 8, 6}, {29, 23, 16, 6}};

}  // namespace

TEST_CASE("every kind of PNG has the pixels that libpng makes of it alone") {
  for (Kind kind : kinds)
    for (bool interlaced : {false, true})
      for (uint32_t width : {1u, 3u, 5u, 29u}) {
        kind.interlaced = interlaced;
        kind.width = width, kind.height = width == 5 ? 1 : width == 3 ? 2 : width;
        CAPTURE(kind.depth);
        CAPTURE(kind.colours);
        CAPTURE(interlaced);
        CAPTURE(width);
        const std::string rows = random_rows(kind);
        const std::string both = file(kind, compressed(rows)), alone = file(kind, compressed(rows, small_window));
        CHECK(!store_png(both).empty());
        CHECK(store_png(alone).empty());
        CHECK(decoded(both).equal(decoded(alone)));
      }
}

TEST_CASE("colours that a PNG names as transparent") {
  for (int colours : {0, 2, 3}) {
    CAPTURE(colours);
    const std::string clear = colours == 3 ? std::string("\0\x80\xff", 3) : std::string(colours == 0 ? 2 : 6, 0);
    const Kind kind{40, 30, 8, colours};
    const auto whole = [&](char window) {
      return start(kind) + colours_of(kind) + chunk("tRNS", clear) +
             chunk("IDAT", compressed(random_rows(kind), window)) + chunk("IEND", "");
    };
    CHECK(decoded(whole(plain_window)).size(2) == 4);
    CHECK(decoded(whole(plain_window)).equal(decoded(whole(small_window))));
  }
}

TEST_CASE("pictures about the size of the blocks that deflate stores") {
  // (width + 1) height bytes: one block of 65,535; another of one byte; three.
  for (const Kind& kind : {Kind{254, 257, 8, 0}, Kind{255, 256, 8, 0}, Kind{399, 401, 8, 0}}) {
    const auto width = kind.width, height = kind.height;
    CAPTURE(width);
    std::string rows = random_rows(kind);
    for (size_t y = 0; y < height; ++y) rows[y * (width + 1)] = 0;
    at::Tensor grey = at::from_blob(rows.data(), {height, width + 1}, at::kByte).slice(1, 1);
    CHECK(!store_png(file(kind, compressed(rows))).empty());
    CHECK(decoded(file(kind, compressed(rows))).equal(grey.unsqueeze(2).expand({height, width, 3})));
  }
}

TEST_CASE("a PNG's data in many pieces, some of them empty") {
  const Kind kind{29, 23, 8, 2};
  const std::string data = compressed(random_rows(kind)), expected = file(kind, data);
  for (size_t step : {size_t{1}, size_t{7}, data.size()}) {
    std::string pieces = chunk("IDAT", "");
    for (size_t i = 0; i < data.size(); i += step) pieces += chunk("IDAT", data.substr(i, step)) + chunk("IDAT", "");
    const std::string whole = start(kind) + chunk("tEXt", "Title") + pieces + chunk("tIME", "") + chunk("IEND", "");
    CHECK(!store_png(whole).empty());
    CHECK(decoded(whole).equal(decoded(expected)));
  }
  const std::string apart = start(kind) + chunk("IDAT", data.substr(0, 50)) + chunk("tEXt", "Title") +
                            chunk("IDAT", data.substr(50)) + chunk("IEND", "");
  CHECK(store_png(apart).empty());
  CHECK(error_in(apart) == has("the image 'x' is damaged"));
}

TEST_CASE("what is wrong with a PNG is left to libpng to say") {
  const Kind kind{29, 23, 8, 3};
  const std::string rows = random_rows(kind), data = compressed(rows), whole = file(kind, data);
  const auto damaged = [&](size_t at) {
    std::string bytes = whole;
    bytes[at] ^= 1;
    CHECK(store_png(bytes).empty());
    return error_in(bytes);
  };
  CHECK(damaged(whole.find("PLTE") - 8) == has("damaged: IHDR: CRC error"));
  CHECK(damaged(whole.find("IDAT") - 8) == has("damaged: PLTE: CRC error"));
  CHECK(damaged(whole.find("IDAT") + 4 + data.size()) == has("damaged: IDAT: CRC error"));
  CHECK(damaged(whole.find("IDAT") - 4) == has("'x' is "));
  const auto with = [&](const std::string& altered) {
    CHECK(store_png(file(kind, altered)).empty());
    return error_in(file(kind, altered));
  };
  std::string altered = data;
  altered.back() ^= 1;
  CHECK(with(altered) == has("damaged: IDAT: incorrect data check"));
  CHECK(with(compressed(rows.substr(0, rows.size() - 1))) == has("damaged: "));
  CHECK(with(data.substr(0, data.size() - 5)) == has("damaged: "));
  CHECK(with("") == has("damaged: "));
  CHECK(with(data + "more").empty());  // superfluous data, which libpng lets pass
  CHECK(with(compressed(rows + "more")).empty());
  CHECK(decoded(file(kind, data + "more")).equal(decoded(whole)));
  for (size_t kept = 8; kept < whole.size(); ++kept) CHECK(store_png(whole.substr(0, kept)).empty());
  altered = rows;
  altered[30 * 3] = 5;
  CHECK(!store_png(file(kind, compressed(altered))).empty());
  CHECK(error_in(file(kind, compressed(altered))) == has("damaged: bad adaptive filter value"));
}

TEST_CASE("a PNG takes no memory that its data cannot fill") {
  const std::string data = compressed(random_rows({29, 23, 8, 2}));
  for (uint32_t side : {1000u, 20'000u, 4'000'000'000u})
    for (bool interlaced : {false, true}) CHECK(store_png(file({side, side, 16, 6, interlaced}, data)).empty());
  CHECK(store_png(file({29, 23, 255, 2}, data)).empty());
  CHECK(store_png(file({29, 23, 8, 7}, data)).empty());
}
