#include "crossmodal/second_order_gradient.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>

#include "core/error.h"
#include "tests/models/finite_differences.h"
#include "tests/models/toy_model.h"

using namespace multiviz;
using namespace multiviz::test;

namespace {

const std::vector<Modality> seen = {{"image", ModalityKind::image}, {"question", ModalityKind::text}};

ToyOptions in_double() {
  ToyOptions options;
  options.dtype = at::kDouble;
  return options;
}

// d target / d leaf of modality `from`, at these leaves.
at::Tensor gradient_at(const Model& model, std::vector<Leaf> leaves, const Target& target, size_t from) {
  at::AutoGradMode mode(true);
  leaves[from].tensor = leaves[from].tensor.detach().set_requires_grad(true);
  auto value = evaluate({&target, 1}, model.signature(), model.forward(leaves), nullptr);
  return torch::autograd::grad({value.sum()}, {leaves[from].tensor})[0].detach();
}

Datapoint small_datapoint() {
  auto datapoint = toy_datapoint();
  auto& pixels = std::get<Image>(datapoint.values[0]).pixels;
  pixels = pixels.slice(0, 8, 16).slice(1, 12, 20).contiguous();  // 8 x 8, across the four colours
  datapoint.regions = {{"corner", {4, 4, 8, 8}, {}, false}};
  return datapoint;
}

}  // namespace

TEST_CASE("words to image: finite differences of the gradient at the words") {
  ToyModel model(seen, in_double());
  auto datapoint = small_datapoint();
  for (const std::string through : {"abs", "abs_dot"}) {
    for (auto target : {Target::logit(1), Target::feature(8), Target::probability(0)}) {
      auto leaves = leaves_of(model, datapoint);
      auto embeddings = leaves[1].tensor.clone();
      // "small" and "cube" are positions 4 and 5 of "what colour is the small cube?".
      auto s = [&] {
        auto chosen = gradient_at(model, leaves, target, 1).slice(1, 4, 6);
        if (through == "abs") return chosen.abs().sum().item<double>();
        return (chosen * embeddings.slice(1, 4, 6)).sum(2).abs().sum().item<double>();
      };
      auto expected = differences(leaves[0].tensor, s)[0].abs().amax(0);
      SecondOrderOptions options;
      options.words = {"Small", int64_t{5}};
      options.through = through;
      auto result = second_order_gradient(model, datapoint, {&target, 1}, options);
      REQUIRE(result.attributions.size() == 1);
      const auto& attribution = result.attributions[0];
      CHECK(attribution.given == "small, cube");
      CHECK(expected.max().item<double>() > 1e-5);
      CHECK(at::allclose(attribution.heatmap.to(at::kDouble), expected, 1e-3, 1e-7));
      CHECK(attribution.players.names == std::vector<std::string>{"corner", "background"});
      CHECK(attribution.weights[0].item<double>() ==
            doctest::Approx(expected.slice(0, 4).slice(1, 4).mean().item<double>()).epsilon(1e-3));
      CHECK(result.cost.fuses == 1);
    }
  }
}

TEST_CASE("image region to words: finite differences of the gradient in the region") {
  ToyModel model(seen, in_double());
  auto datapoint = small_datapoint();
  Target target = Target::logit(0);
  auto leaves = leaves_of(model, datapoint);
  auto s = [&] {
    return gradient_at(model, leaves, target, 0).slice(2, 4, 8).slice(3, 4, 8).abs().sum().item<double>();
  };
  auto expected = differences(leaves[1].tensor, s)[0].norm(2, 1);
  SecondOrderOptions options;
  options.region = Box{4, 4, 8, 8};
  auto result = second_order_gradient(model, datapoint, {&target, 1}, options);
  CHECK(result.attributions[0].given == "corner");
  CHECK(result.attributions[0].players.names[1] == "colour");
  CHECK(at::allclose(result.attributions[0].weights, expected, 1e-3, 1e-8));
  // The same pixels as a player of the image.
  SecondOrderOptions atoms;
  atoms.from = "image";
  atoms.atoms = {0};
  auto same = second_order_gradient(model, datapoint, {&target, 1}, atoms);
  CHECK(at::equal(same.attributions[0].weights, result.attributions[0].weights));
}

TEST_CASE("frames to columns and back") {
  ToyModel model(signal_modalities(), in_double());
  auto datapoint = toy_signals();
  Target target = Target::logit(0);
  auto leaves = leaves_of(model, datapoint);
  auto s = [&] { return gradient_at(model, leaves, target, 0).slice(1, 2, 3).abs().sum().item<double>(); };
  SecondOrderOptions options;
  options.from = "signal";
  options.atoms = {2};
  auto result = second_order_gradient(model, datapoint, {&target, 1}, options);
  CHECK(result.attributions[0].given == "frame 3");
  CHECK(at::allclose(result.attributions[0].weights, differences(leaves[1].tensor, s)[0], 1e-3, 1e-8));
  options.players.parts = "channels";
  auto back = [&] { return gradient_at(model, leaves, target, 0).select(2, 2).abs().sum().item<double>(); };
  result = second_order_gradient(model, datapoint, {&target, 1}, options);
  CHECK(result.attributions[0].given == "z");
  CHECK(at::allclose(result.attributions[0].weights, differences(leaves[1].tensor, back)[0], 1e-3, 1e-8));
}

