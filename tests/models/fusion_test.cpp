#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <doctest/doctest.h>

#include <filesystem>

#include "data/basic_dataset.h"
#include "io/file.h"
#include "io/safetensors.h"
#include "models/checkpoint.h"
#include "models/late_fusion.h"
#include "models/load.h"
#include "models/mult.h"
#include "models/score.h"
#include "models/train.h"
#include "tests/models/parity.h"
#include "tests/models/toy_model.h"
#include "tests/scratch.h"

namespace multiviz {
namespace {

using test::difference;

ModelPtr encoder(const std::string& name, const nlohmann::json& options = nlohmann::json::object()) {
  return load_model("tests/fixtures/encoders/" + name, "", options);
}

// Bright and dark pictures with a caption and three frames; the label is whether both are bright.
class Pictures : public BasicDataset {
 public:
  Pictures()
      : BasicDataset(
            {{"picture", ModalityKind::image}, {"caption", ModalityKind::text}, {"sound", ModalityKind::time_series}},
            {"dark", "bright"}) {
    name_ = fingerprint_ = "pictures";
  }
  int64_t size() const override { return 16; }
  Datapoint get(int64_t index) const override {
    const bool bright = index % 2 == 1;
    Datapoint datapoint;
    datapoint.id = std::to_string(index);
    auto noise = at::arange(36 * 40 * 3).mul(7 + index).remainder(60).reshape({36, 40, 3});
    datapoint.values = {Image{(noise + (bright ? 180 : 10)).to(at::kByte)},
                        Text{bright ? "what color is the cube" : "are there red things"},
                        TimeSeries{at::full({3, 2}, bright ? 1.0 : -1.0), {}, {}, {}}};
    datapoint.labels = {bright};
    return datapoint;
  }
};

std::vector<ModelPtr> parts() { return {encoder("resnet"), encoder("bert"), nullptr}; }

LateFusionOptions late_options() {
  LateFusionOptions options;
  options.modalities = Pictures().modalities();
  options.encoders = {"none", "mlp", "gru"};
  options.inputs = {8, 8, 2};
  options.hidden = {1, 5, 4};
  options.outputs = {0, 4, 0};
  options.frames = {0, 0, 0};
  options.features = 6;
  options.labels = {"dark", "bright"};
  return options;
}

MultOptions mult_settings() {
  MultOptions options;
  options.modalities = {"picture", "caption", "sound"};
  options.inputs = {8, 8, 2};
  options.frames = 4, options.width = 4, options.heads = 2, options.layers = 1;
  options.labels = {"dark", "bright"};
  return options;
}

std::vector<ModelPtr> models(bool frozen = false) {
  auto low_rank = late_options();
  low_rank.fusion = "low_rank", low_rank.rank = 2, low_rank.fused = 5;
  return {std::make_shared<LateFusion>(late_options(), parts(), frozen),
          std::make_shared<LateFusion>(low_rank, parts(), frozen),
          std::make_shared<MulT>(mult_settings(), parts(), frozen)};
}

TEST_CASE("encoders and a fusion train together, and are saved in folders that load by themselves") {
  auto data = std::make_shared<Pictures>();
  const auto x = data->get(3);
  for (const auto& model : models()) {
    CAPTURE(model->config()["architecture"]);
    TrainOptions options;
    options.steps = 60, options.batch = 8, options.learning_rate = 0.005;
    const auto before = model->parts()[0].second->parameters()[0].second.clone();
    train(*model, data, options);
    CHECK(score(*model, *data).accuracy == 1);
    CHECK_FALSE(model->parts()[0].second->parameters()[0].second.equal(before));
    Scratch scratch;
    const auto folder = scratch / "fused";
    save_model(*model, folder);
    auto loaded = load_model(folder, "");
    CHECK(difference(loaded->forward(x).logits, model->forward(x).logits) < 1e-6);
    CHECK(loaded->config() == model->config());
    auto bert = load_model(folder + "/encoders/caption", "");
    CHECK(bert->parameters()[0].second.equal(model->parts()[1].second->parameters()[0].second));
    CHECK_FALSE(load_safetensors(folder + "/model.safetensors").tensors.contains("parts.picture.embedder"));
    CHECK(error_of([&] { save_model(*model, scratch / "one.safetensors"); }) == has("save it in a folder"));
  }
}

TEST_CASE("frozen encoders stay as they are") {
  auto data = std::make_shared<Pictures>();
  for (const auto& model : models(/*frozen=*/true)) {
    std::map<std::string, at::Tensor> before;
    for (const auto& [name, part] : model->parts())
      for (const auto& [tensor, value] : part->parameters()) before[part_prefix(name) + tensor] = value.clone();
    TrainOptions options;
    options.steps = 3, options.batch = 8;
    train(*model, data, options);
    std::map<std::string, at::Tensor> after;
    for (const auto& [name, tensor] : model->buffers()) after[name] = tensor;
    for (const auto& [name, tensor] : before) CHECK(after.at(name).equal(tensor));
    Scratch scratch;
    save_model(*model, scratch / "fused");
    CHECK(load_model(scratch / "fused", "")->config()["frozen"] == true);
  }
}

TEST_CASE("fusions of encoders have gradients at every leaf, taps, and the same result in one piece and in pairs") {
  Pictures data;
  for (const auto& model : models()) {
    std::vector<std::vector<Value>> values(3);
    for (int64_t i = 0; i < 3; ++i)
      for (size_t m = 0; m < 3; ++m) values[m].push_back(data.get(i).values[m]);
    std::vector<Leaf> leaves;
    for (size_t m = 0; m < 3; ++m) leaves.push_back(model->prepare(m, values[m]));
    auto found = test::derivatives(*model, leaves, 1, {0}, 1, true);
    for (const auto& gradient : found.first) CHECK(gradient.abs().sum().item<double>() > 0);
    CHECK(found.second[0].isfinite().all().item<bool>());
    at::NoGradGuard no_grad;
    Trace trace;
    trace.record("*");
    auto whole = model->forward(leaves, &trace);
    for (const auto& tap : model->signature().taps) {
      CAPTURE(tap);
      CHECK(trace.activations().contains(tap));
    }
    std::vector<Encoding> encodings;
    for (size_t m = 0; m < 3; ++m) encodings.push_back(model->encode(m, leaves[m], nullptr));
    CHECK(difference(model->fuse(encodings, nullptr).logits, whole.logits) < 1e-5);
    encodings[2] = encodings[2].slice(0, 1);
    CHECK(test::grid_difference(*model, encodings, 0, 1) < 1e-5);
  }
}

TEST_CASE("the mean of a text's tokens can be its features, as the paper takes BERT's") {
  at::NoGradGuard no_grad;
  auto mean = encoder("bert", {{"pool", "mean"}});
  std::vector<Value> texts = {Text{"red cube"}, Text{"what color is the large metal thing"}};
  Trace trace;
  trace.record("text.layer.3.hidden");
  auto leaf = mean->prepare(0, texts);
  auto features = mean->forward(std::span(&leaf, 1), &trace).features;
  const auto& states = trace.at("text.layer.3.hidden");
  CHECK(difference(features[0], states[0].slice(0, 0, leaf.mask[0].sum().item<int64_t>()).mean(0)) < 1e-5);
  CHECK(difference(features[1], states[1].mean(0)) < 1e-5);
  CHECK(mean->config()["pool"] == "mean");
  CHECK(error_of([] { encoder("bert", {{"pool", "last"}}); }) == has("must be 'first' or 'mean'"));
  CHECK(error_of([] { encoder("vit", {{"pool", "mean"}}); }) == has("no option 'pool'"));
}

TEST_CASE("what cannot be a part is said") {
  auto with = [](auto change) {
    auto options = late_options();
    auto all = parts();
    change(options, all);
    return error_of([&] { LateFusion(options, all); });
  };
  CHECK(with([](auto& o, auto&) { o.inputs[1] = 9; }) == has("makes 8 features, and its inputs are 9"));
  CHECK(with([](auto&, auto& p) { p[0] = nullptr; }) == has("'picture' is an image"));
  CHECK(with([](auto&, auto& p) { p.pop_back(); }) == has("3 modalities and 2 models"));
  CHECK(with([](auto&, auto& p) { p[0] = load_model("tests/fixtures/clip/patch4", ""); }) == has("has 2 modalities"));
  CHECK(with([](auto& o, auto&) { o.modalities[1].name = "../caption"; }) == has("give it another"));
  auto all = parts();
  all[0] = std::make_shared<LateFusion>([] {
    LateFusionOptions one;
    one.modalities = {{"sound", ModalityKind::time_series}};
    one.inputs = {2}, one.hidden = {3}, one.outputs = {0}, one.frames = {0}, one.features = 8, one.labels = {"a"};
    return one;
  }());
  CHECK(error_of([&] { MulT(mult_settings(), all); }) == has("reads the states of all positions"));
  Scratch scratch;
  save_model(LateFusion(late_options(), parts()), scratch / "fused");
  auto config = load_json(scratch / "fused/config.json");
  config["modalities"][1] = "../caption";
  config["parts"][1] = "../caption";
  write_file(scratch / "fused/config.json", config.dump());
  CHECK(error_of([&] { load_model(scratch / "fused", ""); }) == has("give it another"));
}

}  // namespace
}  // namespace multiviz
