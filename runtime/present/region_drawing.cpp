#include "present/region_drawing.h"

#include <ATen/ATen.h>

#include "core/error.h"
#include "perturb/superpixels.h"

namespace multiviz {
namespace {

bool same_names(const Players& players, std::span<const Region> regions) {
  return std::equal(players.names.begin(), players.names.end(), regions.begin(), regions.end(),
                    [](const std::string& name, const Region& region) { return name == region.name; });
}

}  // namespace

Explanation on_image(const Explanation& explanation, std::span<const Region> regions, const std::string& image,
                     int64_t height, int64_t width) {
  auto out = explanation;
  out.attributions.clear();
  out.interactions.clear();
  for (const auto& attribution : explanation.attributions) {
    const auto& players = attribution.players;
    if (players.kind != ModalityKind::time_series || !same_names(players, regions)) continue;
    auto drawn = attribution;
    drawn.players = {};
    drawn.players.modality = image;
    drawn.players.names = players.names;
    drawn.players.segments = region_segments(at::empty({height, width, 3}, at::kByte), regions);
    drawn.heatmap.reset();
    out.attributions.push_back(std::move(drawn));
  }
  check(
      !out.attributions.empty(),
      "the {} of '{}' has no weights of the {} regions of this datapoint: explain the modality 'objects' with parts = "
      "\"frames\" and frames = 1",
      explanation.method, explanation.datapoint, regions.size());
  return out;
}

}  // namespace multiviz
