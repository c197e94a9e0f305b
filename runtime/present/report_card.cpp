#include <ATen/ATen.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "present/archive.h"
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

// Parts of one method that are compared with each other, DIME's two components, share their colours.
HeatmapRange shared_range(const Explanation& explanation, const Attribution& attribution) {
  auto range = panel_range(attribution);
  for (const auto& other : explanation.attributions)
    if (other.players.modality == attribution.players.modality && other.target == attribution.target &&
        other.component != attribution.component)
      range = join(range, panel_range(other));
  return range;
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
  const Players* pictured = nullptr;
  for (const auto* players : {&interaction.columns, &interaction.rows})
    if (!pictured && players->segments.defined()) pictured = players;
  json pairs = json::array();
  auto [ignored, order] = at::topk(values.abs().flatten(), std::min(kMostPairs, values.numel()));
  for (int64_t i = 0; i < order.size(0); ++i) {
    int64_t row = order[i].item<int64_t>() / values.size(1), column = order[i].item<int64_t>() % values.size(1);
    json pair = {{"row", interaction.rows.names[static_cast<size_t>(row)]},
                 {"column", interaction.columns.names[static_cast<size_t>(column)]},
                 {"value", values[row][column].item<double>()}};
    if (pictured) pair["at"] = badge_position(pictured->segments, pictured == &interaction.rows ? row : column);
    pairs.push_back(pair);
  }
  json view = {{"rows", side_view(interaction.rows, rows)},
               {"columns", side_view(interaction.columns, columns)},
               {"cells", cells},
               {"pairs", pairs},
               {"legend", legend_view({range_of(values).limit, true})}};
  if (pictured) {
    const auto& value = example.datapoint.values.at(position_of(modalities, pictured->modality));
    const auto& pixels = std::get<Image>(value).pixels;
    view["picture"] = {{"src", assets.add_photo(pixels)},
                       {"width", pixels.size(1)},
                       {"height", pixels.size(0)},
                       {"outlines", assets.add_outlines(pictured->segments)}};
  }
  return view;
}

json card_view(const Explanation& explanation, const std::vector<Modality>& modalities, const Example& example,
               ReportAssets& assets) {
  json panels = json::array(), interactions = json::array();
  for (const auto& attribution : explanation.attributions) {
    if (attribution.players.size() == 0 && !attribution.heatmap.defined()) continue;
    size_t m = position_of(modalities, attribution.players.modality);
    panels.push_back(panel_view(attribution, explanation.targets.at(attribution.target), modalities.at(m),
                                example.datapoint.values.at(m), shared_range(explanation, attribution), assets));
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
