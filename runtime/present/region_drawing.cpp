#include "present/region_drawing.h"

#include <ATen/ATen.h>

#include "core/error.h"
#include "perturb/superpixels.h"

namespace multiviz {

std::vector<PlayerBox> region_boxes(const Players& players, const Value& value, const Datapoint& datapoint) {
  if (players.kind != ModalityKind::time_series || !players.cells.defined()) return {};
  if (!holds_regions(value, datapoint)) return {};
  if (players.cells.sizes().slice(1) != std::get<TimeSeries>(value).frames.sizes()) return {};
  const auto picture = picture_of(datapoint);
  auto cells = players.cells.to(at::kCPU);
  auto frames = cells.select(2, 0).contiguous();  // [P, T]
  if (!cells.eq(frames.unsqueeze(2)).all().item<bool>()) return {};
  std::vector<PlayerBox> out;
  const bool* covers = frames.const_data_ptr<bool>();
  const auto count = std::ssize(datapoint.regions);
  for (int64_t region = 0; region < count; ++region)
    for (int64_t player = 0; player < players.size(); ++player)
      if (covers[player * count + region])
        out.push_back({player, box_in(datapoint.regions[static_cast<size_t>(region)], picture.height, picture.width)});
  return out;
}

std::optional<RegionDrawing> draw_regions(const Attribution& attribution, const Value& value,
                                          const Datapoint& datapoint) {
  if (!attribution.weights.defined()) return {};
  auto boxes = region_boxes(attribution.players, value, datapoint);
  if (boxes.empty()) return {};
  RegionDrawing drawing{picture_of(datapoint), {}};
  auto strongest = top(attribution, attribution.players.size());
  for (auto player = strongest.rbegin(); player != strongest.rend(); ++player)
    for (const auto& box : boxes)
      if (box.player == player->first) drawing.boxes.push_back({box.player, player->second, box.box});
  return drawing;
}

Explanation on_image(const Explanation& explanation, std::span<const Modality> modalities, const Datapoint& datapoint) {
  size_t image = 0;
  while (image < modalities.size() && modalities[image].kind != ModalityKind::image) ++image;
  check(image < modalities.size(), "'{}' has no image to draw regions on", datapoint.id);
  const auto& pixels = std::get<Image>(datapoint.values.at(image)).pixels;
  auto out = explanation;
  out.attributions.clear();
  out.interactions.clear();
  for (const auto& attribution : explanation.attributions) {
    const auto& players = attribution.players;
    for (size_t m = 0; m < modalities.size(); ++m) {
      if (modalities[m].name != players.modality) continue;
      auto boxes = region_boxes(players, datapoint.values.at(m), datapoint);
      if (boxes.empty() || std::ssize(datapoint.regions) != players.size()) continue;
      auto drawn = attribution;
      drawn.players = {};
      drawn.players.modality = modalities[image].name;
      drawn.players.names = players.names;
      drawn.players.segments = region_segments(pixels, datapoint.regions);
      drawn.heatmap.reset();
      out.attributions.push_back(std::move(drawn));
    }
  }
  check(
      !out.attributions.empty(),
      "the {} of '{}' has no weights of the {} regions of this datapoint: explain the modality 'objects' with parts = "
      "\"frames\" and frames = 1",
      explanation.method, explanation.datapoint, datapoint.regions.size());
  return out;
}

}  // namespace multiviz