TEST_CASE("mixed partial derivatives are symmetric") {
  // |d2 f / d frame d column| does not depend on the order when s has one entry: a column, and a frame's one channel.
  ToyModel model({{"signal", ModalityKind::time_series}, {"record", ModalityKind::tabular}}, in_double());
  auto datapoint = toy_signals();
  auto& series = std::get<TimeSeries>(datapoint.values[0]);
  series = TimeSeries{series.frames.slice(1, 0, 1).contiguous(), {}, {}, {}};
  Target target = Target::logit(2);
  for (int64_t frame : {0, 5})
    for (int64_t column : {1, 4}) {
      SecondOrderOptions there, back;
      there.from = "signal";
      there.atoms = {frame};
      back.from = "record";
      back.atoms = {column};
      auto a = second_order_gradient(model, datapoint, {&target, 1}, there).attributions[0].weights[column];
      auto b = second_order_gradient(model, datapoint, {&target, 1}, back).attributions[0].weights[frame];
      CHECK(std::abs(a.item<double>()) == doctest::Approx(std::abs(b.item<double>())).epsilon(1e-9));
      CHECK(std::abs(a.item<double>()) > 0);
    }
}

TEST_CASE("an additive model has second-order gradients of exactly zero") {
  ToyOptions additive;
  additive.multiplicative = 0;
  ToyModel model(seen, additive);
  std::vector<Target> targets = {Target::logit(0), Target::feature(2)};
  SecondOrderOptions options;
  options.words = {"cube"};
  auto result = second_order_gradient(model, toy_datapoint(), targets, options);
  for (const auto& attribution : result.attributions) {
    CHECK(attribution.weights.abs().max().item<double>() == 0);
    CHECK(attribution.heatmap.abs().max().item<double>() == 0);
  }
  // A target that the words do not reach at all.
  Target image = Target::unit("image.encoded", {0});
  CHECK(second_order_gradient(model, toy_datapoint(), {&image, 1}, options).attributions[0].weights.sum().item<double>() ==
        0);
}

TEST_CASE("words are found in any case, as phrases, and by position") {
  Text text{"Is the red cube left of the Red sphere?"};
  auto find = [&](std::vector<WordChoice> choices) { return find_words(text, choices); };
  CHECK(find({"red"}) == std::vector<int64_t>{2, 7});
  CHECK(find({"RED cube"}) == std::vector<int64_t>{2, 3});
  CHECK(find({int64_t{9}, "is"}) == std::vector<int64_t>{0, 9});
  CHECK_THROWS_WITH_AS(find({"blue"}), "there is no 'blue' in the text: its words are Is, the, red, cube, left, of, the, "
                                       "Red, sphere, ?", Error);
  CHECK_THROWS_WITH_AS(find({""}), doctest::Contains("there is no ''"), Error);
  CHECK_THROWS_WITH_AS(find({int64_t{10}}), doctest::Contains("word 11 is out of range: the text has 10"), Error);
}

TEST_CASE("second-order gradients say what is wrong") {
  ToyModel model;
  auto datapoint = toy_datapoint();
  Target target = Target::logit(0);
  auto run = [&](const SecondOrderOptions& options) {
    return second_order_gradient(model, datapoint, {&target, 1}, options);
  };
  SecondOrderOptions none, both, through, outside, to, of, range;
  CHECK_THROWS_WITH_AS(run(none), doctest::Contains("exactly one of words, region and atoms"), Error);
  both.words = {"cube"};
  both.region = Box{0, 0, 4, 4};
  CHECK_THROWS_WITH_AS(run(both), doctest::Contains("not several"), Error);
  through.words = {"cube"};
  through.through = "abs_dto";
  CHECK_THROWS_WITH_AS(run(through), doctest::Contains("did you mean 'abs_dot'?"), Error);
  outside.region = Box{100, 100, 120, 120};
  CHECK_THROWS_WITH_AS(run(outside), doctest::Contains("holds no pixel"), Error);
  to.words = {"cube"};
  to.to = {"question"};
  CHECK_THROWS_WITH_AS(run(to), doctest::Contains("look in another modality"), Error);
  of.words = {"cube"};
  of.from = "image";
  CHECK_THROWS_WITH_AS(run(of), doctest::Contains("'image' is no text"), Error);
  range.from = "question";
  range.atoms = {7};
  CHECK_THROWS_WITH_AS(run(range), doctest::Contains("atom 8 is out of range: 'question' has 7"), Error);
  ToyOptions opaque;
  opaque.differentiable = false;
  CHECK_THROWS_WITH_AS(second_order_gradient(ToyModel(seen, opaque), datapoint, {&target, 1}, through),
                       doctest::Contains("declared not differentiable"), Error);
}

TEST_CASE("players of a time series or a table are asked about by name") {
  ToyModel model(signal_modalities(), in_double());
  auto datapoint = toy_signals();
  std::get<TimeSeries>(datapoint.values[0]).frame_names = {"0.1 s a", "0.2 s film", "0.3 s", "0.4 s",
                                                           "0.5 s film", "0.6 s", "0.7 s", "0.8 s"};
  auto target = Target::logit(0);
  auto weights = [&](SecondOrderOptions options) {
    auto result = second_order_gradient(model, datapoint, {&target, 1}, options);
    return std::pair{result.attributions[0].given, result.attributions[0].weights};
  };
  SecondOrderOptions named, numbered;
  named.from = numbered.from = "signal";
  named.words = {"Film", int64_t{2}};
  numbered.atoms = {1, 2, 4};
  CHECK(weights(named).first == "0.2 s film, 0.3 s, 0.5 s film");
  CHECK(weights(named).second.equal(weights(numbered).second));
  named.words = {"plane"};
  named.players.parts = numbered.players.parts = "groups";
  numbered.atoms = {0};
  CHECK(weights(named).second.equal(weights(numbered).second));
  named.from = "record";
  named.words = {"pulse"};
  CHECK(weights(named).first == "pulse");
  named.words = {"puls"};
  CHECK_THROWS_WITH_AS(weights(named), "'record' has no 'puls'; did you mean 'pulse'?", Error);
}
