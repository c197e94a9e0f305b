#include "models/train.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <limits>

#include "core/cancel.h"
#include "core/error.h"
#include "models/score.h"
#include "tests/models/tiles.h"
#include "tests/scratch.h"

namespace multiviz {
namespace {

using test::Tiles;
using test::tiny_options;

TrainOptions short_run() {
  TrainOptions options;
  options.steps = 12, options.batch = 8, options.learning_rate = 0.01;
  options.validation = std::make_shared<Tiles>(20, 9);
  options.validate_every = 5, options.checkpoint_every = 4;
  return options;
}

double largest_difference(const Model& a, const Model& b) {
  auto left = a.parameters(), right = b.parameters();
  double most = 0;
  for (size_t i = 0; i < left.size(); ++i)
    most = std::max(most, (left[i].second - right[i].second).abs().max().item<double>());
  return most;
}

TEST_CASE("training learns questions that need both modalities") {
  CnnLstmSa model(tiny_options());
  TrainOptions options;
  options.steps = 250, options.batch = 32, options.learning_rate = 0.01;
  auto result = train(model, std::make_shared<Tiles>(64), options);
  CHECK(result.steps == 250);
  CHECK(score(model, Tiles(64), 16).accuracy > 0.95);
  CHECK(score(model, Tiles(100, 77), 16).accuracy > 0.8);
  for (const auto& [name, tensor] : model.parameters()) CHECK_FALSE(tensor.requires_grad());
}

TEST_CASE("only the parameters that are named are trained") {
  CnnLstmSa model(tiny_options()), before(tiny_options());
  auto options = short_run();
  const auto last = model.parameters().back().first;
  options.only = {last};
  train(model, std::make_shared<Tiles>(40), options);
  auto left = before.parameters(), right = model.parameters();
  for (size_t i = 0; i < left.size(); ++i) {
    CAPTURE(left[i].first);
    CHECK(at::equal(left[i].second, right[i].second) == (left[i].first != last));
  }
  options.only = {"clasifier.*"};
  CHECK(error_of([&] { train(model, std::make_shared<Tiles>(40), options); }) == has("has no parameter 'clasifier.*'"));
}

TEST_CASE("a run that was stopped and resumed gives the weights of one that was not") {
  auto data = std::make_shared<Tiles>(40);
  CnnLstmSa whole(tiny_options()), parts(tiny_options());
  auto options = short_run();
  train(whole, data, options);

  Scratch folder;
  options.checkpoint = folder / "resume.safetensors";
  options.report_every = 1;
  options.report = [](const TrainStatus& status) {
    if (status.step == 7) request_cancel();
  };
  CHECK_THROWS_AS(train(parts, data, options), Cancelled);
  clear_cancel();
  CnnLstmSa resumed(tiny_options(/*seed=*/99));
  options.report = {};
  auto result = train(resumed, data, options);
  CHECK(result.history.front().step == 8);
  CHECK(largest_difference(whole, resumed) == 0);
}

TEST_CASE("a checkpoint of another run is refused") {
  auto options = short_run();
  Scratch folder;
  options.checkpoint = folder / "other.safetensors";
  CnnLstmSa model(tiny_options());
  train(model, std::make_shared<Tiles>(40), options);
  options.learning_rate = 0.02;
  auto message = error_of([&] { train(model, std::make_shared<Tiles>(40), options); });
  CHECK(message == has("another model, data or options"));
}

TEST_CASE("the best weights of the validation are the result") {
  auto options = short_run();
  options.validate_every = 1;
  CnnLstmSa model(tiny_options());
  auto result = train(model, std::make_shared<Tiles>(40), options);
  double best = 0;
  for (const auto& status : result.history) best = std::max(best, status.validation_accuracy);
  CHECK(result.best_accuracy == best);
  CHECK(score(model, *options.validation, options.batch).accuracy == doctest::Approx(best));
}

TEST_CASE("what training cannot work with is an error that says so") {
  CnnLstmSa model(tiny_options());
  auto data = std::make_shared<Tiles>(40);
  auto options = short_run();
  options.batch = 0;
  CHECK(error_of([&] { train(model, data, options); }) == has("batch is 0"));

  auto fewer = tiny_options();
  fewer.labels = {"red", "green"};
  CnnLstmSa narrow(fewer);
  CHECK(error_of([&] { train(narrow, data, short_run()); }) == has("give the model the labels"));

  model.parameters().front().second.fill_(std::numeric_limits<float>::quiet_NaN());
  auto message = error_of([&] { train(model, data, short_run()); });
  CHECK(message == has("not finite at step 1"));
}

}  // namespace
}  // namespace multiviz
