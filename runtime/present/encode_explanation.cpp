#include <ATen/ATen.h>

#include <algorithm>

#include "core/error.h"
#include "present/encode.h"
#include "present/region_drawing.h"

namespace multiviz {
namespace {

using nlohmann::json;

json encode(const Players& players, TensorTable& table) {
  json spans = json::array();
  for (auto [begin, end] : players.spans) spans.push_back({begin, end});
  return {{"modality", players.modality},
          {"kind", kind_name(players.kind)},
          {"names", players.names},
          {"segments", table.put(players.segments)},
          {"spans", spans},
          {"cells", table.put(players.cells)}};
}

Players decode_players(const Node& node) {
  Players players;
  players.modality = node["modality"].string();
  players.kind = parse_kind(node["kind"].string());
  players.names = node["names"].strings();
  players.segments = node["segments"].tensor(at::kLong, 2);
  for (const auto& span : node["spans"].items()) {
    auto ends = span.items();
    span.expect(ends.size() == 2, "is not a begin and an end");
    players.spans.emplace_back(ends[0].natural(), ends[1].natural());
    span.expect(players.spans.back().first <= players.spans.back().second, "ends before it begins");
  }
  players.cells = node["cells"].tensor(at::kBool, players.kind == ModalityKind::time_series ? 3 : 2);
  if (players.segments.defined() && players.segments.numel() > 0)
    node.expect(players.segments.min().item<int64_t>() >= -1 && players.segments.max().item<int64_t>() < players.size(),
                "has segments of players that are not there");
  node.expect(!players.cells.defined() || players.cells.size(0) == players.size(),
              "has cells for another number of players");
  node.expect(players.spans.empty() || players.spans.size() == players.names.size(),
              "has spans for another number of players");
  return players;
}

json encode(const Attribution& attribution, TensorTable& table) {
  return {{"players", encode(attribution.players, table)},
          {"weights", table.put(attribution.weights)},
          {"heatmap", table.put(attribution.heatmap)},
          {"component", attribution.component},
          {"target", attribution.target},
          {"given", attribution.given}};
}

Attribution decode_attribution(const Node& node) {
  Attribution attribution;
  attribution.players = decode_players(node["players"]);
  attribution.weights = node["weights"].tensor(at::kDouble, 1);
  attribution.heatmap = node["heatmap"].tensor(at::kFloat, 2);
  attribution.component = node["component"].string();
  attribution.target = node["target"].natural();
  attribution.given = node["given"].string();
  bool weighed = attribution.weights.defined() && attribution.weights.size(0) == attribution.players.size();
  bool drawn = attribution.heatmap.defined() && !attribution.weights.defined();
  node.expect(weighed || drawn, "has weights for another number of players");
  return attribution;
}

json encode(const Interaction& interaction, TensorTable& table) {
  return {{"rows", encode(interaction.rows, table)},
          {"columns", encode(interaction.columns, table)},
          {"values", table.put(interaction.values)}};
}

Interaction decode_interaction(const Node& node) {
  Interaction interaction{decode_players(node["rows"]), decode_players(node["columns"]),
                          node["values"].tensor(at::kDouble, 2)};
  node.expect(interaction.values.defined() && interaction.values.size(0) == interaction.rows.size() &&
                  interaction.values.size(1) == interaction.columns.size(),
              "has values for another number of players");
  return interaction;
}

void check_fits(const Players& players, const std::string& method, const std::vector<Modality>& modalities,
                const Example& example) {
  auto named = [&](const Modality& modality) { return modality.name == players.modality; };
  auto found = std::find_if(modalities.begin(), modalities.end(), named);
  check(found != modalities.end() && found->kind == players.kind,
        "{} weighs the {} '{}', which the model does not have: explain one of its own modalities", method,
        kind_name(players.kind), players.modality);
  auto position = static_cast<size_t>(found - modalities.begin());
  check(position < example.datapoint.values.size() && kind_of(example.datapoint.values[position]) == players.kind,
        "the datapoint {} has no '{}': adapt it to the model first", example.datapoint.id, players.modality);
  const auto& value = example.datapoint.values[position];
  auto fits = [&](bool condition) {
    check(condition, "{} explains another '{}' than the page's datapoint has: explain that datapoint", method,
          players.modality);
  };
  if (players.kind == ModalityKind::image && players.segments.defined()) {
    fits(players.segments.sizes() == std::get<Image>(value).pixels.sizes().slice(0, 2));
    fits(players.segments.numel() == 0 || players.segments.max().item<int64_t>() < players.size());
  }
  if (players.kind == ModalityKind::text) {
    fits(std::ssize(players.spans) == players.size());
    for (auto [begin, end] : players.spans) fits(begin <= end && end <= std::get<Text>(value).string.size());
  }
  if (!players.cells.defined()) return;
  fits(players.cells.size(0) == players.size());
  if (players.kind == ModalityKind::time_series)
    fits(players.cells.sizes().slice(1) == std::get<TimeSeries>(value).frames.sizes());
  region_boxes(players, value, example.datapoint);  // throws for one that cannot be drawn
  if (players.kind == ModalityKind::tabular)
    fits(players.cells.sizes().slice(1) == std::get<Table>(value).columns.sizes());
}

// What drawing relies on, wherever the explanation comes from.
void check_drawable(const Attribution& attribution, const std::string& method) {
  const auto& [players, weights, heatmap, component, target, given] = attribution;
  bool image = players.kind == ModalityKind::image;
  check(weights.defined() || (image && heatmap.defined()), "{} has no weights for '{}'", method, players.modality);
  if (weights.defined())
    check(weights.dim() == 1 && weights.size(0) == players.size() && weights.scalar_type() == at::kDouble,
          "{} must weigh the {} parts of '{}' with float64 [{}]", method, players.size(), players.modality,
          players.size());
  check(!image || heatmap.defined() || players.segments.defined(), "{} does not say where the parts of '{}' lie",
        method, players.modality);
}

}  // namespace

json encode(const Cost& cost) {
  return {{"encodes", cost.encodes}, {"fuses", cost.fuses}, {"seconds", number(cost.seconds)}};
}

Cost decode_cost(const Node& node) {
  return {node["encodes"].integer(), node["fuses"].integer(), node["seconds"].number()};
}

json encode(const Explanation& explanation, TensorTable& table) {
  json attributions = json::array(), interactions = json::array();
  for (const auto& attribution : explanation.attributions) attributions.push_back(encode(attribution, table));
  for (const auto& interaction : explanation.interactions) interactions.push_back(encode(interaction, table));
  return {{"method", explanation.method},       {"stage", explanation.stage},      {"model", explanation.model},
          {"datapoint", explanation.datapoint}, {"targets", explanation.targets},  {"attributions", attributions},
          {"interactions", interactions},       {"options", explanation.options},  {"fit", explanation.fit},
          {"seed", explanation.seed},           {"cost", encode(explanation.cost)}};
}

Explanation decode_explanation(const Node& node) {
  Explanation explanation;
  explanation.method = node["method"].string();
  explanation.stage = node["stage"].string();
  node["stage"].expect(explanation.stage == "U" || explanation.stage == "C", "is neither U nor C");
  explanation.model = node["model"].string();
  explanation.datapoint = node["datapoint"].string();
  explanation.targets = node["targets"].strings();
  for (const auto& item : node["attributions"].items()) {
    explanation.attributions.push_back(decode_attribution(item));
    item["target"].expect(explanation.attributions.back().target < explanation.targets.size(),
                          "is not one of the targets");
  }
  for (const auto& item : node["interactions"].items()) explanation.interactions.push_back(decode_interaction(item));
  explanation.options = node["options"].json();
  explanation.fit = node["fit"].json();
  explanation.seed = node["seed"].natural();
  explanation.cost = decode_cost(node["cost"]);
  return explanation;
}

void check_fits(const Explanation& explanation, const std::vector<Modality>& modalities, const Example& example) {
  for (const auto& attribution : explanation.attributions) {
    check_drawable(attribution, explanation.method);
    check_fits(attribution.players, explanation.method, modalities, example);
    check(attribution.target < explanation.targets.size(), "{} weighs a target that it does not name",
          explanation.method);
    if (!attribution.heatmap.defined() || attribution.players.kind != ModalityKind::image) continue;
    for (size_t m = 0; m < modalities.size(); ++m) {
      if (modalities[m].name != attribution.players.modality) continue;
      check(attribution.heatmap.sizes() == std::get<Image>(example.datapoint.values[m]).pixels.sizes().slice(0, 2),
            "{} has a heat map of another size than the image: explain the page's datapoint", explanation.method);
    }
  }
  for (const auto& interaction : explanation.interactions) {
    check_fits(interaction.rows, explanation.method, modalities, example);
    check_fits(interaction.columns, explanation.method, modalities, example);
    check(interaction.values.defined() && interaction.values.dim() == 2 &&
              interaction.values.size(0) == interaction.rows.size() &&
              interaction.values.size(1) == interaction.columns.size(),
          "{} must give a value to every pair of its {} x {} parts", explanation.method, interaction.rows.size(),
          interaction.columns.size());
  }
}

}  // namespace multiviz
