#include "unimodal/integrated_gradients.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>

#include "core/error.h"
#include "tests/models/toy_model.h"

using namespace multiviz;
using namespace multiviz::test;

namespace {

at::Tensor tensor_of(const nlohmann::json& nested) {
  if (!nested.is_array()) return at::scalar_tensor(nested.get<double>(), at::kDouble);
  std::vector<at::Tensor> parts;
  for (const auto& one : nested) parts.push_back(tensor_of(one));
  return at::stack(parts);
}

nlohmann::json fixture() {
  std::ifstream file("tests/fixtures/unimodal/integrated_gradients.json");
  REQUIRE(file.good());
  return nlohmann::json::parse(file);
}

// The model of tests/fixtures/unimodal/make_integrated_gradients.py; the words of its text are "1", "2", "3".
class FixtureModel : public Model {
 public:
  explicit FixtureModel(const nlohmann::json& made)
      : image_(tensor_of(made["weights"]["image"])),
        text_(tensor_of(made["weights"]["text"])),
        head_(tensor_of(made["weights"]["head"])),
        embeddings_(tensor_of(made["embeddings"])) {
    signature_.name = "fixture";
    signature_.modalities = {{"image", ModalityKind::image}, {"text", ModalityKind::text}};
    signature_.labels = {"a", "b", "c"};
    signature_.features = 10;
  }
  const Signature& signature() const override { return signature_; }
  Leaf prepare(size_t modality, std::span<const Value> values) const override {
    Leaf leaf;
    std::vector<at::Tensor> rows;
    for (const auto& value : values) {
      if (modality == 0) {
        rows.push_back(std::get<Image>(value).pixels.permute({2, 0, 1}).to(at::kDouble).div(255));
        leaf.areas.push_back({0, 0, 5, 4});
      } else {
        rows.push_back(embeddings_);
      }
    }
    leaf.tensor = at::stack(rows);
    if (modality == 1) leaf.atoms = at::arange(3).expand({std::ssize(values), 3});
    return leaf;
  }
  Encoding encode(size_t modality, const Leaf& leaf, Trace*) const override {
    if (modality == 0) return {{at::tanh(leaf.tensor.flatten(1).matmul(image_))}};
    return {{at::tanh(leaf.tensor.matmul(text_).mean(1))}};
  }
  Output fuse(std::span<const Encoding> encodings, Trace*) const override {
    const auto &a = encodings[0].tensors[0], &b = encodings[1].tensors[0];
    auto features = at::cat({a + b, a * b}, 1);
    return {features.matmul(head_), features};
  }
  void to(at::Device) override {}
  at::Device device() const override { return at::kCPU; }

 private:
  at::Tensor image_, text_, head_, embeddings_;
  Signature signature_;
};

}  // namespace

// captum rounds the weights of its steps to float32: hence 1e-7 on values of about 0.5.
TEST_CASE("integrated gradients are captum's") {
  auto made = fixture();
  FixtureModel model(made);
  Datapoint datapoint;
  datapoint.values = {Image{tensor_of(made["pixels"]).to(at::kByte)}, Text{"1 2 3"}};
  for (const auto& wanted : made["cases"]) {
    IntegratedGradientsOptions options;
    options.rule = wanted["rule"];
    options.steps = wanted["steps"];
    options.batch = 8;
    options.players.grid = 20;  // one cell a pixel
    bool alone = wanted.contains("baseline");
    if (alone) {
      options.modalities = {"image"};
      options.baselines["image"] = {Baseline::Kind::given, Image{tensor_of(wanted["baseline"]).to(at::kByte)}};
    }
    Target target = Target::logit(alone ? 2 : 1);
    auto result = integrated_gradients(model, datapoint, {&target, 1}, options);
    REQUIRE(result.attributions.size() == (alone ? 1 : 2));
    auto pixels = tensor_of(wanted["image"]).sum(0);
    CHECK(at::allclose(result.attributions[0].weights.reshape({4, 5}), pixels, 0, 1e-7));
    CHECK(at::allclose(result.attributions[0].heatmap, pixels.to(at::kFloat), 0, 1e-6));
    if (!alone) CHECK(at::allclose(result.attributions[1].weights, tensor_of(wanted["text"]).sum(1), 0, 1e-7));
    CHECK(result.cost.fuses == options.steps + 2);
  }
}

