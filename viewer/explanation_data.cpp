#include <ATen/ATen.h>

#include <map>

#include "viewer/explanation_view.h"

namespace multiviz {
namespace {

// Ranks from 0, ties sharing their mean.
at::Tensor ranks(const at::Tensor& values) {
  auto below = values.unsqueeze(1).gt(values.unsqueeze(0)).sum(1).to(at::kDouble);
  auto equal = values.unsqueeze(1).eq(values.unsqueeze(0)).sum(1).to(at::kDouble);
  return below + (equal - 1) / 2;
}

double cosine(const at::Tensor& a, const at::Tensor& b) { return (a.dot(b) / (a.norm() * b.norm())).item<double>(); }

}  // namespace

const Value* Input::value(const std::string& modality) const {
  if (!datapoint) return nullptr;
  for (size_t i = 0; i < modalities.size() && i < datapoint->values.size(); ++i)
    if (modalities[i].name == modality) return &datapoint->values[i];
  return nullptr;
}

at::Tensor series_weights(const Attribution& attribution) {
  auto cells = attribution.players.cells.to(at::kDouble);  // [P, T, F]
  return at::tensordot(attribution.weights, cells, {0}, {0}).t().contiguous();
}

std::vector<double> word_weights(const Attribution& attribution, const std::string& text) {
  auto ranges = words(text);
  std::vector<double> result(ranges.size(), 0);
  const auto& spans = attribution.players.spans;
  for (size_t w = 0; w < ranges.size(); ++w)
    for (size_t p = 0; p < spans.size() && static_cast<int64_t>(p) < attribution.weights.numel(); ++p)
      if (spans[p].first < ranges[w].second && ranges[w].first < spans[p].second)
        result[w] += attribution.weights[static_cast<int64_t>(p)].item<double>();
  return result;
}

std::vector<std::string> names_or_numbers(const std::vector<std::string>& known, const char* what, int64_t n) {
  if (static_cast<int64_t>(known.size()) == n) return known;
  std::vector<std::string> names;
  for (int64_t i = 0; i < n; ++i) names.push_back(fmt::format("{} {}", what, i + 1));
  return names;
}

std::vector<ColoredBox> colored_boxes(const Attribution& attribution, const RegionDrawing& drawing,
                                      const HeatSettings& settings, HeatmapRange range, int64_t numbered) {
  std::map<int64_t, std::string> ranks;
  for (auto [player, weight] : top(attribution, numbered))
    if (weight != 0) ranks[player] = std::to_string(ranks.size() + 1);
  std::vector<ColoredBox> boxes;
  for (const auto& [player, weight, box] : drawing.boxes) {
    double shown = shown_values(at::full({1, 1}, weight), settings, range).item<double>();
    if (shown == 0 && weight != 0) continue;
    boxes.push_back({box, weight_color(shown, range, settings.map), weight_alpha(shown, range), ranks[player],
                     fmt::format("{}\nweight {:.4g}", attribution.players.names[static_cast<size_t>(player)], weight),
                     player});
  }
  return boxes;
}

std::string attribution_title(const Explanation& explanation, const Attribution& attribution) {
  auto title = explanation.method + " · " + attribution.players.modality;
  if (!attribution.component.empty()) title += " · " + attribution.component;
  if (!attribution.given.empty()) title += " · given " + attribution.given;
  if (explanation.targets.size() > 1 && attribution.target < explanation.targets.size())
    title += " · " + explanation.targets[attribution.target];
  return title;
}

std::string explanation_facts(const Explanation& explanation) {
  std::string facts = explanation.targets.empty() ? "" : explanation.targets.front();
  const auto& cost = explanation.cost;
  facts += fmt::format("{}{} encodes, {} fuses, {:.2g} s", facts.empty() ? "" : " · ", cost.encodes, cost.fuses,
                       cost.seconds);
  return facts;
}

Agreement agreement(const at::Tensor& a, const at::Tensor& b) {
  auto x = a.to(at::kDouble).flatten(), y = b.to(at::kDouble).flatten();
  auto rx = ranks(x), ry = ranks(y);
  return {cosine(x, y), cosine(rx - rx.mean(), ry - ry.mean())};
}

}  // namespace multiviz
