#include "viewer/explanation_view.h"

#include <ATen/ATen.h>

#include <cmath>

#include "present/report_view.h"
#include "viewer/draw.h"
#include "viewer/plot.h"
#include "viewer/tokens.h"

namespace multiviz {
namespace {

constexpr int64_t most_bars = 12;

// The pixels of an attribution, made once.
struct Pixels {
  at::Tensor weights, map;
};

HeatmapRange range_for(const Attribution& attribution) {
  constexpr double quantile = 0.995;  // a few extreme pixels are not to darken the rest
  return attribution.heatmap.defined() ? range_of(attribution.heatmap, quantile) : range_of(attribution.weights);
}

// The boxes of an attribution to regions, found once.
struct Regions {
  at::Tensor weights;
  std::optional<RegionDrawing> drawing;
};

void image_attribution(Window& window, const Attribution& attribution, const Image* image,
                       const std::vector<Region>& regions, const HeatSettings& settings, HeatmapRange range) {
  auto& cached = window.state<Pixels>(ImGui::GetID("pixels"));
  if (!cached.weights.is_same(attribution.weights)) cached = {attribution.weights, attribution.pixels()};
  ImageContent content;
  if (image && image->pixels.sizes().slice(0, 2) == cached.map.sizes()) content.image = image->pixels;
  content.values = cached.map;
  content.range = range;
  content.segments = attribution.players.segments;
  content.names = attribution.players.names;
  content.regions = regions;
  double width = std::min(ImGui::GetContentRegionAvail().x, window.units(520));
  double rows = static_cast<double>(cached.map.size(0)), columns = static_cast<double>(cached.map.size(1));
  double height = std::min<double>(width * rows / columns, window.units(440));
  image_view(window, "image", content, settings, width, height);
  heat_legend(window, settings, range, std::min<double>(width, window.units(260)));
}

void weight_bars(Window& window, const Attribution& attribution, bool ranked = false) {
  std::vector<std::string> names;
  std::vector<double> weights;
  for (auto [player, weight] : top(attribution, most_bars)) {
    auto rank = ranked && weight != 0 ? fmt::format("{} · ", names.size() + 1) : "";
    names.push_back(rank + attribution.players.names[static_cast<size_t>(player)]);
    weights.push_back(weight);
  }
  plot_bars(window, "weights", names, weights, {});
  auto rest = attribution.players.size() - static_cast<int64_t>(names.size());
  if (rest > 0) faint_text(window, fmt::format("and {} more, all smaller", rest));
}

void region_attribution(Window& window, const Attribution& attribution, const RegionDrawing& drawing,
                        const HeatSettings& settings, HeatmapRange range) {
  const auto& picture = drawing.picture;
  double space = ImGui::GetContentRegionAvail().x;
  bool beside = space > window.units(620) && ImGui::BeginTable("regions", 2);
  if (beside) ImGui::TableNextColumn();
  double shape = static_cast<double>(picture.height) / static_cast<double>(picture.width);
  double width = std::min<double>(ImGui::GetContentRegionAvail().x, window.units(520));
  auto content = region_content(attribution, drawing, settings, range);
  image_view(window, "picture", content, settings, width, std::min<double>(width * shape, window.units(440)));
  heat_legend(window, settings, range, std::min<double>(width, window.units(260)));
  if (!picture.pixels.defined()) faint_text(window, "the picture is not known, only its size");
  if (beside) ImGui::TableNextColumn();
  weight_bars(window, attribution, true);
  if (beside) ImGui::EndTable();
}

void text_attribution(Window& window, const Attribution& attribution, const Text* text, HeatmapRange range) {
  if (text) {
    token_strip(window, word_list(text->string), word_weights(attribution, text->string), range);
    return;
  }
  std::vector<double> weights(attribution.weights.const_data_ptr<double>(),
                              attribution.weights.const_data_ptr<double>() + attribution.weights.numel());
  token_strip(window, attribution.players.names, weights, range);
}

// The channels that weigh most, as they were measured.
void series_lines(Window& window, const TimeSeries& series, const at::Tensor& weights) {
  constexpr int64_t most_channels = 4;
  auto frames = series.frames.to(at::kCPU, at::kDouble).contiguous();
  if (frames.size(0) != weights.size(1) || frames.size(1) != weights.size(0)) return;
  auto order = weights.abs().sum(1).argsort(true, 0, true);
  auto names = names_or_numbers(series.channels, "channel", frames.size(1));
  std::vector<Series> lines;
  for (int64_t i = 0; i < std::min(most_channels, order.numel()); ++i) {
    auto channel = order[i].item<int64_t>();
    Series line{names[static_cast<size_t>(channel)], {}, {}};
    for (int64_t t = 0; t < frames.size(0); ++t) {
      line.x.push_back(static_cast<double>(t + 1));
      line.y.push_back(frames.const_data_ptr<double>()[t * frames.size(1) + channel]);
    }
    lines.push_back(std::move(line));
  }
  PlotOptions options;
  options.height = window.units(130);
  plot_lines(window, "series", lines, options);
}

void series_attribution(Window& window, const Attribution& attribution, const TimeSeries* series) {
  auto weights = series_weights(attribution);
  auto channels = names_or_numbers(series ? series->channels : std::vector<std::string>{}, "channel", weights.size(0));
  std::vector<std::string> frames = series ? series->frame_names : std::vector<std::string>{};
  faint_text(window, fmt::format("{} channels (rows) over {} frames (columns)", weights.size(0), weights.size(1)));
  if (series) series_lines(window, *series, weights);
  plot_matrix(window, "cells", weights, channels, frames, {});
  weight_bars(window, attribution);
}

void table_attribution(const Attribution& attribution, const Table* table, HeatmapRange range) {
  constexpr auto flags = ImGuiTableFlags_RowBg | ImGuiTableFlags_BordersInnerV | ImGuiTableFlags_SizingStretchProp;
  if (!ImGui::BeginTable("columns", 3, flags)) return;
  for (const char* title : {"column", "value", "weight"}) ImGui::TableSetupColumn(title);
  ImGui::TableHeadersRow();
  for (auto [player, weight] : top(attribution, attribution.players.size())) {
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    ImGui::TextUnformatted(attribution.players.names[static_cast<size_t>(player)].c_str());
    ImGui::TableNextColumn();
    if (table && player < table->columns.numel())
      ImGui::TextUnformatted(fmt::format("{:.4g}", table->columns[player].item<double>()).c_str());
    ImGui::TableNextColumn();
    auto look = weight_look(weight, range);
    ImGui::TableSetBgColor(ImGuiTableBgTarget_CellBg, look.fill);
    ImGui::PushStyleColor(ImGuiCol_Text, look.ink);
    ImGui::TextUnformatted(fmt::format("{:.4g}", weight).c_str());
    ImGui::PopStyleColor();
  }
  ImGui::EndTable();
}

template <typename T>
const T* part(const Value* value) {
  return value ? std::get_if<T>(value) : nullptr;
}

void interaction_view(Window& window, const Interaction& interaction) {
  faint_text(window, interaction.rows.modality + " (rows) with " + interaction.columns.modality + " (columns)");
  plot_matrix(window, "interaction", interaction.values, interaction.rows.names, interaction.columns.names, {});
}

// How far to trust a method and, for EMAP, which has no parts to draw, what the target is made of.
void fit_facts(Window& window, const Explanation& explanation) {
  auto decomposition = decomposition_view(explanation);
  for (const auto& view : decomposition) {
    std::vector<std::string> names;
    std::vector<double> values;
    for (const auto& part : view["parts"]) {
      names.push_back(part["name"].get<std::string>());
      values.push_back(part["weight"].get<double>());
    }
    plot_bars(window, "decomposition", names, values, {});
    faint_text(window, fmt::format("together {:.4g}", view["value"].get<double>()));
  }
  std::string facts;
  for (const auto& row : fit_view(explanation.fit, explanation.targets.size()))
    if (row["headline"].get<bool>())
      facts += fmt::format("{}{} {}", facts.empty() ? "" : " · ", row["name"].get<std::string>(),
                           row["values"].front().get<std::string>());
  if (!facts.empty()) faint_text(window, facts);
}

const Attribution* counterpart(const Attribution& attribution, const Explanation& other) {
  for (const auto& candidate : other.attributions)
    if (candidate.players.modality == attribution.players.modality && candidate.component == attribution.component)
      return &candidate;
  for (const auto& candidate : other.attributions)
    if (candidate.players.modality == attribution.players.modality) return &candidate;
  return nullptr;
}

}  // namespace

const std::optional<RegionDrawing>& regions_of(Window& window, const Attribution& attribution, const Value& value,
                                               const Datapoint& datapoint) {
  auto& cached = window.state<Regions>(ImGui::GetID("regions"));
  if (!cached.weights.is_same(attribution.weights))
    cached = {attribution.weights, draw_regions(attribution, value, datapoint)};
  return cached.drawing;
}

ImageContent region_content(const Attribution& attribution, const RegionDrawing& drawing, const HeatSettings& settings,
                            HeatmapRange range) {
  ImageContent content;
  content.image = drawing.picture.pixels;
  content.height = drawing.picture.height;
  content.width = drawing.picture.width;
  content.range = range;
  content.boxes = colored_boxes(attribution, drawing, settings, range, most_bars);
  return content;
}

void attribution_view(Window& window, const Attribution& attribution, const Input& input, const HeatSettings& settings,
                      HeatmapRange range) {
  ImGui::PushID(&attribution);
  auto* value = input.value(attribution.players.modality);
  static const std::vector<Region> none;
  static const std::optional<RegionDrawing> no_regions;
  switch (attribution.players.kind) {
    case ModalityKind::image:
      image_attribution(window, attribution, part<Image>(value), input.datapoint ? input.datapoint->regions : none,
                        settings, range);
      break;
    case ModalityKind::text:
      text_attribution(window, attribution, part<Text>(value), range);
      break;
    case ModalityKind::time_series:
      if (const auto& regions = value ? regions_of(window, attribution, *value, *input.datapoint) : no_regions)
        region_attribution(window, attribution, *regions, settings, range);
      else
        series_attribution(window, attribution, part<TimeSeries>(value));
      break;
    case ModalityKind::tabular:
      table_attribution(attribution, part<Table>(value), range);
      break;
  }
  ImGui::PopID();
}

void explanation_view(Window& window, const Explanation& explanation, const Input& input,
                      const HeatSettings& settings) {
  faint_text(window, explanation_facts(explanation));
  fit_facts(window, explanation);
  for (const auto& attribution : explanation.attributions) {
    wrapped_text(attribution_title(explanation, attribution));
    attribution_view(window, attribution, input, settings, range_for(attribution));
    ImGui::Spacing();
  }
  for (const auto& interaction : explanation.interactions) interaction_view(window, interaction);
}

void comparison_view(Window& window, const Explanation& a, const Explanation& b, const Input& input,
                     const HeatSettings& settings) {
  bool any = false;
  for (const auto& left : a.attributions) {
    auto* right = counterpart(left, b);
    if (!right) continue;
    any = true;
    if (left.weights.numel() == right->weights.numel() && left.weights.numel() <= 4096) {
      auto alike = agreement(left.weights, right->weights);
      faint_text(window, fmt::format("{}: cosine {:.2f}, rank correlation {:.2f}", left.players.modality, alike.cosine,
                                     alike.rank));
    }
    if (!ImGui::BeginTable(unique_label(window, left.players.modality).c_str(), 2, ImGuiTableFlags_Resizable)) continue;
    auto range_a = range_for(left), range_b = range_for(*right);
    // Methods differ in scale: each has its own limit, and both are signed when one is.
    range_a.is_signed = range_b.is_signed = range_a.is_signed || range_b.is_signed;
    ImGui::TableNextColumn();
    wrapped_text(attribution_title(a, left));
    attribution_view(window, left, input, settings, range_a);
    ImGui::TableNextColumn();
    wrapped_text(attribution_title(b, *right));
    attribution_view(window, *right, input, settings, range_b);
    ImGui::EndTable();
  }
  if (!any) faint_text(window, "they have no weights of the same modality: nothing can be compared");
}

}  // namespace multiviz