TEST_CASE("Gauss-Legendre nodes integrate polynomials exactly, to degree 2n - 1") {
  for (int64_t n : {1, 2, 5, 50}) {
    auto rule = gauss_legendre(n);
    for (int64_t degree = 0; degree < 2 * n; ++degree) {
      double total = 0;
      for (size_t i = 0; i < rule.nodes.size(); ++i)
        total += rule.weights[i] * std::pow(rule.nodes[i], static_cast<double>(degree));
      CHECK(total == doctest::Approx(1 / (static_cast<double>(degree) + 1)).epsilon(1e-12));
    }
  }
}

TEST_CASE("attributions add up to the change of the target, whatever the baseline and the players") {
  ToyOptions toy;
  toy.dtype = at::kDouble;
  ToyModel model({{"image", ModalityKind::image}, {"question", ModalityKind::text}}, toy);
  auto datapoint = toy_datapoint();
  std::vector<Target> targets = {Target::logit(1), Target::probability(0), Target::feature(7)};
  for (auto kind : {Baseline::Kind::zero, Baseline::Kind::mean, Baseline::Kind::blur}) {
    IntegratedGradientsOptions options;
    options.baselines["image"].kind = kind;
    options.blur = 3;
    auto result = integrated_gradients(model, datapoint, targets, options);
    REQUIRE(result.attributions.size() == 6);
    for (size_t k = 0; k < 3; ++k) {
      double change = result.fit["change"][k];
      double sum = result.attributions[2 * k].weights.sum().item<double>() +
                   result.attributions[2 * k + 1].weights.sum().item<double>();
      CHECK(std::abs(result.fit["completeness_gap"][k].get<double>()) < 1e-6);
      CHECK(std::abs(result.fit["unassigned"][k].get<double>()) < 1e-12);
      CHECK(sum == doctest::Approx(change).epsilon(1e-5));
    }
  }
}

TEST_CASE("batches do not change integrated gradients") {
  ToyModel model;
  auto datapoint = toy_datapoint();
  Target target = Target::logit(0);
  IntegratedGradientsOptions one, all;
  one.batch = 1;
  all.batch = 50;
  auto a = integrated_gradients(model, datapoint, {&target, 1}, one);
  auto b = integrated_gradients(model, datapoint, {&target, 1}, all);
  CHECK(at::allclose(a.attributions[0].weights, b.attributions[0].weights, 1e-4, 1e-7));
}

TEST_CASE("integrated gradients refuse what they cannot do") {
  ToyModel model;
  auto datapoint = toy_datapoint();
  Target target = Target::logit(0);
  auto run = [&](const IntegratedGradientsOptions& options) {
    return integrated_gradients(model, datapoint, {&target, 1}, options);
  };
  IntegratedGradientsOptions steps, rule, blur, given, name;
  steps.steps = 0;
  CHECK_THROWS_WITH_AS(run(steps), doctest::Contains("steps = 0"), Error);
  rule.rule = "gauss_legender";
  CHECK_THROWS_WITH_AS(run(rule), doctest::Contains("did you mean 'gauss_legendre'?"), Error);
  blur.baselines["question"].kind = Baseline::Kind::blur;
  CHECK_THROWS_WITH_AS(run(blur), doctest::Contains("no image to blur"), Error);
  given.baselines["question"] = {Baseline::Kind::given, Text{"what?"}};
  CHECK_THROWS_WITH_AS(run(given), doctest::Contains("same length"), Error);
  name.baselines["imgae"] = {};
  CHECK_THROWS_WITH_AS(run(name), doctest::Contains("did you mean 'image'?"), Error);

  ToyModel signals(signal_modalities());
  IntegratedGradientsOptions mean;
  mean.baselines["record"].kind = Baseline::Kind::mean;
  CHECK_THROWS_WITH_AS(integrated_gradients(signals, toy_signals(), {&target, 1}, mean),
                       doctest::Contains("is no baseline"), Error);
}
