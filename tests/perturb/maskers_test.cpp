#include "perturb/maskers.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "core/error.h"
#include "perturb/window_masker.h"
#include "tests/models/toy_model.h"

using namespace multiviz;
using namespace multiviz::test;

namespace {

at::Tensor coalition(std::vector<int64_t> kept) { return at::tensor(kept, at::kLong).to(at::kBool).unsqueeze(0); }

std::string text_of(const MaskerPtr& masker, std::vector<int64_t> kept) {
  return std::get<Text>(masker->render(coalition(std::move(kept)))[0]).string;
}

at::Tensor pixels_of(const Masker& masker, const at::Tensor& coalitions) {
  return std::get<Image>(masker.render(coalitions)[0]).pixels;
}

const Value& picture() {
  static const Value value = toy_datapoint().values[0];
  return value;
}

}  // namespace

TEST_CASE("hidden segments take their mean colour and the others stay") {
  MaskerOptions options;
  options.segmentation = "grid";
  options.rows = 1;
  options.columns = 2;
  auto masker = make_masker(picture(), "image", options);
  CHECK(masker->players().names == std::vector<std::string>{"row 1 column 1", "row 1 column 2"});
  auto rendered = pixels_of(*masker, coalition({0, 1}));
  // The left half is equal parts of (230, 20, 40) and (20, 60, 220), see toy_datapoint.
  CHECK(at::equal(rendered[3][3], at::tensor({125, 40, 130}, at::kByte)));
  auto original = std::get<Image>(picture()).pixels;
  CHECK(at::equal(rendered.slice(1, 16), original.slice(1, 16)));
  CHECK(at::equal(pixels_of(*masker, coalition({1, 1})), original));
}

TEST_CASE("hidden pixels can take a colour or be blurred") {
  MaskerOptions options;
  options.segmentation = "grid";
  options.hide = "color";
  options.color = {1, 2, 3};
  auto rendered = pixels_of(*make_masker(picture(), "image", options), at::zeros({1, 48}, at::kBool));
  CHECK(at::equal(rendered[5][7], at::tensor({1, 2, 3}, at::kByte)));
  options.hide = "blur";
  options.blur = 2;
  rendered = pixels_of(*make_masker(picture(), "image", options), at::zeros({1, 48}, at::kBool));
  auto original = std::get<Image>(picture()).pixels;
  CHECK(at::equal(rendered[0][0], original[0][0]));    // six standard deviations from the next quarter
  CHECK(!at::equal(rendered[11][3], original[11][3]));
  options.blur = 40;  // reaches beyond the image
  CHECK(pixels_of(*make_masker(picture(), "image", options), at::zeros({1, 48}, at::kBool)).sizes() == original.sizes());
}

TEST_CASE("boxes and regions are players, and the rest is the background") {
  auto datapoint = toy_datapoint();
  MaskerOptions options;
  options.segmentation = "regions";
  auto masker = make_masker(picture(), "image", options, datapoint.regions);
  CHECK(masker->players().names == std::vector<std::string>{"red quarter", "blue quarter", "background"});
  options.segmentation = "boxes";
  options.boxes = {{"", {0, 0, 32, 24}, {}}};
  CHECK(make_masker(picture(), "image", options)->players().names == std::vector<std::string>{"box 1"});
}

TEST_CASE("words are taken out or replaced, and a text never becomes empty") {
  Value question = Text{"Is the cube red?"};
  auto masker = make_masker(question, "question", {});
  CHECK(masker->players().names == std::vector<std::string>{"Is", "the", "cube", "red", "?"});
  CHECK(text_of(masker, {1, 1, 1, 1, 1}) == "Is the cube red?");
  CHECK(text_of(masker, {1, 0, 1, 0, 1}) == "Is cube?");
  CHECK(text_of(masker, {0, 1, 0, 0, 0}) == "the");
  CHECK(text_of(masker, {0, 0, 0, 0, 0}) == "UNKWORDZ");
  MaskerOptions options;
  options.words = "replace";
  options.mask_word = "[MASK]";
  masker = make_masker(question, "question", options);
  CHECK(text_of(masker, {1, 0, 1, 0, 0}) == "Is [MASK] cube [MASK][MASK]");
}

