#include "models/late_fusion.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "data/basic_dataset.h"
#include "io/safetensors.h"
#include "io/torch_file.h"
#include "models/checkpoint.h"
#include "models/load.h"
#include "tests/models/learns.h"
#include "tests/models/toy_model.h"
#include "tests/scratch.h"

using namespace multiviz;

namespace {

double difference(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().max().item<double>(); }

// Checks a model against a fixture of tests/fixtures/models/make_late_fusion.py.
void check_fixture(const std::string& path) {
  const auto file = load_safetensors(path);
  LateFusion model(late_fusion_options(nlohmann::json::parse(file.metadata.at("config"))));
  std::map<std::string, at::Tensor> weights, expected;
  for (const auto& [name, tensor] : file.tensors)
    name.starts_with("check.") ? expected[name.substr(6)] = tensor : weights[name] = tensor;
  copy_weights(all_weights(model), weights, path);
  std::vector<std::vector<Value>> values(model.signature().modalities.size());
  for (size_t m = 0; m < values.size(); ++m) {
    const at::Tensor input = expected.at(fmt::format("input{}", m));
    for (int64_t b = 0; b < input.size(0); ++b) {
      if (model.signature().modalities[m].kind == ModalityKind::tabular) {
        values[m].push_back(Table{input[b], {}});
        continue;
      }
      const auto length = expected.find(fmt::format("length{}", m));
      const int64_t frames = length == expected.end() ? input.size(1) : length->second[b].item<int64_t>();
      values[m].push_back(TimeSeries{input[b].slice(0, 0, frames), {}, {}, {}});
    }
  }
  Trace trace;
  trace.record("*");
  const Output output = model.forward(values, &trace);
  for (const std::string& tap : model.signature().taps) {
    INFO(tap);
    REQUIRE(trace.activations().contains(tap));
    if (tap.find(".layer.") != std::string::npos) continue;  // inside a transformer, which the fixture does not tell
    CHECK(difference(trace.at(tap), expected.at(tap)) < 1e-5);
  }
  CHECK(difference(output.features, expected.at("fusion.features")) < 1e-5);
  // Alone, without the others' padding, a row gives the same.
  for (int64_t b = 0; b < 3; ++b) {
    std::vector<std::vector<Value>> alone;
    for (const auto& row : values) alone.push_back({row[static_cast<size_t>(b)]});
    CHECK(difference(model.forward(alone).logits[0], output.logits[b]) < 1e-5);
  }
}

LateFusionOptions small() {
  LateFusionOptions options;
  options.modalities = test::signal_modalities();
  options.inputs = {3, 5};
  options.hidden = {4, 4};
  options.outputs = {0, 3};
  options.frames = {0, 0};
  options.features = 6;
  options.labels = {"low", "high"};
  return options;
}

// Signals whose label is the sign of their mean.
class Waves : public BasicDataset {
 public:
  Waves() : BasicDataset(test::signal_modalities(), {"low", "high"}) { name_ = fingerprint_ = "waves"; }
  int64_t size() const override { return 24; }
  Datapoint get(int64_t index) const override {
    Datapoint datapoint = test::toy_signals();
    datapoint.id = std::to_string(index);
    const bool high = index % 2 == 1;
    auto& frames = std::get<TimeSeries>(datapoint.values[0]).frames;
    frames = frames.slice(0, 0, 4 + index % 5) + (high ? 1.0 : -1.0);
    datapoint.labels = {high};
    return datapoint;
  }
};

}  // namespace

TEST_CASE("LF computes what MultiBench's layers do") {
  check_fixture("tests/fixtures/models/late_fusion_lf.safetensors");
}

TEST_CASE("LRTF computes what MultiBench's layers do, whatever the lengths") {
  check_fixture("tests/fixtures/models/late_fusion_lrtf.safetensors");
}

TEST_CASE("Maxout, LSTM and transformer encoders, and a linear head, compute what MultiBench's layers do") {
  check_fixture("tests/fixtures/models/late_fusion_maxout.safetensors");
  check_fixture("tests/fixtures/models/late_fusion_series.safetensors");
}

TEST_CASE("a transformer's last frame is a row's own") {
  auto options = small();
  options.encoders = {"transformer", "none"};
  options.hidden = {6, 1};
  options.heads = 2, options.layers = 1, options.inner = 5;
  LateFusion model(options);
  CHECK(model.signature().taps.front() == "signal.layer.1.attention");
  auto series = [](int64_t frames) {
    return Value(TimeSeries{at::sin(at::arange(3 * frames, at::kFloat)).reshape({frames, 3}), {}, {}, {}});
  };
  std::vector<Value> both = {series(3), series(7)}, first = {series(3)};
  auto together = model.encode(0, model.prepare(0, both), nullptr).tensors[0];
  auto alone = model.encode(0, model.prepare(0, first), nullptr).tensors[0];
  CHECK(difference(together[0], alone[0]) < 1e-5);
}

