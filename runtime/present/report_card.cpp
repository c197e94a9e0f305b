#include <ATen/ATen.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>

#include "present/archive.h"
#include "present/region_drawing.h"
#include "present/report_panel.h"
#include "present/reproduce.h"

namespace multiviz {
namespace {

using nlohmann::json;

constexpr int64_t kMostPairs = 8;
constexpr int64_t kMostSide = 24;  // rows or columns of an interaction matrix

std::string method_title(const std::string& method) {
  static const std::map<std::string, std::string> titles = {{"lime", "LIME"},
                                                            {"kernel_shap", "KernelSHAP"},
                                                            {"gradient_x_input", "Gradient × input"},
                                                            {"smooth_grad", "SmoothGrad"},
                                                            {"dime", "DIME"},
                                                            {"emap", "EMAP"},
                                                            {"second_order_gradient", "Second-order gradient"},
                                                            {"joint_lime", "Joint LIME"},
                                                            {"joint_shap", "Joint SHAP"},
                                                            {"shapley_interactions", "Shapley interactions"}};
  if (auto found = titles.find(method); found != titles.end()) return found->second;
  auto title = method;
  std::replace(title.begin(), title.end(), '_', ' ');
  if (!title.empty()) title[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(title[0])));
  return title;
}

size_t position_of(const std::vector<Modality>& modalities, const std::string& name) {
  auto named = [&](const Modality& modality) { return modality.name == name; };
  return static_cast<size_t>(std::find_if(modalities.begin(), modalities.end(), named) - modalities.begin());
}

// Parts of one method that are compared with each other, DIME's two components, share their colours. One that is all 0
// has no range of its own.
HeatmapRange shared_range(const Explanation& explanation, const Attribution& attribution) {
  std::optional<HeatmapRange> range;
  if (!is_zero(attribution)) range = panel_range(attribution);
  for (const auto& other : explanation.attributions)
    if (other.players.modality == attribution.players.modality && other.target == attribution.target &&
        other.component != attribution.component && !is_zero(other))
      range = range ? join(*range, panel_range(other)) : panel_range(other);
  return range.value_or(panel_range(attribution));
}

json cost_view(const Cost& cost) {
  return {{"encodes", cost.encodes}, {"fuses", cost.fuses}, {"seconds", number(cost.seconds)}};
}

// The players that matter most along one side of the matrix, in their own order.
std::vector<int64_t> strongest(const at::Tensor& strengths) {
  auto [values, order] = at::topk(strengths, std::min(kMostSide, strengths.size(0)));
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < order.size(0); ++i) kept.push_back(order[i].item<int64_t>());
  std::sort(kept.begin(), kept.end());
  return kept;
}

json side_view(const Players& players, const std::vector<int64_t>& kept) {
  json names = json::array();
  for (int64_t player : kept) names.push_back(players.names[static_cast<size_t>(player)]);
  return {
      {"modality", players.modality}, {"kind", kind_name(players.kind)}, {"names", names}, {"count", players.size()}};
}

// The side of an interaction that lies in a picture, as segments or as boxes.
struct Pictured {
  const Players* players = nullptr;  // null: neither does
  Picture picture;
  std::vector<PlayerBox> boxes;

  json place(int64_t player) const {
    if (boxes.empty()) return badge_position(players->segments, player);
    for (const auto& box : boxes)
      if (box.player == player) return corner_view(box.box, picture);
    return nullptr;
  }

  json view(ReportAssets& assets) const {
    auto out = picture_view(picture, assets);
    if (boxes.empty()) {
      out["outlines"] = assets.add_outlines(players->segments);
      return out;
    }
    auto width = static_cast<double>(picture.width), height = static_cast<double>(picture.height);
    for (const auto& [player, box] : boxes) {
      auto view = box_view(box, width, height);
      view["name"] = players->names[static_cast<size_t>(player)];
      out["boxes"].push_back(std::move(view));
    }
    return out;
  }
};

Pictured pictured_by(const Players& players, const std::vector<Modality>& modalities, const Datapoint& datapoint) {
  const auto& value = datapoint.values.at(position_of(modalities, players.modality));
  if (players.segments.defined()) {
    const auto& pixels = std::get<Image>(value).pixels;
    return {&players, {pixels.size(0), pixels.size(1), pixels}, {}};
  }
  auto boxes = region_boxes(players, value, datapoint);
  return boxes.empty() ? Pictured{} : Pictured{&players, picture_of(datapoint), std::move(boxes)};
}

}  // namespace

json interaction_view(const Interaction& interaction, const std::vector<Modality>& modalities, const Example& example,
                      ReportAssets& assets) {
  auto values = at::nan_to_num(interaction.values.to(at::kCPU, at::kDouble));
  if (values.numel() == 0) return nullptr;
  auto rows = strongest(values.abs().amax(1)), columns = strongest(values.abs().amax(0));
  json cells = json::array();
  for (int64_t row : rows) {
    json line = json::array();
    for (int64_t column : columns) line.push_back(values[row][column].item<double>());
    cells.push_back(line);
  }
  Pictured pictured;
  for (const auto* players : {&interaction.columns, &interaction.rows})
    if (!pictured.players) pictured = pictured_by(*players, modalities, example.datapoint);
  json pairs = json::array();
  auto [ignored, order] = at::topk(values.abs().flatten(), std::min(kMostPairs, values.numel()));
  for (int64_t i = 0; i < order.size(0); ++i) {
    int64_t row = order[i].item<int64_t>() / values.size(1), column = order[i].item<int64_t>() % values.size(1);
    json pair = {{"row", interaction.rows.names[static_cast<size_t>(row)]},
                 {"column", interaction.columns.names[static_cast<size_t>(column)]},
                 {"value", values[row][column].item<double>()}};
    if (pictured.players) pair["at"] = pictured.place(pictured.players == &interaction.rows ? row : column);
    pairs.push_back(pair);
  }
  json view = {{"rows", side_view(interaction.rows, rows)},
               {"columns", side_view(interaction.columns, columns)},
               {"cells", cells},
               {"pairs", pairs},
               {"legend", legend_view({range_of(values).limit, true})}};
  if (pictured.players) view["picture"] = pictured.view(assets);
  return view;
}

json card_view(const Explanation& explanation, const std::vector<Modality>& modalities, const Example& example,
               ReportAssets& assets) {
  json panels = json::array(), interactions = json::array();
  for (const auto& attribution : explanation.attributions) {
    if (attribution.players.size() == 0 && !attribution.heatmap.defined()) continue;
    size_t m = position_of(modalities, attribution.players.modality);
    panels.push_back(panel_view(attribution, explanation.targets.at(attribution.target), modalities.at(m),
                                example.datapoint.values.at(m), example.datapoint,
                                shared_range(explanation, attribution), assets));
  }
  for (const auto& interaction : explanation.interactions) {
    auto view = interaction_view(interaction, modalities, example, assets);
    if (!view.is_null()) interactions.push_back(view);
  }
  return {{"method", explanation.method},
          {"title", method_title(explanation.method)},
          {"stage", explanation.stage},
          {"targets", explanation.targets},
          {"panels", panels},
          {"interactions", interactions},
          {"fit", fit_view(explanation.fit, explanation.targets.size())},
          {"decomposition", decomposition_view(explanation)},
          {"options", named_values(explanation.options)},
          {"seed", explanation.seed},
          {"cost", cost_view(explanation.cost)},
          {"call", lua_call(explanation)}};
}

}  // namespace multiviz
