#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "data/region_frames.h"
#include "present/archive.h"
#include "present/report_view.h"

namespace multiviz {
namespace {

using nlohmann::json;

constexpr int64_t kMostChannels = 6;
constexpr int64_t kMostPoints = 400;

json region_view(const Region& region, double width, double height) {
  auto view = box_view(region.box, width, height);
  view["name"] = region.name;
  view["referred"] = region.referred;
  return view;
}

// The channels that vary most, thinned to what a chart can show.
json channel_views(const TimeSeries& series) {
  auto frames = series.frames.to(at::kCPU, at::kFloat).contiguous();
  int64_t length = frames.size(0), stride = std::max<int64_t>(1, length / kMostPoints);
  auto spread = at::nan_to_num(frames.var(0, /*unbiased=*/false));
  auto [ignored, order] = at::topk(spread, std::min(kMostChannels, frames.size(1)));
  json channels = json::array();
  for (int64_t i = 0; i < order.size(0); ++i) {
    int64_t channel = order[i].item<int64_t>();
    auto name = series.channels.empty() ? fmt::format("channel {}", channel + 1)
                                        : series.channels[static_cast<size_t>(channel)];
    json points = json::array();
    for (int64_t t = 0; t < length; t += stride) points.push_back(number(frames[t][channel].item<float>()));
    channels.push_back({{"name", name}, {"points", points}});
  }
  return channels;
}

// What a model that reads regions sees, whose features say nothing to a reader: their names.
json seen_regions(const Modality& modality, const std::vector<Region>& regions) {
  json names = json::array();
  for (const auto& region : regions)
    if (!region.name.empty()) names.push_back(region.name);
  return {{"name", modality.name}, {"kind", "regions"}, {"count", regions.size()}, {"names", names}};
}

json table_rows(const Table& table) {
  json rows = json::array();
  auto columns = table.columns.to(at::kCPU, at::kDouble);
  for (int64_t i = 0; i < columns.size(0); ++i)
    rows.push_back(
        {{"name", table.names.empty() ? fmt::format("column {}", i + 1) : table.names[static_cast<size_t>(i)]},
         {"value", number(columns[i].item<double>())}});
  return rows;
}

}  // namespace

json box_view(const Box& box, double width, double height) {
  auto percent = [](double value, double whole) { return std::clamp(100 * value / whole, 0.0, 100.0); };
  double x0 = percent(box.x0, width), y0 = percent(box.y0, height);
  double x1 = percent(box.x1, width), y1 = percent(box.y1, height);
  return {{"x", number(x0)}, {"y", number(y0)}, {"width", number(x1 - x0)}, {"height", number(y1 - y0)}};
}

json value_view(const Modality& modality, const Value& value, const std::vector<Region>& regions,
                ReportAssets& assets) {
  json view = {{"name", modality.name}, {"kind", kind_name(modality.kind)}};
  switch (kind_of(value)) {
    case ModalityKind::image: {
      const auto& pixels = std::get<Image>(value).pixels;
      view["src"] = assets.add_photo(pixels);
      view["width"] = pixels.size(1);
      view["height"] = pixels.size(0);
      json boxes = json::array();
      for (const auto& region : regions)
        boxes.push_back(region_view(region, static_cast<double>(pixels.size(1)), static_cast<double>(pixels.size(0))));
      view["regions"] = boxes;
      break;
    }
    case ModalityKind::text:
      view["text"] = std::get<Text>(value).string;
      break;
    case ModalityKind::time_series: {
      const auto& series = std::get<TimeSeries>(value);
      view["frames"] = series.frames.size(0);
      view["channel_count"] = series.frames.size(1);
      view["channels"] = channel_views(series);
      view["frame_names"] = series.frame_names;
      break;
    }
    case ModalityKind::tabular:
      view["rows"] = table_rows(std::get<Table>(value));
      break;
  }
  return view;
}

json example_view(const std::vector<Modality>& modalities, const Example& example, ReportAssets& assets) {
  json values = json::array(), top = json::array();
  const auto& datapoint = example.datapoint;
  if (datapoint.picture.pixels.defined())
    values.push_back(
        value_view({"picture", ModalityKind::image}, Image{datapoint.picture.pixels}, datapoint.regions, assets));
  bool first_image = true;
  for (size_t m = 0; m < modalities.size(); ++m) {
    bool has_regions = modalities[m].kind == ModalityKind::image && std::exchange(first_image, false);
    const auto& value = datapoint.values.at(m);
    values.push_back(
        holds_regions(value, datapoint)
            ? seen_regions(modalities[m], datapoint.regions)
            : value_view(modalities[m], value, has_regions ? datapoint.regions : std::vector<Region>{}, assets));
  }
  const auto& prediction = example.prediction;
  for (const auto& score : prediction.top) {
    bool right = std::find(example.truth.begin(), example.truth.end(), score.name) != example.truth.end();
    top.push_back({{"name", score.name},
                   {"logit", number(score.logit)},
                   {"probability", number(score.probability)},
                   {"right", right}});
  }
  bool regression = prediction.task == Task::regression;
  json view = {{"id", example.datapoint.id}, {"values", values},
               {"truth", example.truth},     {"top", top},
               {"regression", regression},   {"multilabel", prediction.task == Task::multilabel}};
  if (regression) {
    view["value"] = number(prediction.value);
    view["true_value"] = example.datapoint.value ? number(*example.datapoint.value) : json(nullptr);
  }
  return view;
}

json badge_position(const at::Tensor& segments, int64_t player) {
  auto pixels = at::nonzero(segments.to(at::kCPU).eq(player)).to(at::kDouble);  // [n, 2], y then x
  if (pixels.size(0) == 0) return nullptr;
  auto distance = (pixels - pixels.mean(0, true)).square().sum(1);
  auto middle = pixels[distance.argmin().item<int64_t>()];
  auto percent = [](double position, int64_t size) { return 100 * (position + 0.5) / static_cast<double>(size); };
  return {{"x", percent(middle[1].item<double>(), segments.size(1))},
          {"y", percent(middle[0].item<double>(), segments.size(0))}};
}

}  // namespace multiviz
