#include "data/image_processor.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "core/error.h"
#include "io/json.h"
#include "io/safetensors.h"

namespace multiviz {
namespace {

using nlohmann::json;
using Resize = ImageProcessorOptions::Resize;

// Made by tests/fixtures/data/make_images.py with Pillow and transformers.
const SafeTensors& fixture() {
  static const auto file = load_safetensors("tests/fixtures/data/images.safetensors");
  return file;
}

const at::Tensor& expected(const std::string& name) { return fixture().tensors.at(name); }

ProcessedImages process(const ImageProcessor& processor, const at::Tensor& image) {
  return processor(std::span(&image, 1));
}

TEST_CASE("resizing is Pillow's, bit for bit") {
  for (const char* name : {"A", "B", "C"})
    for (auto [h, w] : {std::pair{50, 70}, {13, 61}, {37, 20}, {9, 9}, {160, 111}, {1, 3}})
      for (int filter = 0; filter < 6; ++filter) {
        auto key = fmt::format("resize.{}.{}.{}.{}", name, h, w, filter);
        CAPTURE(key);
        auto pixels = resize_pixels(expected(fmt::format("image.{}", name)), h, w, static_cast<Resample>(filter));
        CHECK(pixels[0].equal(expected(key + ".row")));
        auto flat = pixels.reshape(-1).to(at::kLong);
        auto weights = at::arange(flat.numel(), at::kLong).remainder(251).add(1);
        CHECK(at::stack({flat.sum(), flat.mul(weights).sum()}).equal(expected(key + ".sum")));
      }
  CHECK_THROWS_WITH_AS(resize_pixels(expected("image.A"), 0, 4, Resample::box),
                       "an image cannot be resized to 4 x 0 pixels", Error);
}

TEST_CASE("images are processed as Hugging Face does it, by the settings of any version") {
  auto configs = parse_json(fixture().metadata.at("configs"), "configs");
  for (const auto& [config, settings] : configs.items()) {
    ImageProcessor processor(image_processor_options(settings, "preprocessor_config.json"));
    for (const char* name : {"A", "B", "C"}) {
      CAPTURE(config);
      CAPTURE(name);
      auto pixels = process(processor, expected(fmt::format("image.{}", name))).pixels[0];
      auto key = fmt::format("{}.{}", config, name);
      CHECK(at::tensor(pixels.sizes(), at::kLong).equal(expected("shape." + key)));
      auto some = pixels.reshape(-1).slice(0, 0, INT64_MAX, 7);
      REQUIRE(some.sizes() == expected("process." + key).sizes());
      CHECK((some - expected("process." + key)).abs().max().item<double>() < 1e-6);
    }
  }
}

// Shapes of transformers 5.23's processors for a picture of 61 x 93 (height x width).
TEST_CASE("sizes are spelt in many ways") {
  using Size = std::pair<int64_t, int64_t>;
  auto size_of = [](const json& config) {
    return ImageProcessor(image_processor_options(config, "preprocessor_config.json")).output_size(61, 93);
  };
  auto with = [](const char* type, json more) {
    more["image_processor_type"] = type;
    return more;
  };
  CHECK(size_of(with("CLIPImageProcessor", {{"size", 32}, {"do_center_crop", false}})) == Size{32, 48});
  CHECK(size_of(with("ViTImageProcessor", {{"size", 36}})) == Size{36, 36});
  CHECK(size_of(with("ViTImageProcessor", {{"size", {{"max_height", 40}, {"max_width", 50}}}})) == Size{32, 50});
  CHECK(size_of(with("DetrImageProcessor", {{"size", {{"max_height", 30}, {"max_width", 90}}}})) == Size{30, 45});
  CHECK(size_of(with("DeiTFeatureExtractor", json::object())) == Size{224, 224});
  json nulls = {{"size", {{"height", 36}, {"width", 30}}}};
  for (const char* key : {"do_center_crop", "crop_size", "crop_pct", "size_divisor", "do_pad", "pad_size"})
    nulls[key] = nullptr;
  CHECK(size_of(with("DeiTImageProcessor", nulls)) == Size{36, 30});

  // A one-number size of a square processor is cropped from a square.
  auto deit = image_processor_options(with("DeiTFeatureExtractor", {{"size", 36}, {"crop_size", 30}}), "x");
  CHECK(deit.resize == Resize::fixed);
  CHECK((deit.height == 36 && deit.width == 36 && deit.crop_height == 30 && deit.resample == Resample::bicubic));
}

TEST_CASE("pictures are padded to the size that the settings name") {
  json config = {{"image_processor_type", "DetrImageProcessor"},
                 {"size", {{"shortest_edge", 40}, {"longest_edge", 60}}},
                 {"pad_size", {{"height", 70}, {"width", 80}}}};
  ImageProcessor processor(image_processor_options(config, "preprocessor_config.json"));
  auto batch = process(processor, expected("image.A"));
  REQUIRE(batch.pixels.sizes() == at::IntArrayRef{1, 3, 70, 80});
  auto size = processor.output_size(37, 61);
  CHECK(batch.mask.sum().item<int64_t>() == size.first * size.second);
  CHECK(batch.areas[0].x1 == doctest::Approx(80.0 * 61 / static_cast<double>(size.second)));
  config["pad_size"]["height"] = 20;
  CHECK_THROWS_WITH_AS(process(ImageProcessor(image_processor_options(config, "x")), expected("image.A")),
                       "an image comes out as 60 x 36 pixels, and this model's processor pads to 80 x 20: give a "
                       "smaller size",
                       Error);
}

TEST_CASE("a batch of different sizes is padded, with a mask") {
  auto options = detection_image_options();
  options.shortest_edge = 40;
  options.longest_edge = 60;
  ImageProcessor processor(options);
  std::vector<at::Tensor> images = {expected("image.A"), expected("image.B")};  // 37 x 61 and 80 x 45
  auto batch = processor(images);
  // The longest side of A stays at 60: 36 x 59 (MDETR rounds 36.4 and then 59.35 down); B is 60 x 34: 45 / 80 x 60
  // = 33.75.
  CHECK(processor.output_size(37, 61) == std::pair<int64_t, int64_t>{36, 59});
  CHECK(processor.output_size(80, 45) == std::pair<int64_t, int64_t>{60, 34});
  REQUIRE(batch.pixels.sizes() == at::IntArrayRef{2, 3, 60, 59});
  CHECK(batch.mask[0].sum().item<int64_t>() == 36 * 59);
  CHECK(batch.mask[1].sum().item<int64_t>() == 60 * 34);
  CHECK(batch.pixels[1].slice(2, 34).abs().max().item<double>() == 0);
  auto alone = process(processor, images[1]).pixels[0];
  CHECK(batch.pixels[1].slice(2, 0, 34).equal(alone));
  // The padded leaf shows more than the picture has.
  CHECK(batch.areas[0].x1 == doctest::Approx(61));
  CHECK(batch.areas[0].y1 == doctest::Approx(60 * 37 / 36.0));
  CHECK(batch.areas[1].x1 == doctest::Approx(59 * 45 / 34.0));
}

TEST_CASE("the area is the part of the original that is left") {
  ImageProcessorOptions options;
  options.resize = Resize::shortest_edge;
  options.shortest_edge = 40;
  options.crop_height = options.crop_width = 40;
  auto image = at::zeros({80, 160, 3}, at::kByte);
  auto area = process(ImageProcessor(options), image).areas[0];
  CHECK(area.x0 == 40);  // 80 x 160 becomes 40 x 80, the middle 40 of which start at 20
  CHECK(area.x1 == 120);
  CHECK(area.y0 == 0);
  CHECK(area.y1 == 80);
  options.crop_height = 60;
  area = process(ImageProcessor(options), image).areas[0];
  CHECK(area.y0 == -20);
  CHECK(area.y1 == 100);
}

TEST_CASE("a leaf's pixel stands where the original's does") {
  auto image = at::zeros({60, 120, 3}, at::kByte);
  image.slice(0, 30, 36).slice(1, 90, 96).fill_(255);
  ImageProcessorOptions options;
  options.resize = Resize::fixed;
  options.height = options.width = 64;
  options.resample = Resample::bicubic;
  auto result = process(ImageProcessor(options), image);
  auto peak = result.pixels[0][0].argmax().item<int64_t>();
  const auto& area = result.areas[0];
  double x = area.x0 + (static_cast<double>(peak % 64) + 0.5) * (area.x1 - area.x0) / 64;
  double y = area.y0 + (static_cast<double>(peak / 64) + 0.5) * (area.y1 - area.y0) / 64;
  CHECK((x > 90 && x < 96));
  CHECK((y > 30 && y < 36));
}

TEST_CASE("floating pixels are rounded first") {
  ImageProcessor processor;
  auto image = expected("image.A");
  CHECK(process(processor, image.to(at::kFloat).add(0.3)).pixels.equal(process(processor, image).pixels));
  CHECK(process(processor, image).pixels[0].equal(image.permute({2, 0, 1}).to(at::kFloat).div(255)));
}

TEST_CASE("wrong settings and images are named") {
  auto error_of = [](const json& config) -> std::string {
    try {
      image_processor_options(config, "preprocessor_config.json");
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  CHECK(error_of({{"resample", 9}}) == "preprocessor_config.json: resample is 9: Pillow's filters are 0 to 5");
  CHECK(error_of({{"do_flip_channel_order", true}}) ==
        "preprocessor_config.json: 'do_flip_channel_order' asks for a step that this version cannot do");
  CHECK(error_of({{"image_mean", {0.5, 0.5}}}) ==
        "preprocessor_config.json: image_mean has 2 numbers: it must have one for each colour");
  CHECK(error_of({{"size", {{"height", 0}, {"width", 4}}}}) ==
        "the image processor's height is 0: give 1 to 65500 pixels");
  CHECK(error_of({{"size", "large"}}).find("size must be an integer, not string") != std::string::npos);
  CHECK(error_of({{"image_std", 0}}).find("must be positive") != std::string::npos);

  ImageProcessorOptions options;
  options.resize = Resize::shortest_edge;
  options.shortest_edge = 32;
  ImageProcessor processor(options);
  std::vector<at::Tensor> images = {expected("image.A"), expected("image.B")};
  CHECK_THROWS_AS(processor(images), Error);
  CHECK_THROWS_AS(process(processor, at::zeros({4, 4}, at::kByte)), Error);
  CHECK_THROWS_AS(processor(std::vector<at::Tensor>{}), Error);
  CHECK_THROWS_WITH_AS(
      processor.output_size(1, 65000 * 1000),
      "an image of 65000000 x 1 pixels is too narrow: the model's processor would make it 2080000000 x 32", Error);
  options.resize = Resize::divisible;
  options.longest_edge = 53;
  options.size_divisor = 32;
  CHECK_THROWS_AS(ImageProcessor(options).output_size(4, 400), Error);
}

}  // namespace
}  // namespace multiviz
