#include "data/resize_images.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "core/error.h"
#include "tests/scratch.h"

using namespace multiviz;

TEST_CASE("images are resized, and the regions of the first follow") {
  const at::Tensor pixels = at::arange(4 * 6 * 3).reshape({4, 6, 3}).to(at::kByte);
  at::Tensor mask = at::zeros({4, 6}, at::kBool);
  mask.slice(0, 0, 2).slice(1, 3, 6).fill_(true);
  Datapoint x;
  x.values = {Text{"two pictures"}, Image{pixels}, Image{at::full({2, 2, 3}, 7, at::kByte)}};
  x.regions = {{"corner", {3, 0, 6, 2}, mask}, {"whole", {0, 0, 6, 4}, {}}};
  const Datapoint y = resize_images(x, 2, 12);
  CHECK(std::get<Text>(y.values[0]).string == "two pictures");
  CHECK(std::get<Image>(y.values[1]).pixels.sizes() == at::IntArrayRef{2, 12, 3});
  CHECK(std::get<Image>(y.values[2]).pixels.equal(at::full({2, 12, 3}, 7, at::kByte)));
  const Box& box = y.regions[0].box;
  CHECK(box.x0 == 6);
  CHECK(box.y0 == 0);
  CHECK(box.x1 == 12);
  CHECK(box.y1 == 1);
  at::Tensor corner = at::zeros({2, 12}, at::kBool);
  corner.slice(0, 0, 1).slice(1, 6, 12).fill_(true);
  CHECK(y.regions[0].mask.equal(corner));
  CHECK(!y.regions[1].mask.defined());
  CHECK(std::get<Image>(x.values[1]).pixels.equal(pixels));
  CHECK(error_of([&] { resize_images(x, 0, 4); }) == has("cannot be resized to 4 x 0 pixels"));
}