TEST_CASE("frames, channels and groups of a time series") {
  auto value = toy_signals().values[0];
  const auto& frames = std::get<TimeSeries>(value).frames;
  MaskerOptions options;
  options.frames = 3;
  auto masker = make_masker(value, "signal", options);
  CHECK(masker->players().names == std::vector<std::string>{"frames 1 to 3", "frames 4 to 6", "frames 7 to 8"});
  auto rendered = std::get<TimeSeries>(masker->render(coalition({1, 0, 1}))[0]).frames;
  CHECK(at::equal(rendered.slice(0, 0, 3), frames.slice(0, 0, 3)));
  CHECK(rendered.slice(0, 3, 6).abs().max().item<float>() == 0);

  options.parts = "channels";
  options.fill = "mean";
  masker = make_masker(value, "signal", options);
  rendered = std::get<TimeSeries>(masker->render(coalition({1, 0, 1}))[0]).frames;
  CHECK(at::allclose(rendered.select(1, 1), frames.select(1, 1).mean().expand({8})));
  CHECK(at::equal(rendered.select(1, 2), frames.select(1, 2)));

  options.parts = "groups";
  options.fill = "baseline";
  options.baseline = at::tensor({7.0f, 8.0f, 9.0f});
  masker = make_masker(value, "signal", options);
  CHECK(masker->players().names == std::vector<std::string>{"plane", "height"});
  rendered = std::get<TimeSeries>(masker->render(coalition({0, 1}))[0]).frames;
  CHECK(at::equal(rendered[4].slice(0, 0, 2), at::tensor({7.0f, 8.0f})));
  CHECK(at::equal(rendered.select(1, 2), frames.select(1, 2)));
}

TEST_CASE("columns of a table take a background") {
  auto value = toy_signals().values[1];
  MaskerOptions options;
  options.fill = "baseline";
  options.baseline = at::full({5}, 2.0f);
  auto masker = make_masker(value, "record", options);
  auto rendered = std::get<Table>(masker->render(coalition({1, 1, 0, 1, 1}))[0]);
  CHECK(rendered.columns[2].item<float>() == 2);
  CHECK(at::equal(rendered.columns[4], std::get<Table>(value).columns[4]));
  CHECK(rendered.names == masker->players().names);
}

TEST_CASE("windows hide what they cover") {
  WindowMasker masker(std::get<Image>(picture()), "image", 10, 8, {});
  CHECK(masker.players().size() == 3 * 4);  // y at 0, 8, 14 and x at 0, 8, 16, 22
  auto kept = at::ones({1, 12}, at::kBool);
  kept[0][0] = false;
  auto rendered = pixels_of(masker, kept), original = std::get<Image>(picture()).pixels;
  CHECK(at::equal(rendered[10][0], original[10][0]));
  // Mean of the four quarters' colours, see toy_datapoint: (130, 127.5, 102.5) truncated.
  CHECK(at::equal(rendered[9][9], at::tensor({130, 127, 102}, at::kByte)));
  auto weights = at::zeros({12}, at::kDouble);
  weights[0] = 1.0;
  weights[1] = 3.0;
  auto heatmap = masker.heatmap(weights);
  CHECK(heatmap[0][0].item<float>() == 1);
  CHECK(heatmap[0][8].item<float>() == 2);  // under windows 1 and 2
  CHECK(heatmap[0][12].item<float>() == 3);
  CHECK_THROWS_WITH_AS(WindowMasker(std::get<Image>(picture()), "image", 25, 8, {}), doctest::Contains("does not fit"),
                       Error);
}

TEST_CASE("options that do not fit are refused") {
  auto signals = toy_signals();
  auto refused = [](const Value& value, auto change, const char* message) {
    MaskerOptions options;
    change(options);
    CHECK_THROWS_WITH_AS(make_masker(value, "x", options), doctest::Contains(message), Error);
  };
  refused(picture(), [](auto& o) { o.segmentation = "slick"; }, "did you mean 'slic'?");
  refused(picture(), [](auto& o) { o.hide = "mena"; }, "did you mean 'mean'?");
  refused(picture(), [](auto& o) { o.segmentation = "boxes"; }, "needs boxes");
  refused(picture(), [](auto& o) { o.segmentation = "regions"; }, "has no regions");
  refused(picture(), [](auto& o) { o.hide = "color", o.color = {0, 0, 256}; }, "from 0 to 255");
  refused(picture(), [](auto& o) { o.hide = "blur", o.blur = 0; }, "blur must be");
  refused(Text{"red"}, [](auto& o) { o.words = "drop"; }, "words cannot be 'drop'");
  refused(Text{"red"}, [](auto& o) { o.mask_word = " "; }, "mask_word");
  refused(Text{"  "}, [](auto&) {}, "is empty");
  refused(signals.values[0], [](auto& o) { o.frames = 0; }, "frames must be");
  refused(signals.values[0], [](auto& o) { o.fill = "baseline"; }, "needs a baseline");
  refused(signals.values[0], [](auto& o) { o.fill = "baseline", o.baseline = at::zeros({4}); }, "got [4]");
  refused(signals.values[1], [](auto& o) { o.fill = "mean"; }, "fill cannot be 'mean'");
}

TEST_CASE("a modality may have options of its own") {
  ModalityMaskers options;
  options.words = "replace";
  options.own["question"].mask_word = "[MASK]";
  CHECK(options.of("image").words == "replace");
  CHECK(options.of("question").mask_word == "[MASK]");
  CHECK(options.of("question").words == "remove");
}
