#include "io/image.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <string>

#include "io/file.h"
#include "tests/scratch.h"

using namespace multiviz;

namespace {

std::string path(const std::string& name) { return "tests/fixtures/io/" + name; }
at::Tensor fixture(const std::string& name) { return load_image(path(name)); }

// The picture of tests/fixtures/io/make_images.py.
at::Tensor gradient() {
  at::Tensor x = at::arange(30).expand({20, 30}), y = at::arange(20).unsqueeze(1).expand({20, 30});
  return at::stack({x * 8, y * 12, (x + y) * 5}, 2).to(at::kByte);
}

double distance(const at::Tensor& a, const at::Tensor& b) {
  REQUIRE(a.sizes() == b.sizes());
  return (a.to(at::kFloat) - b.to(at::kFloat)).abs().max().item<double>();
}

// A PNG that says it has this size, with no pixels behind it.
std::string png_header(uint32_t width, uint32_t height) {
  std::string bytes("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
  for (uint32_t value : {width, height})
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 255);
  return bytes + std::string("\x08\x02\0\0\0\0\0\0\0", 9);
}

}  // namespace

TEST_CASE("lossless formats give the very pixels") {
  for (const char* name : {"rgb.png", "interlaced.png", "rgb.bmp", "rgb.ppm", "rgb.tga"}) {
    CAPTURE(name);
    at::Tensor image = fixture(name);
    CHECK((image.scalar_type() == at::kByte));
    CHECK(image.equal(gradient()));
  }
}

TEST_CASE("JPEG, palettes, grey and CMYK become RGB") {
  CHECK(distance(fixture("rgb.jpg"), gradient()) <= 6);  // quality 95
  CHECK(distance(fixture("progressive.jpg"), gradient()) <= 6);
  CHECK(distance(fixture("cmyk.jpg"), gradient()) <= 12);
  CHECK(distance(fixture("palette.png"), gradient()) <= 60);  // 16 colours
  CHECK(fixture("palette.gif").equal(fixture("palette.png")));
  at::Tensor grey = (gradient().to(at::kFloat) * at::tensor({0.299f, 0.587f, 0.114f})).sum(2, true).expand({20, 30, 3});
  CHECK(distance(fixture("grey.png"), grey) <= 1);
  CHECK(distance(fixture("grey.jpg"), grey) <= 4);
  at::Tensor high = (at::arange(30) * 2000).div(256, "floor").expand({20, 30}).unsqueeze(2).expand({20, 30, 3});
  CHECK(distance(fixture("grey16.png"), high) == 0);
}

TEST_CASE("JPEG is decoded as Pillow does") {
  CHECK(fixture("subsampled.jpg").equal(fixture("subsampled_pillow.png")));
  CHECK(fixture("cmyk.jpg").equal(fixture("cmyk_pillow.png")));
}

TEST_CASE("PNG of one bit, and of a palette with transparency") {
  at::Tensor x = at::arange(30).expand({20, 30}), y = at::arange(20).unsqueeze(1).expand({20, 30});
  CHECK(fixture("one_bit.png").equal(((x + y) % 3).eq(0).mul(255).to(at::kByte).unsqueeze(2).expand({20, 30, 3})));
  // Colour k of the palette has alpha 16 k, so that every pixel is between its colour and white.
  at::Tensor blended = fixture("palette_alpha.png"), opaque = fixture("palette.png");
  CHECK(blended.ge(opaque).all().item<bool>());
  CHECK(blended.eq(255).all(2).sum().item<int64_t>() > 0);
  CHECK(blended.ne(opaque).any().item<bool>());
}

TEST_CASE("alpha is blended over white") {
  at::Tensor image = fixture("alpha.png"), opaque = gradient();
  CHECK(image.slice(1, 0, 10).eq(255).all().item<bool>());
  at::Tensor fifth = opaque.slice(1, 10, 20).to(at::kFloat) * 0.2f + 255 * 0.8f;  // alpha 51 of 255
  CHECK(distance(image.slice(1, 10, 20), fifth) <= 0.6);
  CHECK(image.slice(1, 20, 30).equal(opaque.slice(1, 20, 30)));
}