TEST_CASE("late fusion learns, and is saved and loaded with what it learned") {
  for (const char* fusion : {"concat", "low_rank"}) {
    auto options = small();
    options.fusion = fusion;
    options.rank = 3;
    options.fused = 8;
    LateFusion model(options);
    TrainOptions training;
    training.steps = 40, training.batch = 12, training.learning_rate = 0.02;
    test::check_learns(model, std::make_shared<Waves>(), training);
  }
}

TEST_CASE("a state dict without LRTF's factors says how they are saved") {
  auto options = small();
  options.fusion = "low_rank";
  LateFusion model(options);
  NamedTensors weights;
  for (const auto& entry : all_weights(model))
    if (!entry.first.starts_with("fuse.")) weights.push_back(entry);
  Scratch scratch;
  save_state_dict(scratch / "lrtf.pt", weights);
  const auto* expected = "add {f'fuse.factors.{i}': x.data for i, x in enumerate(model.fuse.factors)}";
  CHECK(error_of([&] { load_model(scratch / "lrtf.pt", "", {{"config", model.config()}}); }) == has(expected));
  CHECK(error_of([&] { load_weights(model, scratch / "lrtf.pt"); }) == has(expected));
}

TEST_CASE("late fusion broadcasts one row and grids pairs") {
  LateFusion model(small());
  Waves data;
  std::vector<std::vector<Value>> values(2);
  for (int64_t i = 0; i < 4; ++i)
    for (size_t m = 0; m < 2; ++m) values[m].push_back(data.get(i).values[m]);
  std::vector<Encoding> encodings;
  for (size_t m = 0; m < 2; ++m) encodings.push_back(model.encode(m, model.prepare(m, values[m]), nullptr));
  int64_t seen = 0;
  model.fuse_grid(encodings, 0, 1, [&](const GridBlock& block) {
    for (int64_t i = block.i0; i < block.i1; ++i)
      for (int64_t j = block.j0; j < block.j1; ++j, ++seen) {
        std::vector<std::vector<Value>> pair = {{values[0][static_cast<size_t>(i)]},
                                                {values[1][static_cast<size_t>(j)]}};
        const int64_t row = (i - block.i0) * (block.j1 - block.j0) + (j - block.j0);
        CHECK(difference(block.output.logits[row], model.forward(pair).logits[0]) < 1e-5);
      }
  });
  CHECK(seen == 16);
}

TEST_CASE("what late fusion cannot take is said") {
  LateFusion model(small());
  auto x = test::toy_signals();
  CHECK(error_of([&] { model.prepare(0, std::vector<Value>{x.values[1]}); }) ==
        has("'signal' takes a time_series, and was given tabular"));
  CHECK(error_of([&] {
          model.prepare(0, std::vector<Value>{TimeSeries{at::zeros({2, 4}), {}, {}, {}}});
        }) == has("channels, not [2, 4]"));
  CHECK(error_of([&] {
          model.prepare(1, std::vector<Value>{Table{at::zeros({4}), {}}});
        }) == has("'record' takes 5 columns, not [4]"));
  auto options = small();
  options.frames[0] = 7;
  CHECK(error_of([&] { LateFusion(options).prepare(0, std::vector<Value>{x.values[0]}); }) ==
        has("'signal' takes 7 frames, not 8"));
  options = small();
  options.modalities[0].kind = ModalityKind::image;
  CHECK(error_of([&] { LateFusion{options}; }) == has("takes time series and tables, and 'signal' is an image"));
  options = small();
  options.hidden = {4};
  CHECK(error_of([&] { LateFusion{options}; }) == has("give inputs, hidden, outputs and frames for each"));
  options = small();
  options.encoders = {"gru", "lstm"};
  CHECK(error_of([&] { LateFusion{options}; }) == has("'record' cannot be encoded by lstm: use mlp, maxout, none"));
  options = small();
  options.encoders = {"transformer", "mlp"};
  CHECK(error_of([&] { LateFusion{options}; }) == has("a multiple of the 5 heads"));
  options = small();
  options.encoders = {"lstm", "mlp"};
  options.frames = {3, 0};
  CHECK(error_of([&] { LateFusion{options}; }) == has("frames is a setting of gru and transformer, not of lstm"));
  options = small();
  options.fusion = "tensor";
  CHECK(error_of([&] { LateFusion{options}; }) == has("fusion cannot be 'tensor'"));
  auto config = model.config();
  config.erase("rank");
  CHECK(error_of([&] { late_fusion_options(config); }) == has("lack 'rank'"));
  config = model.config();
  config["rnk"] = 3;
  CHECK(error_of([&] { late_fusion_options(config); }) == has("no setting 'rnk'; did you mean 'rank'?"));
}
