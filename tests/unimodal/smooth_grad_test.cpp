#include "unimodal/smooth_grad.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "core/error.h"
#include "tests/models/toy_model.h"
#include "unimodal/gradient.h"

using namespace multiviz;
using namespace multiviz::test;

TEST_CASE("SmoothGrad without noise is the gradient") {
  ToyModel model;
  auto datapoint = toy_datapoint();
  std::vector<Target> targets = {Target::logit(0), Target::feature(9)};
  SmoothGradOptions options;
  options.noise = 0;
  options.samples = 3;
  auto smooth = smooth_grad(model, datapoint, targets, options);
  auto plain = gradient(model, datapoint, targets);
  REQUIRE(smooth.attributions.size() == 4);
  for (size_t i = 0; i < 4; ++i)
    CHECK(at::allclose(smooth.attributions[i].weights, plain.attributions[i].weights, 1e-4, 1e-7));
}

TEST_CASE("SmoothGrad depends on the seed, not on the batch, and comes near its limit") {
  ToyModel model;
  auto datapoint = toy_datapoint();
  Target target = Target::logit(0);
  SmoothGradOptions options;
  options.modalities = {"question"};
  options.samples = 400;
  options.batch = 7;
  options.seed = 1;
  auto run = [&] { return smooth_grad(model, datapoint, {&target, 1}, options).attributions[0].weights; };
  auto first = run();
  options.batch = 400;
  CHECK(at::allclose(run(), first, 1e-4, 1e-7));
  options.seed = 2;
  auto other = run();
  CHECK(!at::equal(other, first));
  // Two independent means of 400 samples.
  CHECK(at::allclose(other, first, 0.2, 1e-3));
}

TEST_CASE("SmoothGrad refuses settings without a meaning") {
  ToyModel model;
  auto datapoint = toy_datapoint();
  Target target = Target::logit(0);
  SmoothGradOptions samples, noise;
  samples.samples = 0;
  noise.noise = -1;
  CHECK_THROWS_WITH_AS(smooth_grad(model, datapoint, {&target, 1}, samples), doctest::Contains("samples = 0"), Error);
  CHECK_THROWS_WITH_AS(smooth_grad(model, datapoint, {&target, 1}, noise), doctest::Contains("noise = -1"), Error);
}
