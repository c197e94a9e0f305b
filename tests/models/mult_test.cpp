#include "models/mult.h"

#include <ATen/ATen.h>

#include "data/basic_dataset.h"
#include "io/safetensors.h"
#include "io/torch_file.h"
#include "models/load.h"
#include "tests/models/learns.h"
#include "tests/models/toy_model.h"
#include "tests/scratch.h"

using namespace multiviz;

namespace {

double difference(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().max().item<double>(); }

MultOptions small() {
  MultOptions options;
  options.modalities = {"text", "audio"};
  options.inputs = {3, 2};
  options.frames = 4;
  options.width = 4;
  options.heads = 2;
  options.layers = 1;
  options.labels = {"low", "high"};
  return options;
}

Value series(int64_t frames, int64_t channels, double offset = 0) {
  return TimeSeries{
      at::sin(at::arange(1, frames * channels + 1, at::kFloat)).reshape({frames, channels}) + offset, {}, {}, {}};
}

// Series whose label is the sign of their mean.
class Tones : public BasicDataset {
 public:
  Tones() : BasicDataset({{"text", ModalityKind::time_series}, {"audio", ModalityKind::time_series}}, {"low", "high"}) {
    name_ = fingerprint_ = "tones";
  }
  int64_t size() const override { return 16; }
  Datapoint get(int64_t index) const override {
    Datapoint datapoint;
    datapoint.id = std::to_string(index);
    const bool high = index % 2 == 1;
    datapoint.values = {series(2 + index % 3, 3, high ? 1.0 : -1.0), series(3, 2)};
    datapoint.labels = {high};
    return datapoint;
  }
};

}  // namespace

// The expected tensors are those of tests/fixtures/models/make_mult.py.
TEST_CASE("MulT computes what MultiBench's layers do") {
  bool odd = false;
  SUBCASE("of an even width, behind a mask") {}
  SUBCASE("of an odd width, without a mask") { odd = true; }
  const auto file =
      load_safetensors(odd ? "tests/fixtures/models/mult_odd.safetensors" : "tests/fixtures/models/mult.safetensors");
  MulT model(mult_options(nlohmann::json::parse(file.metadata.at("config"))));
  std::map<std::string, at::Tensor> weights, expected;
  for (const auto& [name, tensor] : file.tensors)
    name.starts_with("check.") ? expected[name.substr(6)] = tensor : weights[name] = tensor;
  copy_weights(model.parameters(), weights, "the fixture");
  std::vector<std::vector<Value>> values(model.signature().modalities.size());
  for (size_t m = 0; m < values.size(); ++m)
    for (int64_t b = 0; b < 2; ++b) {
      const int64_t frames = !odd && m == 0 && b == 1 ? 3 : 5;  // the model pads again
      values[m].push_back(TimeSeries{expected.at(fmt::format("input{}", m))[b].slice(0, 0, frames), {}, {}, {}});
    }
  Trace trace;
  trace.record("*");
  const Output output = model.forward(values, &trace);
  for (const std::string& tap : model.signature().taps) {
    INFO(tap);
    CHECK(difference(trace.at(tap), expected.at(tap)) < 1e-5);
  }
  CHECK(output.features.equal(trace.at("fusion.features")));
}

TEST_CASE("MulT computes what its authors' layers do, under their names") {
  const std::string path = "tests/fixtures/models/mult_original.safetensors";
  const auto file = load_safetensors(path);
  auto config = nlohmann::json::parse(file.metadata.at("config"));
  std::map<std::string, at::Tensor> weights, expected;
  for (const auto& [name, tensor] : file.tensors)
    name.starts_with("check.") ? expected[name.substr(6)] = tensor : weights[name] = tensor;
  Scratch scratch;
  save_state_dict(scratch / "mult.pt", {weights.begin(), weights.end()});
  auto model = load_model(scratch / "mult.pt", "", {{"config", config}});
  std::vector<std::vector<Value>> values(2);
  for (size_t m = 0; m < 2; ++m)
    for (int64_t b = 0; b < 2; ++b)
      values[m].push_back(TimeSeries{expected.at(fmt::format("input{}", m))[b], {}, {}, {}});
  Trace trace;
  trace.record("*");
  model->forward(values, &trace);
  for (const std::string& tap : model->signature().taps) {
    INFO(tap);
    CHECK(difference(trace.at(tap), expected.at(tap)) < 1e-5);
  }
  save_model(*model, scratch / "again.pt");
  const auto again = load_state_dict(scratch / "again.pt");
  CHECK(again.size() == weights.size());
  for (const auto& [name, tensor] : weights) CHECK(again.contains(name));
  config["modalities"] = {"audio", "aroma"};
  CHECK(error_of([&] { load_model(scratch / "mult.pt", "", {{"config", config}}); }) == has("by their first letters"));
}