TEST_CASE("a truncated image is an error in every format") {
  for (const char* name : {"rgb.png", "rgb.bmp", "rgb.ppm", "rgb.tga", "rgb.jpg", "progressive.jpg", "cmyk.jpg",
                           "grey.jpg", "grey16.png", "palette.png", "palette.gif", "alpha.png", "interlaced.png"}) {
    const std::string whole = read_file(path(name));
    for (double part : {0.0, 0.02, 0.2, 0.5, 0.9, 0.98}) {
      CAPTURE(name);
      CAPTURE(part);
      const auto kept = static_cast<size_t>(static_cast<double>(whole.size()) * part);
      const std::string message = error_of([&] { decode_image(whole.substr(0, kept), "cut"); });
      CHECK(message == has("'cut'"));
    }
  }
}

TEST_CASE("a JPEG whose data end early is truncated, with and without the marker of its end") {
  for (const char* name : {"rgb.jpg", "progressive.jpg", "cmyk.jpg", "grey.jpg", "subsampled.jpg"}) {
    const std::string whole = read_file(path(name));
    const size_t data = whole.rfind("\xff\xda") + 14;
    for (double part : {0.1, 0.5, 0.8}) {
      CAPTURE(name);
      CAPTURE(part);
      const std::string cut =
          whole.substr(0, data + static_cast<size_t>(static_cast<double>(whole.size() - data) * part));
      CHECK(error_of([&] { decode_image(cut, "cut"); }) ==
            has("the image 'cut' is truncated: copy or download it again"));
      CHECK(error_of([&] { decode_image(cut + "\xff\xd9", "cut"); }) == has("the image 'cut' is truncated"));
    }
    CHECK(decode_image(whole + "trailing", "x").equal(fixture(name)));
  }
}

TEST_CASE("a progressive JPEG that was cut between two scans is truncated, closed or not") {
  const std::string whole = read_file(path("progressive.jpg"));
  int scans = 0;
  for (size_t at = whole.find("\xff\xda"); at != std::string::npos; at = whole.find("\xff\xda", at + 2)) {
    size_t end = at + 2;  // of the scan: the next marker, where "\xff\0" is none
    while (whole[end] != '\xff' || whole[end + 1] == 0) ++end;
    CAPTURE(scans);
    ++scans;
    CHECK(error_of([&] { decode_image(whole.substr(0, end), "cut"); }) == has("the image 'cut' is truncated"));
    if (end + 2 == whole.size()) continue;
    CHECK(error_of([&] { decode_image(whole.substr(0, end) + "\xff\xd9", "cut"); }) == has("'cut' is truncated"));
  }
  CHECK(scans == 10);
}

TEST_CASE("a damaged PNG is an error that says how") {
  const std::string whole = read_file(path("rgb.png"));
  std::string damaged = whole;
  damaged[damaged.find("IDAT") + 20] ^= 1;
  CHECK(error_of([&] { decode_image(damaged, "d.png"); }) == has("the image 'd.png' is damaged: "));
  damaged = whole;
  damaged[24] = 7;  // bits a sample
  CHECK(error_of([&] { decode_image(damaged, "d.png"); }) == has("the image 'd.png' is damaged: "));
  CHECK(error_of([&] { decode_image(whole.substr(0, whole.size() - 12), "d.png"); }) == has("'d.png' is truncated"));
  CHECK(error_of([&] { decode_image(whole.substr(0, 8) + whole.substr(33), "d.png"); }) == has("begin with its size"));
  CHECK(decode_image(whole + "trailing", "x").equal(gradient()));
}

