#include "models/guide.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <cmath>

#include "core/error.h"
#include "models/score.h"
#include "models/train.h"
#include "tests/models/tiles.h"

namespace multiviz {
namespace {

using test::Tiles;
using test::tiny_options;

// Tiles whose square is a region that every question refers to.
class Regions : public Tiles {
 public:
  using Tiles::Tiles;
  Datapoint get(int64_t index) const override {
    auto out = Tiles::get(index);
    auto mask = std::get<Image>(out.values[0]).pixels.amax(2).gt(0);
    auto where = mask.nonzero();
    auto low = where.amin(0), high = where.amax(0);
    Box box{low[1].item<double>(), low[0].item<double>(), high[1].item<double>() + 1, high[0].item<double>() + 1};
    auto color = labels()[static_cast<size_t>(Tiles::get(index - index % 2).labels[0])];
    out.regions = {{color + " square", box, mask, true}};
    return out;
  }
};

TEST_CASE("the guide's loss is the cross entropy from the referred cells to the mean map") {
  Datapoint datapoint;
  datapoint.values = {Image{at::zeros({4, 4, 3}, at::kByte)}};
  datapoint.regions = {{"a", {0, 0, 2, 2}, {}, true}, {"b", {2, 2, 4, 4}, {}, true}, {"c", {2, 0, 4, 2}, {}, false}};
  Trace trace;
  trace.record("*");
  // Two maps of 2 x 2 cells whose mean is [0.4, 0.1, 0.2, 0.3]; t is [0.5, 0, 0, 0.5].
  tap(&trace, "one", at::tensor({0.7, 0.1, 0.1, 0.1}).view({1, 2, 2}));
  tap(&trace, "two", at::tensor({0.1, 0.1, 0.3, 0.5}).view({1, 1, 2, 2}));
  std::vector<Datapoint> batch = {datapoint};
  auto value = guide_loss(trace, {{"one", "two"}, 1}, batch);
  CHECK(value.item<double>() == doctest::Approx(-0.5 * std::log(0.4) - 0.5 * std::log(0.3)));

  datapoint.regions.clear();
  std::vector<Datapoint> none = {datapoint};
  CHECK_FALSE(guide_loss(trace, {{"one", "two"}, 1}, none).defined());
}

TEST_CASE("guided training looks at the referred region and learns the task") {
  CnnLstmSa model(tiny_options());
  auto data = std::make_shared<Regions>(64);
  TrainOptions options;
  options.steps = 200, options.batch = 32, options.learning_rate = 0.01;
  options.guide = {{"fusion.attention1", "fusion.attention2"}, 1};
  options.describe = {"image.features", 1};
  train(model, data, options);
  CHECK(score(model, *data, 32).accuracy > 0.9);
  Trace trace;
  trace.record("fusion.attention1");
  auto datapoint = data->get(0);
  model.forward(datapoint, &trace);
  auto map = trace.at("fusion.attention1").mean(1).squeeze(0);  // [6, 8], cells of 4 pixels
  const auto& box = datapoint.regions[0].box;
  auto inside = map.slice(0, static_cast<int64_t>(box.y0) / 4, (static_cast<int64_t>(box.y1) + 3) / 4)
                    .slice(1, static_cast<int64_t>(box.x0) / 4, (static_cast<int64_t>(box.x1) + 3) / 4);
  CHECK(inside.sum().item<double>() > 0.7);
}

TEST_CASE("a guide without its taps, and region names that are not there, are errors") {
  CnnLstmSa model(tiny_options());
  TrainOptions options;
  options.steps = 1;
  options.guide = {{"fusion.atention1"}, 1};
  CHECK_THROWS_WITH_AS(train(model, std::make_shared<Tiles>(8), options),
                       "tiny has no tap 'fusion.atention1'; did you mean 'fusion.attention1'?", Error);
  options.guide = {};
  options.describe = {"image.features", 1};
  CHECK_THROWS_WITH_AS(train(model, std::make_shared<Tiles>(8), options),
                       "tiles names no regions to describe: train without describe", Error);
}

}  // namespace
}  // namespace multiviz
