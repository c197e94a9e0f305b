#include "unimodal/leaf_players.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "core/error.h"

using namespace multiviz;

namespace {

const Modality picture = {"image", ModalityKind::image};

Datapoint image_of(int64_t height, int64_t width) {
  Datapoint datapoint;
  datapoint.values = {Image{at::zeros({height, width, 3}, at::kByte)}};
  return datapoint;
}

Leaf image_leaf(int64_t h, int64_t w, Box area) { return {at::zeros({1, 3, h, w}), {}, {}, {area}}; }

}  // namespace

TEST_CASE("grid cells cover the image, whatever its size") {
  PlayerOptions options;
  options.grid = 3;
  auto datapoint = image_of(5, 7);
  auto players = leaf_players(picture, datapoint, datapoint.values[0], true, options);
  CHECK(players.size() == 9);
  CHECK(players.names[5] == "row 2, column 3");
  CHECK(players.segments.min().item<int64_t>() == 0);
  CHECK(players.segments[4][6].item<int64_t>() == 8);
  auto tiny = image_of(2, 1);
  CHECK(leaf_players(picture, tiny, tiny.values[0], true, options).size() == 2);
  options.grid = 0;
  CHECK_THROWS_WITH_AS(leaf_players(picture, datapoint, datapoint.values[0], true, options),
                       doctest::Contains("grid = 0"), Error);
}

TEST_CASE("a pixel of several regions belongs to the smallest, masks win over boxes, the rest is background") {
  auto datapoint = image_of(4, 6);
  auto mask = at::zeros({4, 6}, at::kBool);
  mask[3][5] = true;
  datapoint.regions = {
      {"small", {1, 1, 2, 2}, {}, false}, {"large", {0, 0, 3, 4}, {}, false}, {"", {0, 0, 6, 4}, mask, false}};
  auto players = leaf_players(picture, datapoint, datapoint.values[0], true, {});
  CHECK(players.names == std::vector<std::string>{"small", "large", "region 3", "background"});
  CHECK(players.segments[1][1].item<int64_t>() == 0);
  CHECK(players.segments[0][0].item<int64_t>() == 1);
  CHECK(players.segments[3][5].item<int64_t>() == 2);
  CHECK(players.segments[0][5].item<int64_t>() == 3);
  CHECK(leaf_players(picture, datapoint, datapoint.values[0], false, {}).size() == 4 * 6);
}

TEST_CASE("heatmaps and weights go back to the pixels that the leaf shows") {
  // A leaf of 2 x 2 over the right half of an image of 4 x 8.
  auto datapoint = image_of(4, 8);
  PlayerOptions options;
  options.grid = 2;
  auto leaf = image_leaf(2, 2, {4, 0, 8, 4});
  auto scores = at::zeros({3, 2, 2}, at::kDouble);
  scores[1][0][0] = 2;
  scores[2][1][1] = -3;
  auto players = leaf_players(picture, datapoint, datapoint.values[0], true, options);
  auto saliency = gather_players(players, leaf, scores, options, Gather::saliency);
  CHECK(saliency.heatmap.sizes() == at::IntArrayRef({4, 8}));
  CHECK(saliency.heatmap.slice(1, 0, 4).abs().max().item<float>() == 0);
  CHECK(saliency.heatmap[0][4].item<float>() == 2);
  CHECK(saliency.heatmap[3][7].item<float>() == 3);
  CHECK(saliency.weights[3].item<double>() ==
        doctest::Approx(saliency.heatmap.slice(0, 2).slice(1, 4).mean().item<double>()));
  // Every cell of the right half holds two of the leaf's pixels' centres.
  auto contribution = gather_players(players, leaf, scores, options, Gather::contribution);
  CHECK(at::equal(contribution.weights, at::tensor({0.0, 2.0, 0.0, -3.0}, at::kDouble)));
}

TEST_CASE("contributions outside the players are counted") {
  // A square leaf that pads an image of 2 x 4 above and below.
  auto datapoint = image_of(2, 4);
  PlayerOptions options;
  options.grid = 1;
  double outside = 0;
  auto players = leaf_players(picture, datapoint, datapoint.values[0], true, options);
  auto image = gather_players(players, image_leaf(4, 4, {0, -1, 4, 3}), at::ones({3, 4, 4}), options,
                              Gather::contribution, &outside);
  CHECK(image.weights[0].item<double>() == 3 * 8);
  CHECK(outside == 3 * 8);

  Datapoint said;
  said.values = {Text{"small cube"}};
  Modality text = {"text", ModalityKind::text};
  // [CLS] small cu ##be [SEP]
  Leaf leaf{at::zeros({1, 5, 2}), {}, at::tensor({-1, 0, 1, 1, -1}, at::kLong).unsqueeze(0), {}};
  auto scores = at::arange(5, at::kDouble).unsqueeze(1).expand({5, 2});
  auto words = gather_players(leaf_players(text, said, said.values[0], false, {}), leaf, scores, {},
                              Gather::contribution, &outside);
  CHECK(at::equal(words.weights, at::tensor({2.0, 10.0}, at::kDouble)));
  CHECK(outside == 8);
}

TEST_CASE("a leaf larger than its image is averaged, not skipped over") {
  auto datapoint = image_of(2, 2);
  auto scores = at::zeros({3, 8, 8}, at::kDouble);
  scores[0][0][0] = 16;  // one of the sixteen leaf pixels that make the first pixel
  auto players = leaf_players(picture, datapoint, datapoint.values[0], true, {});
  auto out = gather_players(players, image_leaf(8, 8, {0, 0, 2, 2}), scores, {}, Gather::saliency);
  CHECK(out.heatmap[0][0].item<float>() == doctest::Approx(1));
}

TEST_CASE("a model that does not say which word a position belongs to has one position a word") {
  Datapoint said;
  said.values = {Text{"small cube"}};
  Modality text = {"text", ModalityKind::text};
  auto players = leaf_players(text, said, said.values[0], false, {});
  auto scores = at::arange(2, at::kDouble).unsqueeze(1);
  auto words = gather_players(players, {at::zeros({1, 2, 1}), {}, {}, {}}, scores, {}, Gather::contribution);
  CHECK(at::equal(words.weights, at::tensor({0.0, 1.0}, at::kDouble)));
  CHECK_THROWS_WITH_AS(gather_players(players, {at::zeros({1, 3, 1}), {}, {}, {}}, at::zeros({3, 1}), {}, Gather::saliency),
                       doctest::Contains("let prepare return atoms"), Error);
}
