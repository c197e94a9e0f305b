#include "viewer/prediction_view.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "viewer/draw.h"
#include "viewer/heat.h"
#include "viewer/plot.h"

namespace multiviz {
namespace {

constexpr int64_t most_features = 12, most_classes = 6;

struct Nodes {
  std::vector<int64_t> features;
  std::vector<const ClassGraph*> classes;
  std::vector<Area> feature_boxes, class_boxes;
  double strongest = 1e-12;  // |contribution|
};

Nodes nodes_of(Window& window, const PredictionEntry& entry, const Area& area) {
  Nodes nodes;
  nodes.features = graph_features(entry, most_features);
  for (const auto& graph : entry.classes) {
    if (static_cast<int64_t>(nodes.classes.size()) == most_classes) break;
    nodes.classes.push_back(&graph);
    for (const auto& feature : graph.features)
      nodes.strongest = std::max(nodes.strongest, std::abs(feature.contribution));
  }
  double width = std::min(window.units(170), static_cast<float>(area.width()) * 0.4F);
  double half = ImGui::GetTextLineHeight() / 2 + window.units(4);
  for (double y : spread(static_cast<int64_t>(nodes.features.size()), area.height()))
    nodes.feature_boxes.push_back({area.x0, area.y0 + y - half, area.x0 + width, area.y0 + y + half});
  for (double y : spread(static_cast<int64_t>(nodes.classes.size()), area.height()))
    nodes.class_boxes.push_back({area.x1 - width, area.y0 + y - half, area.x1, area.y0 + y + half});
  return nodes;
}

void draw_edges(Window& window, const Nodes& nodes, int64_t chosen) {
  auto* list = ImGui::GetWindowDrawList();
  HeatmapRange range{nodes.strongest, true};
  for (size_t c = 0; c < nodes.classes.size(); ++c)
    for (const auto& edge : nodes.classes[c]->features) {
      auto at = std::find(nodes.features.begin(), nodes.features.end(), edge.feature);
      if (at == nodes.features.end() || edge.contribution == 0) continue;
      const auto& from = nodes.feature_boxes[static_cast<size_t>(at - nodes.features.begin())];
      const auto& to = nodes.class_boxes[c];
      Spot a{from.x1, (from.y0 + from.y1) / 2}, b{to.x0, (to.y0 + to.y1) / 2};
      double part = std::abs(edge.contribution) / nodes.strongest, bend = (b.x - a.x) / 2;
      bool faint = chosen >= 0 && nodes.classes[c]->label != chosen;
      auto end = weight_color(edge.contribution < 0 ? -range.limit : range.limit, range);
      list->AddBezierCubic(vec(a), vec({a.x + bend, a.y}), vec({b.x - bend, b.y}), vec(b),
                           to_u32(end, faint ? 0.15 : 0.8), window.units(static_cast<float>(0.8 + 7 * part)));
    }
}

bool draw_node(Window& window, const Area& box, const std::string& text, bool marked) {
  auto* list = ImGui::GetWindowDrawList();
  bool over = ImGui::IsItemHovered() && box.contains(spot(ImGui::GetIO().MousePos));
  auto fill = ImGui::GetColorU32(over ? ImGuiCol_ButtonHovered : ImGuiCol_Button);
  list->AddRectFilled(vec({box.x0, box.y0}), vec({box.x1, box.y1}), fill, window.units(4));
  if (marked)
    list->AddRect(vec({box.x0, box.y0}), vec({box.x1, box.y1}), window.palette().accent, window.units(4), 0,
                  window.units(1.5F));
  text_at(*list, {box.x0 + window.units(6), box.y0 + window.units(4)}, window.palette().ink, text,
          box.width() - window.units(10));
  return over;
}

double activation_of(const PredictionEntry& entry, int64_t feature) {
  for (const auto& graph : entry.classes)
    for (const auto& edge : graph.features)
      if (edge.feature == feature) return edge.activation;
  return 0;
}

}  // namespace

std::vector<int64_t> graph_features(const PredictionEntry& entry, int64_t n) {
  std::map<int64_t, double> strength;
  for (const auto& graph : entry.classes)
    for (const auto& edge : graph.features)
      strength[edge.feature] = std::max(strength[edge.feature], std::abs(edge.contribution));
  std::vector<int64_t> features;
  for (const auto& [feature, value] : strength) features.push_back(feature);
  std::stable_sort(features.begin(), features.end(), [&](int64_t a, int64_t b) { return strength[a] > strength[b]; });
  if (static_cast<int64_t>(features.size()) > n) features.resize(static_cast<size_t>(n));
  return features;
}

GraphEvents prediction_graph(Window& window, const PredictionEntry& entry, int64_t chosen_label) {
  auto count = std::max<double>(static_cast<double>(graph_features(entry, most_features).size()), 3);
  auto area = take_area(window, "graph", 0, count * (ImGui::GetTextLineHeight() + window.units(14)));
  bool clicked = ImGui::IsItemClicked(0);
  auto nodes = nodes_of(window, entry, area);
  draw_edges(window, nodes, chosen_label);
  GraphEvents events;
  for (size_t i = 0; i < nodes.features.size(); ++i) {
    auto feature = nodes.features[i];
    auto text = fmt::format("feature {}   {:.3g}", feature + 1, activation_of(entry, feature));
    bool narrow = ImGui::CalcTextSize(text.c_str()).x > nodes.feature_boxes[i].width() - window.units(10);
    if (narrow) text = fmt::format("feature {}", feature + 1);
    if (!draw_node(window, nodes.feature_boxes[i], text, false)) continue;
    tooltip(fmt::format("feature {}: activation {:.4g}\nclick: what it stands for", feature + 1,
                        activation_of(entry, feature)));
    if (clicked) events.feature = feature;
  }
  for (size_t i = 0; i < nodes.classes.size(); ++i) {
    const auto& graph = *nodes.classes[i];
    if (!draw_node(window, nodes.class_boxes[i], graph.name, graph.label == chosen_label)) continue;
    tooltip(fmt::format("{}: {} nonzero weights, bias {:.3g}", graph.name, graph.nonzeros, graph.bias));
    if (clicked) events.label = graph.label;
  }
  return events;
}

void sparsity_curve(Window& window, const std::vector<CurvePoint>& curve, double chosen_lambda,
                    std::optional<double> dense_accuracy, double height) {
  if (curve.empty()) return;
  std::vector<Series> series{{"sparse", {}, {}}};
  std::optional<CurvePoint> chosen;
  double most = 0;
  for (const auto& point : curve) {
    series[0].x.push_back(point.nonzeros_per_class);
    series[0].y.push_back(point.accuracy);
    most = std::max(most, point.nonzeros_per_class);
    if (!chosen || std::abs(point.lambda - chosen_lambda) < std::abs(chosen->lambda - chosen_lambda)) chosen = point;
  }
  if (dense_accuracy) series.push_back({"dense", {0, most}, {*dense_accuracy, *dense_accuracy}});
  if (chosen_lambda > 0) series.push_back({"selected", {chosen->nonzeros_per_class}, {chosen->accuracy}});
  plot_lines(window, "curve", series,
             {.height = height, .x_label = "nonzero weights per class", .y_label = "accuracy, held out"});
}

GraphEvents prediction_view(Window& window, const PredictionEntry& entry) {
  auto& chosen = window.state<std::optional<int64_t>>(ImGui::GetID("chosen class"));
  faint_text(window, fmt::format("{} path, lambda {:.3g}: {:.1f} nonzero weights per class, accuracy {:.1f} %",
                                 entry.family, entry.lambda, entry.nonzeros_per_class, entry.accuracy * 100));
  auto events = prediction_graph(window, entry, chosen.value_or(-1));
  if (events.label >= 0) chosen = chosen == events.label ? std::nullopt : std::optional(events.label);
  for (const auto& graph : entry.classes) {
    if (graph.label != chosen) continue;
    std::vector<std::string> names;
    std::vector<double> values;
    for (const auto& edge : graph.features) {
      names.push_back(fmt::format("feature {}", edge.feature + 1));
      values.push_back(edge.contribution);
    }
    wrapped_text("what adds to " + graph.name);
    auto bars = plot_bars(window, "contributions", names, values, {});
    if (bars.clicked >= 0) events.feature = graph.features[static_cast<size_t>(bars.clicked)].feature;
  }
  sparsity_curve(window, entry.curve, entry.lambda, entry.dense_accuracy);
  return events;
}

}  // namespace multiviz
