#include "models/frcnn.h"

#include <ATen/core/grad_mode.h>
#include <doctest/doctest.h>

#include "core/error.h"
#include "io/file.h"
#include "io/json.h"
#include "io/torch_file.h"
#include "models/load.h"
#include "models/lxmert_pixels.h"
#include "tests/models/parity.h"
#include "tests/models/recipe.h"
#include "tests/scratch.h"

namespace multiviz {
namespace {

using test::difference;
const std::string fixture = "tests/fixtures/frcnn/";

// The detector of tests/fixtures/frcnn/make_frcnn.py in a folder as the LXMERT demo downloads it.
struct Detector : Scratch {
  Detector() { write(test::cook(fixture + "recipe.safetensors"), read_file(fixture + "config.yaml")); }
  void write(const std::map<std::string, at::Tensor>& weights, const std::string& config) const {
    NamedTensors named(weights.begin(), weights.end());
    named.emplace_back("backbone.stem.conv1.norm.num_batches_tracked", at::zeros({}, at::kLong));
    save_state_dict(*this / "pytorch_model.bin", named);
    write_file(*this / "config.yaml", config);
  }
  Frcnn open() const { return Frcnn(folder().string()); }
  std::string refusal(const std::string& from, const std::string& to) const {
    auto config = read_file(fixture + "config.yaml");
    REQUIRE(config.find(from) != std::string::npos);
    write_file(*this / "config.yaml", config.replace(config.find(from), from.size(), to));
    return error_of([&] { open(); });
  }
};

TEST_CASE("the detector finds what the demo's does") {
  Detector folder;
  auto detector = folder.open();
  auto checks = load_safetensors(fixture + "check.safetensors").tensors;
  const std::pair<int64_t, int64_t> sizes[] = {{60, 96}, {50, 34}};
  for (int64_t i = 0; i < 2; ++i) {
    CAPTURE(i);
    auto expected = [&](const char* name) { return checks.at(fmt::format("{}.{}", name, i)); };
    auto pixels = detector.prepare(test::picture(sizes[i].first, sizes[i].second, 100 + i));
    CHECK(difference(pixels.slice(2, 0, INT64_MAX, 3).slice(3, 0, INT64_MAX, 3), expected("pixels")) < 1e-4);
    auto map = detector.map(pixels);
    CHECK(difference(map.slice(1, 0, INT64_MAX, 8), expected("map")) < 1e-4);
    auto found = detector.detect(map, pixels.size(2), pixels.size(3));
    CHECK(difference(found.proposals, expected("chosen")) < 1e-3);  // pixels of up to 100
    CHECK(difference(found.boxes, expected("normalized_boxes")) < 1e-4);
    CHECK(difference(found.features, expected("roi_features")) < 1e-4);
    CHECK(at::equal(found.objects, expected("obj_ids")));
    CHECK(at::equal(found.attributes, expected("attr_ids")));
    CHECK(difference(found.object_scores, expected("obj_probs")) < 1e-4);
    CHECK(difference(found.attribute_scores, expected("attr_probs")) < 1e-4);

    pixels.set_requires_grad(true);
    auto regions = detector.features(detector.map(pixels), found.proposals);
    auto gradient = torch::autograd::grad({regions[0].sum()}, {pixels})[0];
    CHECK(difference(gradient.slice(2, 0, INT64_MAX, 3).slice(3, 0, INT64_MAX, 3), expected("gradient")) < 1e-3);
  }
}

TEST_CASE("a folder that is no such detector is refused") {
  Detector folder;
  CHECK(error_of([] { Frcnn("tests/fixtures/lxmert/small"); }) == has("has no config.yaml"));
  CHECK(folder.refusal("DEPTH: 50", "DEPTH: 18") == has("50, 101 or 152, not 18"));
  CHECK(folder.refusal("NUM_GROUPS: 1", "NUM_GROUPS: 2") == has("'NUM_GROUPS' is 2, and only 1 is known"));
  CHECK(folder.refusal("NUM_CLASSES: 11", "NUM_CLASSES: 12") == has("cls_score.weight' is Float [12, 128]"));
  CHECK(folder.refusal("NUM_CLASSES: 11", "NUM_CLASS: 11") == has("did you mean 'NUM_CLASS'?"));
  CHECK(folder.refusal("NUM_CLASSES: 11", "NUM_CLASSES: many") == has("'NUM_CLASSES'"));
  CHECK(folder.refusal("POOLER_RESOLUTION: 5", "POOLER_RESOLUTION: 0") == has("it must be 1 to 256"));
  CHECK(folder.refusal("MAX_DETECTIONS: 14", "MAX_DETECTIONS: 4") == has("it must be 12 to"));
  CHECK(folder.refusal("OFFSET: 0.0", "OFFSET: 0.0\n  SIZE: [") == has("does not end"));
  auto weights = test::cook(fixture + "recipe.safetensors");
  weights.erase("roi_heads.res5.0.conv1.weight");
  folder.write(weights, read_file(fixture + "config.yaml"));
  CHECK(error_of([&] { folder.open(); }) == has("roi_heads.res5.0.conv1.weight"));
}

// A tiny LXMERT that reads the tiny detector's 128 features.
ModelPtr chain(const Detector& detector, const Scratch& scratch, int64_t width = 128) {
  const std::string small = "tests/fixtures/lxmert/small";
  auto tensors = load_safetensors(small + "/model.safetensors").tensors;
  auto& projection = tensors.at("lxmert.encoder.visn_fc.visn_fc.weight");
  projection = test::hashed(projection.size(0) * width, 5).to(at::kFloat).view({projection.size(0), width});
  auto config = load_json(small + "/config.json");
  config["visual_feat_dim"] = width;
  save_safetensors(scratch / "model.safetensors", tensors, {{"format", "pt"}});
  write_file(scratch / "config.json", config.dump());
  for (const char* name : {"/vocab.txt", "/tokenizer_config.json"})
    write_file(scratch / (name + 1), read_file(small + name));
  return load_model(scratch.folder().string(), "", {{"detector", detector.folder().string()}});
}

TEST_CASE("LXMERT behind its detector reads pixels") {
  Detector detector;
  Scratch scratch;
  auto model = chain(detector, scratch);
  const auto& signature = model->signature();
  CHECK(signature.modalities[0].name == "image");
  std::vector<Value> images = {Image{test::picture(60, 96, 100)}, Image{test::picture(50, 34, 101)}};
  std::vector<Value> questions = {Text{"what color is the cube"}, Text{"how many"}};
  std::vector<std::vector<Value>> values = {images, questions};
  Trace trace;
  trace.record("*");
  auto both = model->forward(values, &trace);
  for (const auto& name : signature.taps) CHECK(trace.activations().contains(name));
  CHECK(trace.at("image.regions").size(2) == 132);
  for (size_t i = 0; i < 2; ++i) {  // alone, without padding
    std::vector<std::vector<Value>> one = {{images[i]}, {questions[i]}};
    CHECK(difference(model->forward(one).logits[0], both.logits[static_cast<int64_t>(i)]) < 1e-4);
  }
  std::vector<Encoding> encodings;
  for (size_t m = 0; m < 2; ++m) encodings.push_back(model->encode(m, model->prepare(m, values[m]), nullptr));
  CHECK(test::grid_difference(*model, encodings, 0, 1) < 1e-5);

  // The same regions given to LXMERT itself.
  auto frcnn = detector.open();
  auto found = frcnn.detect(frcnn.map(frcnn.prepare(std::get<Image>(images[0]).pixels)), 63, 100);
  auto plain = load_model(scratch.folder().string(), "");
  TimeSeries series;
  series.frames = at::cat({found.features, found.boxes}, 1);
  std::vector<std::vector<Value>> given = {{series}, {questions[0]}};
  CHECK(difference(plain->forward(given).logits[0], both.logits[0]) < 1e-4);
}

TEST_CASE("gradients reach the pixels with the boxes held fixed") {
  Detector detector;
  Scratch scratch;
  auto model = chain(detector, scratch);
  std::vector<Leaf> leaves = {model->prepare(0, std::vector<Value>{Image{test::picture(60, 96, 100)}}),
                              model->prepare(1, std::vector<Value>{Text{"what color is the cube"}})};
  auto derivatives = test::derivatives(*model, leaves, 1, {0}, 1, true);
  CHECK(derivatives.first[0].abs().max().item<double>() > 0);
  CHECK(derivatives.second[0].abs().max().item<double>() > 0);
  // Against finite differences along the gradient, the boxes being those of the leaf.
  auto direction = derivatives.first[0] / derivatives.first[0].norm();
  auto at_step = [&](double step) {
    at::NoGradGuard no_grad;
    auto moved = leaves;
    moved[0].tensor = leaves[0].tensor.detach() + direction * step;
    return model->forward(moved).logits[0][1].item<double>();
  };
  constexpr double step = 2e-3;
  auto slope = (at_step(step) - at_step(-step)) / (2 * step);
  CHECK(slope == doctest::Approx(derivatives.first[0].norm().item<double>()).epsilon(0.05));
}

TEST_CASE("a chain is saved as LXMERT, and remembers its detector") {
  at::NoGradGuard no_grad;
  Detector detector;
  Scratch scratch, wide;
  auto model = chain(detector, scratch);
  save_model(*model, scratch / "saved");
  auto again = load_model(scratch / "saved", "");
  std::vector<std::vector<Value>> values = {{Image{test::picture(60, 96, 100)}}, {Text{"how many cubes"}}};
  CHECK(difference(model->forward(values).logits, again->forward(values).logits) < 1e-6);
  CHECK(error_of([&] { chain(detector, wide, 20); }) == has("gives regions of 128 features"));
  CHECK(error_of([&] { load_model(scratch / "saved", "", {{"detector", "none"}}); }) == has("'none' is no detector"));
  CHECK(error_of([&] { model->prepare(0, std::vector<Value>{Text{"a"}}); }) == has("takes an image"));
}

}  // namespace
}  // namespace multiviz