TEST_CASE("MulT in MultiBench's MMDL is loaded, and keeps its names") {
  MulT model(small());
  Scratch scratch;
  NamedTensors wrapped;
  for (const auto& [name, tensor] : own_weights(model)) wrapped.emplace_back("fuse." + name, tensor);
  save_state_dict(scratch / "mmdl.pt", wrapped);
  auto config = model.config();
  config.erase("mmdl");
  auto loaded = load_model(scratch / "mmdl.pt", "", {{"config", config}});
  std::vector<std::vector<Value>> values = {{series(4, 3)}, {series(4, 2)}};
  const auto expected = model.forward(values).logits;
  CHECK(loaded->forward(values).logits.equal(expected));
  save_model(*loaded, scratch / "again.pt");
  const auto again = load_state_dict(scratch / "again.pt");
  CHECK(again.size() == wrapped.size());
  for (const auto& [name, tensor] : wrapped) CHECK(again.contains(name));
  auto options = small();
  options.seed = 5;
  MulT other(options);
  CHECK_FALSE(other.forward(values).logits.equal(expected));
  load_weights(other, scratch / "mmdl.pt");
  CHECK(other.forward(values).logits.equal(expected));
}

TEST_CASE("its authors' MulT does not project what is as wide as it is") {
  auto options = small();
  options.inputs = {4, 2};
  std::vector<Value> text = {series(4, 4)};
  for (bool pairs : {true, false}) {
    options.self_pairs = pairs;
    MulT model(options);
    const auto leaf = model.prepare(0, text);
    CHECK(model.encode(0, leaf, nullptr).tensors[0].equal(leaf.tensor) == !pairs);
  }
}

TEST_CASE("MulT learns, and is saved and loaded with what it learned") {
  MulT model(small());
  TrainOptions training;
  training.steps = 30, training.batch = 16, training.learning_rate = 0.01;
  test::check_learns(model, std::make_shared<Tones>(), training);
}

TEST_CASE("MulT's rows do not depend on one another, and longer series are cut") {
  MulT model(small());
  std::vector<std::vector<Value>> both = {{series(2, 3), series(6, 3)}, {series(4, 2), series(1, 2)}};
  const auto whole = model.forward(both).logits;
  for (size_t b = 0; b < 2; ++b)
    CHECK(difference(model.forward(std::vector<std::vector<Value>>{{both[0][b]}, {both[1][b]}}).logits[0],
                     whole[static_cast<int64_t>(b)]) < 1e-5);
  std::vector<std::vector<Value>> cut = {{series(6, 3)}, {series(1, 2)}};
  std::get<TimeSeries>(cut[0][0]).frames = std::get<TimeSeries>(cut[0][0]).frames.slice(0, 0, 4);
  CHECK(difference(model.forward(cut).logits[0], whole[1]) < 1e-5);
}

TEST_CASE("what MulT cannot take is said") {
  MulT model(small());
  CHECK(error_of([&] { model.prepare(0, std::vector<Value>{Text{"a"}}); }) == has("'text' takes a time_series"));
  CHECK(error_of([&] { model.prepare(0, std::vector<Value>{series(2, 2)}); }) == has("channels, not [2, 2]"));
  auto options = small();
  options.width = 6;
  options.heads = 4;
  CHECK(error_of([&] { MulT{options}; }) == has("width 6 must be a multiple of 4 heads"));
  options = small();
  options.inputs = {3};
  CHECK(error_of([&] { MulT{options}; }) == has("2 modalities and 1 numbers of inputs"));
  auto config = model.config();
  config["labels"] = nlohmann::json::object();  // as scripts write an empty list
  CHECK(mult_options(config).labels.empty());
  config["frames"] = nlohmann::json::object();
  CHECK(error_of([&] { mult_options(config); }) == has("'frames' of a mult has the wrong type"));
  config.erase("frames");
  CHECK(error_of([&] { mult_options(config); }) == has("lack 'frames'"));
}
