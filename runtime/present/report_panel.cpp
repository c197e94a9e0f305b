#include "present/report_panel.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "present/archive.h"
#include "present/region_drawing.h"

namespace multiviz {
namespace {

using nlohmann::json;

constexpr int64_t kMostPlayers = 8;       // listed beside a picture
constexpr int64_t kMostRows = 40;         // of a table or a time series' players
constexpr double kPixelQuantile = 0.995;  // single pixels of a gradient would darken the rest
constexpr int64_t kMostFrameBars = 600;

double weight_of(const Attribution& attribution, int64_t player) { return attribution.weights[player].item<double>(); }

json ranked(const Attribution& attribution, int64_t most) {
  json list = json::array();
  for (auto [player, weight] : top(attribution, most)) {
    if (weight == 0) break;
    json item = {{"name", attribution.players.names[static_cast<size_t>(player)]},
                 {"weight", number(weight)},
                 {"player", player}};
    if (attribution.players.segments.defined()) item["at"] = badge_position(attribution.players.segments, player);
    list.push_back(item);
  }
  return list;
}

void draw_image(json& panel, const Attribution& attribution, const Image& image, HeatmapRange range,
                ReportAssets& assets) {
  auto map = attribution.pixels().to(at::kCPU);
  auto [height, width] = layer_size(map.size(0), map.size(1));
  panel["src"] = assets.add_photo(image.pixels);
  panel["width"] = image.pixels.size(1);
  panel["height"] = image.pixels.size(0);
  panel["layer"] = assets.add(colorize(resize(map, height, width, attribution.heatmap.defined()), range));
  if (attribution.players.segments.defined() && !attribution.heatmap.defined())
    panel["outlines"] = assets.add_outlines(attribution.players.segments);
  panel["top"] = ranked(attribution, kMostPlayers);
}

// The text cut at the players' borders, in order: pieces with a weight and the rest between them.
json text_pieces(const Attribution& attribution, const std::string& text) {
  std::vector<int64_t> order(attribution.players.spans.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(i);
  const auto& spans = attribution.players.spans;
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return spans[static_cast<size_t>(a)].first < spans[static_cast<size_t>(b)].first;
  });
  json pieces = json::array();
  size_t done = 0;
  for (int64_t player : order) {
    auto [begin, end] = spans[static_cast<size_t>(player)];
    if (begin < done) continue;
    if (begin > done) pieces.push_back({{"text", text.substr(done, begin - done)}});
    pieces.push_back({{"text", text.substr(begin, end - begin)}, {"weight", number(weight_of(attribution, player))}});
    done = end;
  }
  if (done < text.size()) pieces.push_back({{"text", text.substr(done)}});
  return pieces;
}

void draw_boxes(json& panel, const Attribution& attribution, const RegionDrawing& drawing, HeatmapRange range,
                ReportAssets& assets) {
  auto width = static_cast<double>(drawing.picture.width), height = static_cast<double>(drawing.picture.height);
  json boxes = json::array(), top = ranked(attribution, kMostPlayers);
  for (const auto& [player, weight, box] : drawing.boxes) {
    auto view = box_view(box, width, height);
    view["player"] = player;
    view["name"] = attribution.players.names[static_cast<size_t>(player)];
    view["weight"] = number(weight);
    view["color"] = hex(color_of(weight, range));
    view["strength"] = std::min(1.0, std::abs(std::isfinite(weight) ? weight : 0) / range.limit);
    for (auto& item : top)
      if (item["player"] == player) item["at"] = corner_view(box, drawing.picture);
    boxes.push_back(std::move(view));
  }
  panel["picture"] = picture_view(drawing.picture, assets);
  panel["boxes"] = boxes;
  panel["top"] = top;
  panel["rest"] = attribution.players.size() - std::ssize(top);
}

// What each frame's and each channel's players weigh together, and the whole as a picture when players are smaller.
void draw_time_series(json& panel, const Attribution& attribution, const Modality& modality, const TimeSeries& series,
                      HeatmapRange range, ReportAssets& assets) {
  panel["series"] = value_view(modality, series, {}, assets);
  panel["top"] = ranked(attribution, kMostRows);
  if (!attribution.players.cells.defined()) return;
  auto cells = attribution.players.cells.to(at::kCPU, at::kDouble);             // [P, T, F]
  auto map = at::tensordot(attribution.weights.to(at::kCPU), cells, {0}, {0});  // [T, F]
  bool whole_frames = cells.eq(cells.slice(2, 0, 1)).all().item<bool>();
  bool whole_channels = cells.eq(cells.slice(1, 0, 1)).all().item<bool>();
  if (whole_frames && map.size(0) <= kMostFrameBars) {
    json bars = json::array();
    for (int64_t t = 0; t < map.size(0); ++t) bars.push_back(number(map[t][0].item<double>()));
    panel["bars"] = bars;
  } else if (!whole_channels || whole_frames) {
    auto picture = map.t().to(at::kFloat);  // channels down, time across
    auto [height, width] = layer_size(picture.size(0), picture.size(1));
    panel["layer"] = assets.add(colorize(resize(picture, height, width, false), range));
  }
}

void draw_table(json& panel, const Attribution& attribution, const Table& table) {
  json rows = json::array();
  auto cells = attribution.players.cells;
  auto columns = table.columns.to(at::kCPU, at::kDouble);
  for (auto [player, weight] : top(attribution, kMostRows)) {
    json row = {{"name", attribution.players.names[static_cast<size_t>(player)]}, {"weight", number(weight)}};
    auto covered = cells.defined() ? at::nonzero(cells[player].to(at::kCPU)) : at::empty({0, 1}, at::kLong);
    if (covered.size(0) == 1) row["value"] = number(columns[covered[0][0].item<int64_t>()].item<double>());
    rows.push_back(row);
  }
  panel["rows"] = rows;
  panel["row_count"] = attribution.players.size();
}

const char* parts_name(const Players& players) {
  switch (players.kind) {
    case ModalityKind::image:
      return "Parts";
    case ModalityKind::text:
      return "Words";
    case ModalityKind::time_series:
      return "Parts";
    case ModalityKind::tabular:
      return "Columns";
  }
  return "";
}

}  // namespace

