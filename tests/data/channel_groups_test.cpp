#include "data/channel_groups.h"

#include <ATen/ATen.h>

#include "perturb/maskers.h"
#include "tests/scratch.h"
#include "unimodal/leaf_players.h"

using namespace multiviz;

namespace {

TimeSeries face() {
  return {at::ones({2, 5}),
          {"AU5", "AU12", "AU17", "AU25", "yaw"},
          {{"eye", 0, 1}, {"lip", 1, 2}, {"chin", 2, 3}, {"lip", 3, 4}},
          {}};
}

}  // namespace

TEST_CASE("ranges of one name are one group") {
  const ChannelSets sets = channel_sets(face(), "vision");
  CHECK(sets.names == std::vector<std::string>{"eye", "lip", "chin"});
  CHECK(sets.channels[1].equal(at::tensor({0, 1, 0, 1, 0}, at::kLong).to(at::kBool)));
}

TEST_CASE("a group of several ranges is one player of maskers and of gradients") {
  MaskerOptions options;
  options.parts = "groups";
  auto masker = make_masker(face(), "vision", options);
  REQUIRE(masker->players().names == std::vector<std::string>{"eye", "lip", "chin"});
  auto rendered = masker->render(at::tensor({1, 0, 1}, at::kLong).to(at::kBool).unsqueeze(0));
  CHECK(std::get<TimeSeries>(rendered[0]).frames[0].equal(at::tensor({1.f, 0.f, 1.f, 0.f, 1.f})));
  PlayerOptions parts;
  parts.parts = "groups";
  Datapoint datapoint;
  datapoint.values = {face()};
  auto players = leaf_players({"vision", ModalityKind::time_series}, datapoint, datapoint.values[0], false, parts);
  CHECK(players.names == masker->players().names);
  CHECK(players.cells.equal(masker->players().cells));
}

TEST_CASE("groups outside the channels, and none at all, are errors") {
  TimeSeries series = face();
  series.groups.push_back({"ear", 4, 6});
  CHECK(error_of([&] { channel_sets(series, "vision"); }) == has("the group 'ear' of 'vision' does not lie in its 5"));
  series.groups.clear();
  CHECK(error_of([&] { channel_sets(series, "vision"); }) == has("'vision' names no groups of channels"));
}