TEST_CASE("a damaged JPEG is an error that says how") {
  std::string damaged = read_file(path("subsampled.jpg"));
  const size_t table = damaged.find("\xff\xc4");
  damaged[table + 5] = '\x7f';  // more codes of one bit than there are
  CHECK(error_of([&] { decode_image(damaged, "d.jpg"); }) == has("the image 'd.jpg' is damaged: Bogus Huffman table"));
  damaged = read_file(path("subsampled.jpg"));
  damaged[damaged.find("\xff\xc0") + 1] = '\xc3';  // lossless
  CHECK(error_of([&] { decode_image(damaged, "d.jpg"); }) == has("the image 'd.jpg' is damaged: Unsupported JPEG"));
  damaged[damaged.find("\xff\xc3") + 5] = '\xff';  // the height
  damaged[damaged.find("\xff\xc3") + 1] = '\xc0';
  CHECK(error_of([&] { decode_image(damaged, "d.jpg"); }) == has("'d.jpg'"));
}

TEST_CASE("sizes are judged before memory is taken") {
  CHECK(error_of([] { decode_image(png_header(100'000, 100'000), "p"); }) == has("too large (100000 x 100000 pixels)"));
  CHECK(error_of([] { decode_image(png_header(4'000'000'000u, 1), "p"); }) == has("too large"));
  CHECK(error_of([] { decode_image(png_header(65'500, 65'500), "p"); }) == has("too large"));
  CHECK(error_of([] { decode_image(png_header(0, 10), "p"); }) == has("has no pixels (0 x 10)"));
  CHECK(error_of([] { decode_image(png_header(10'000, 10'000), "p"); }) == has("cannot come from"));
  CHECK(error_of([] { decode_image("P6 100000 100000 255\n" + std::string(64, 'a'), "p"); }) == has("too large"));
  CHECK(error_of([] { decode_image("P6 0 10 255\n", "p"); }) == has("'p'"));
}

TEST_CASE("a PNM of 16 bits is refused") {
  // stb_image 2.28 reads beyond the end of what it allocated for one.
  CHECK(error_of([] { decode_image("P6 2 2 65535\n" + std::string(24, 'a'), "p.ppm"); }) ==
        has("'p.ppm': of 16 bits a sample only PNG is read"));
  CHECK(error_of([] { decode_image("P5 2 2 256\n" + std::string(8, 'a'), "p.pgm"); }) == has("16 bits"));
}

TEST_CASE("what is no image is said with the file's name") {
  CHECK(error_of([] { load_image("none.png"); }) == has("'none.png': no such file or directory: check the path"));
  CHECK(error_of([] { decode_image("", "p.png"); }) == has("'p.png': it is empty"));
  CHECK(error_of([] { decode_image("<html>not found</html>", "p.png"); }) == has("give a PNG, JPEG"));
  CHECK(error_of([] { load_image("tests/fixtures/io"); }) == has("it is a folder"));
}

TEST_CASE("a PNG that was saved loads as it was") {
  Scratch scratch;
  save_png(scratch / "x.png", gradient());
  CHECK(load_image(scratch / "x.png").equal(gradient()));
  save_png(scratch / "x.png", gradient().transpose(0, 1));
  CHECK(load_image(scratch / "x.png").equal(gradient().transpose(0, 1)));
  at::Tensor alpha = at::cat({gradient(), at::full({20, 30, 1}, 255, at::kByte)}, 2);
  CHECK(decode_image(encode_png(alpha), "x").equal(gradient()));
  CHECK(decode_image(encode_png(at::zeros({1, 1, 3}, at::kByte)), "x").sizes() == at::IntArrayRef{1, 1, 3});
  CHECK(error_of([] { encode_png(at::zeros({2, 2, 3})); }) == has("uint8 tensor [H, W, 3]"));
  CHECK(error_of([] { encode_png(at::zeros({2, 2}, at::kByte)); }) == has("uint8 tensor [H, W, 3]"));
  CHECK(error_of([] { encode_png(at::zeros({0, 2, 3}, at::kByte)); }) == has("has no pixels"));
}