bool is_zero(const Attribution& attribution) {
  const auto& shown = attribution.heatmap.defined() ? attribution.heatmap : attribution.weights;
  return shown.defined() && shown.eq(0).all().item<bool>();
}

HeatmapRange panel_range(const Attribution& attribution) {
  return attribution.heatmap.defined() && attribution.players.kind == ModalityKind::image
             ? range_of(attribution.heatmap, kPixelQuantile)
             : range_of(attribution.weights);
}

std::string target_phrase(const std::string& target) {
  bool named = target.starts_with("feature ") || target.starts_with("unit ");
  return named ? target : "the " + target;
}

std::string panel_caption(const Attribution& attribution, const std::string& target, HeatmapRange range, bool regions) {
  const auto& name = attribution.players.modality;
  const auto parts = regions ? "Regions" : fmt::format("{} of the {}", parts_name(attribution.players), name);
  auto what = target_phrase(target);
  if (is_zero(attribution)) return fmt::format("Nothing in the {} changes {}", name, what);
  auto verb = range.is_signed ? "raise (red) or lower (blue)" : "matter most for";
  if (!attribution.given.empty())
    return regions ? fmt::format("Regions that interact with “{}” in {}", attribution.given, what)
                   : fmt::format("Where the {} interacts with “{}” in {}", name, attribution.given, what);
  if (attribution.component == "unimodal") return fmt::format("{} that {} {} on their own", parts, verb, what);
  if (attribution.component == "multimodal")
    return fmt::format("{} that {} {} only together with the rest of the input", parts, verb, what);
  if (attribution.heatmap.defined() && attribution.players.kind == ModalityKind::image)
    return range.is_signed ? fmt::format("Pixels of the {} that {} {}", name, verb, what)
                           : fmt::format("How strongly {} responds to each pixel of the {}", what, name);
  return fmt::format("{} that {} {}", parts, verb, what);
}

json legend_view(HeatmapRange range, bool opaque) {
  constexpr int64_t colors = 9;
  return {
      {"limit", number(range.limit)}, {"signed", range.is_signed}, {"colors", legend_colors(range, colors, opaque)}};
}

json picture_view(const Picture& picture, ReportAssets& assets) {
  return {{"src", picture.pixels.defined() ? json(assets.add_photo(picture.pixels)) : json(nullptr)},
          {"width", picture.width},
          {"height", picture.height}};
}

json corner_view(const Box& box, const Picture& picture) {
  constexpr double edge = 2.5;
  auto percent = [&](double value, int64_t whole) {
    return std::clamp(100 * value / static_cast<double>(whole), edge, 100 - edge);
  };
  return {{"x", percent(box.x0, picture.width)}, {"y", percent(box.y0, picture.height)}};
}

json panel_view(const Attribution& attribution, const std::string& target, const Modality& modality, const Value& value,
                const Datapoint& datapoint, HeatmapRange range, ReportAssets& assets) {
  auto regions = draw_regions(attribution, value, datapoint);
  json panel = {{"modality", modality.name},
                {"kind", kind_name(modality.kind)},
                {"target", attribution.target},
                {"component", attribution.component},
                {"caption", panel_caption(attribution, target, range, regions.has_value())},
                {"legend", legend_view(range, /*opaque=*/regions.has_value())}};
  switch (modality.kind) {
    case ModalityKind::image:
      draw_image(panel, attribution, std::get<Image>(value), range, assets);
      break;
    case ModalityKind::text:
      panel["pieces"] = text_pieces(attribution, std::get<Text>(value).string);
      break;
    case ModalityKind::time_series:
      if (regions)
        draw_boxes(panel, attribution, *regions, range, assets);
      else
        draw_time_series(panel, attribution, modality, std::get<TimeSeries>(value), range, assets);
      break;
    case ModalityKind::tabular:
      draw_table(panel, attribution, std::get<Table>(value));
      break;
  }
  return panel;
}

}  // namespace multiviz
