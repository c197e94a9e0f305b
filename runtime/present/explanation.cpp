#include "present/explanation.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "present/report_view.h"

namespace multiviz {

at::Tensor Attribution::pixels() const {
  check(players.kind == ModalityKind::image, "'{}' is not an image, so it has no heatmap: ask for its weights instead",
        players.modality);
  if (heatmap.defined()) return heatmap;
  check(players.segments.defined(), "the players of '{}' have no place in the image", players.modality);
  auto padded = at::cat({weights.to(at::kFloat), at::zeros({1}, at::kFloat)});
  auto index = at::where(players.segments < 0, players.size(), players.segments);
  return padded.index_select(0, index.flatten()).reshape(players.segments.sizes());
}

std::vector<std::pair<int64_t, double>> top(const Attribution& attribution, int64_t n) {
  if (!attribution.weights.defined()) return {};
  auto weights = attribution.weights.to(at::kDouble).contiguous();
  const double* data = weights.const_data_ptr<double>();
  std::vector<int64_t> order(static_cast<size_t>(weights.numel()));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return std::abs(data[a]) > std::abs(data[b]); });
  std::vector<std::pair<int64_t, double>> out;
  for (int64_t player : order) {
    if (std::ssize(out) >= n) break;
    out.emplace_back(player, data[player]);
  }
  return out;
}

namespace {

constexpr size_t most_targets = 4;

std::string heading(const Attribution& attribution) {
  auto text = attribution.players.modality;
  if (!attribution.component.empty()) text += fmt::format(" ({})", attribution.component);
  if (!attribution.given.empty()) text += fmt::format(" given {}", attribution.given);
  return text;
}

std::string strongest(const Attribution& attribution, int64_t most) {
  std::vector<std::string> parts;
  for (auto [player, weight] : top(attribution, most))
    parts.push_back(fmt::format("{} {:+.4g}", attribution.players.names[static_cast<size_t>(player)], weight));
  if (!parts.empty()) return fmt::format("{}", fmt::join(parts, ", "));
  if (!attribution.heatmap.defined() || attribution.heatmap.numel() == 0) return "nothing";
  int64_t width = attribution.heatmap.size(1), peak = attribution.heatmap.abs().argmax().item<int64_t>();
  return fmt::format("heatmap of {} x {} pixels, strongest at x = {}, y = {}", width, attribution.heatmap.size(0),
                     peak % width + 1, peak / width + 1);
}

std::string strongest(const Interaction& interaction, int64_t most) {
  auto flat = interaction.values.flatten();
  Attribution pairs;
  pairs.weights = flat;
  std::vector<std::string> parts;
  int64_t columns = interaction.columns.size();
  for (auto [pair, value] : top(pairs, most))
    parts.push_back(fmt::format("{} x {} {:+.4g}", interaction.rows.names[static_cast<size_t>(pair / columns)],
                                interaction.columns.names[static_cast<size_t>(pair % columns)], value));
  return fmt::format("{}", fmt::join(parts, ", "));
}

// "fit: image R² 0.83, image intercept 1.2"; a value for each target where they differ. Lines break at 100 columns.
std::string describe_fit(const Explanation& explanation) {
  constexpr size_t columns = 100;
  std::string text = "fit:";
  size_t column = text.size();
  for (const auto& row : fit_view(explanation.fit, explanation.targets.size())) {
    auto values = row["values"].get<std::vector<std::string>>();
    bool same = std::all_of(values.begin(), values.end(), [&](const auto& value) { return value == values[0]; });
    bool more = !same && values.size() > most_targets;
    values.resize(same ? 1 : std::min(values.size(), most_targets));
    auto item = fmt::format("{} {}{}", row["name"].get<std::string>(), fmt::join(values, " | "), more ? " ..." : "");
    if (text.size() > 4) text += ",", ++column;
    bool wrap = column + 1 + item.size() > columns && column > 4;
    text += (wrap ? "\n  " : " ") + item;
    column = (wrap ? 2 : column + 1) + item.size();
  }
  return text;
}

}  // namespace

std::string summary(const Explanation& explanation, int64_t most) {
  auto text = fmt::format("{} of {} on '{}'\n", explanation.method, explanation.model, explanation.datapoint);
  for (size_t k = 0; k < explanation.targets.size() && k < most_targets; ++k) {
    text += fmt::format("{}\n", explanation.targets[k]);
    for (const auto& attribution : explanation.attributions)
      if (attribution.target == k)
        text += fmt::format("  {}: {}\n", heading(attribution), strongest(attribution, most));
  }
  if (explanation.targets.size() > most_targets)
    text += fmt::format("... and {} more targets\n", explanation.targets.size() - most_targets);
  for (const auto& interaction : explanation.interactions)
    text += fmt::format("  {} x {}: {}\n", interaction.rows.modality, interaction.columns.modality,
                        strongest(interaction, most));
  if (!explanation.fit.empty()) text += describe_fit(explanation) + "\n";
  text += fmt::format("cost: {} encodes, {} fuses, {:.2f} s; seed {}", explanation.cost.encodes, explanation.cost.fuses,
                      explanation.cost.seconds, explanation.seed);
  return text;
}

}  // namespace multiviz
