#include "unimodal/leaf_players.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "core/suggest.h"
#include "data/channel_groups.h"

namespace multiviz {
namespace {

constexpr std::array reduction_names = {"default", "max", "sum", "norm", "signed"};

Reduction resolve(Reduction reduction, ModalityKind kind, Gather gather) {
  if (reduction != Reduction::standard) return reduction;
  if (gather == Gather::contribution || kind == ModalityKind::tabular) return Reduction::signed_sum;
  return kind == ModalityKind::image ? Reduction::max : Reduction::norm;
}

at::Tensor reduce(const at::Tensor& scores, int64_t dim, Reduction reduction) {
  switch (reduction) {
    case Reduction::max: return scores.abs().amax(dim);
    case Reduction::sum: return scores.abs().sum(dim);
    case Reduction::norm: return scores.norm(2, dim);
    default: return scores.sum(dim);
  }
}

// Marks the pixels of a region with its number.
void paint(at::Tensor& segments, const Region& region, int64_t number) {
  int64_t height = segments.size(0), width = segments.size(1);
  if (region.mask.defined() && region.mask.sizes() == segments.sizes()) {
    segments.masked_fill_(region.mask.to(at::kCPU, at::kBool), number);
    return;
  }
  auto clip = [](double value, int64_t most) {
    return std::clamp<int64_t>(static_cast<int64_t>(std::llround(value)), 0, most);
  };
  int64_t x0 = clip(region.box.x0, width), x1 = clip(region.box.x1, width);
  int64_t y0 = clip(region.box.y0, height), y1 = clip(region.box.y1, height);
  if (x0 < x1 && y0 < y1) segments.slice(0, y0, y1).slice(1, x0, x1).fill_(number);
}

void region_players(Players& players, const std::vector<Region>& regions, int64_t height, int64_t width) {
  players.segments = at::full({height, width}, -1, at::kLong);
  std::vector<size_t> order(regions.size());
  std::iota(order.begin(), order.end(), size_t{0});
  auto area = [&](size_t i) {
    const auto& box = regions[i].box;
    return (box.x1 - box.x0) * (box.y1 - box.y0);
  };
  std::stable_sort(order.begin(), order.end(), [&](size_t i, size_t j) { return area(i) > area(j); });
  for (size_t i : order) paint(players.segments, regions[i], static_cast<int64_t>(i));
  for (size_t i = 0; i < regions.size(); ++i)
    players.names.push_back(regions[i].name.empty() ? fmt::format("region {}", i + 1) : regions[i].name);
  auto outside = players.segments.eq(-1);
  if (!outside.any().item<bool>()) return;
  players.segments.masked_fill_(outside, players.size());
  players.names.push_back("background");
}

void grid_players(Players& players, int64_t height, int64_t width, int64_t cells) {
  check(cells >= 1, "grid = {} has no cells: use 1 or more", cells);
  int64_t rows = std::min(cells, height), columns = std::min(cells, width);
  auto row = at::arange(height, at::kLong).mul(rows).div(height, "floor");
  auto column = at::arange(width, at::kLong).mul(columns).div(width, "floor");
  players.segments = row.unsqueeze(1).mul(columns).add(column.unsqueeze(0)).contiguous();
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) players.names.push_back(fmt::format("row {}, column {}", r + 1, c + 1));
}

void series_players(Players& players, const TimeSeries& series, const std::string& parts) {
  int64_t frames = series.frames.size(0), channels = series.frames.size(1);
  auto name = [](const std::vector<std::string>& names, int64_t i, const char* what) {
    return i < std::ssize(names) ? names[static_cast<size_t>(i)] : fmt::format("{} {}", what, i + 1);
  };
  if (parts == "frames") {
    for (int64_t t = 0; t < frames; ++t) players.names.push_back(name(series.frame_names, t, "frame"));
    players.cells = at::eye(frames).to(at::kBool).unsqueeze(2).expand({frames, frames, channels}).contiguous();
  } else if (parts == "channels") {
    for (int64_t f = 0; f < channels; ++f) players.names.push_back(name(series.channels, f, "channel"));
    players.cells = at::eye(channels).to(at::kBool).unsqueeze(1).expand({channels, frames, channels}).contiguous();
  } else if (parts == "groups") {
    auto sets = channel_sets(series, players.modality);
    players.names = std::move(sets.names);
    players.cells = sets.channels.unsqueeze(1).expand({-1, frames, -1}).contiguous();
  } else {
    std::vector<std::string> known = {"frames", "channels", "groups"};
    fail("a time series has no parts '{}'{}", parts, suggestion(parts, known));
  }
}

at::Tensor text_weights(const Players& players, const Leaf& leaf, const at::Tensor& positions) {
  auto atoms = word_of_positions(players, leaf).select(0, 0).to(at::kCPU);
  auto inside = atoms.ge(0).logical_and(atoms.lt(players.size()));
  auto weights = at::zeros({players.size()}, at::kDouble);
  return weights.index_add_(0, atoms.masked_select(inside), positions.masked_select(inside));
}

at::Tensor series_weights(const Players& players, const at::Tensor& scores, Reduction reduction, bool frames) {
  int64_t count = std::min(players.cells.size(1), scores.size(0));
  if (frames) {
    auto weights = at::zeros({players.size()}, at::kDouble);
    weights.slice(0, 0, count).copy_(reduce(scores.slice(0, 0, count), 1, reduction));
    return weights;
  }
  check(scores.size(1) == players.cells.size(2),
        "the model turns the {} channels of '{}' into {}: use parts = \"frames\"", players.cells.size(2),
        players.modality, scores.size(1));
  auto cells = players.cells.slice(1, 0, count).flatten(1).to(at::kDouble);
  return reduce(cells * scores.slice(0, 0, count).flatten().unsqueeze(0), 1, reduction);
}

// [h, w] over `area` of the original image -> [H, W].
at::Tensor resize_to_original(at::Tensor map, const Box& area, int64_t height, int64_t width) {
  double across = area.x1 - area.x0, down = area.y1 - area.y0;
  // Shrinking averages; bilinear sampling alone would skip pixels.
  int64_t h = std::min<int64_t>(map.size(0), std::max<int64_t>(1, std::llround(down)));
  int64_t w = std::min<int64_t>(map.size(1), std::max<int64_t>(1, std::llround(across)));
  map = at::adaptive_avg_pool2d(map.unsqueeze(0).unsqueeze(0), {h, w});
  auto x = at::arange(width, at::kDouble).add(0.5 - area.x0).div(across);
  auto y = at::arange(height, at::kDouble).add(0.5 - area.y0).div(down);
  auto grid = at::stack({x.mul(2).sub(1).unsqueeze(0).expand({height, width}),
                         y.mul(2).sub(1).unsqueeze(1).expand({height, width})},
                        2);
  constexpr int64_t bilinear = 0, border = 1;
  auto out = at::grid_sampler_2d(map, grid.unsqueeze(0), bilinear, border, false).squeeze(0).squeeze(0);
  auto inside_x = x.ge(0).logical_and(x.le(1)), inside_y = y.ge(0).logical_and(y.le(1));
  return out.mul(inside_y.unsqueeze(1).logical_and(inside_x.unsqueeze(0)));
}

Box area_of(const Leaf& leaf, const at::Tensor& segments) {
  if (!leaf.areas.empty()) return leaf.areas.front();
  return {0, 0, static_cast<double>(segments.size(1)), static_cast<double>(segments.size(0))};
}

at::Tensor sum_by_player(const at::Tensor& values, const at::Tensor& owner, int64_t count) {
  auto inside = owner.ge(0);
  return at::zeros({count}, at::kDouble).index_add_(0, owner.masked_select(inside), values.masked_select(inside));
}

void gather_image(Attribution& out, const Leaf& leaf, const at::Tensor& scores, Reduction reduction, Gather gather) {
  const auto& segments = out.players.segments;
  auto map = reduce(scores, 0, reduction);
  auto heatmap = resize_to_original(map, area_of(leaf, segments), segments.size(0), segments.size(1));
  out.heatmap = heatmap.to(at::kFloat);
  if (gather == Gather::contribution) {
    out.weights = sum_by_player(map, player_of_leaf_pixels(out.players, leaf), out.players.size());
    return;
  }
  auto pixels = sum_by_player(at::ones_like(heatmap), segments, out.players.size()).clamp_min(1);
  out.weights = sum_by_player(heatmap, segments, out.players.size()) / pixels;
}

}  // namespace

Reduction parse_reduction(const std::string& name) {
  std::vector<std::string> known(reduction_names.begin() + 1, reduction_names.end());
  auto found = std::find(known.begin(), known.end(), name);
  check(found != known.end(), "unknown reduction '{}'{}", name, suggestion(name, known));
  return static_cast<Reduction>(found - known.begin() + 1);
}

const char* reduction_name(Reduction reduction) { return reduction_names.at(static_cast<size_t>(reduction)); }

nlohmann::json PlayerOptions::json() const {
  return {{"reduction", reduction_name(reduction)}, {"grid", grid}, {"regions", regions}, {"parts", parts}};
}

Players leaf_players(const Modality& modality, const Datapoint& datapoint, const Value& value, bool first_image,
                     const PlayerOptions& options) {
  Players players;
  players.modality = modality.name;
  players.kind = modality.kind;
  if (const auto* image = std::get_if<Image>(&value)) {
    int64_t height = image->pixels.size(0), width = image->pixels.size(1);
    if (options.regions && first_image && !datapoint.regions.empty())
      region_players(players, datapoint.regions, height, width);
    else
      grid_players(players, height, width, options.grid);
  } else if (const auto* text = std::get_if<Text>(&value)) {
    players.spans = words(text->string);
    players.names = word_list(text->string);
  } else if (const auto* series = std::get_if<TimeSeries>(&value)) {
    series_players(players, *series, options.parts);
  } else {
    const auto& table = std::get<Table>(value);
    int64_t columns = table.columns.size(0);
    players.cells = at::eye(columns).to(at::kBool);
    for (int64_t f = 0; f < columns; ++f)
      players.names.push_back(f < std::ssize(table.names) ? table.names[static_cast<size_t>(f)]
                                                          : fmt::format("column {}", f + 1));
  }
  return players;
}

at::Tensor word_of_positions(const Players& players, const Leaf& leaf) {
  if (leaf.atoms.defined()) return leaf.atoms;
  check(leaf.tensor.size(1) == players.size(),
        "the model makes {} positions of the {} words of '{}' and does not say which belong together: let prepare "
        "return atoms",
        leaf.tensor.size(1), players.size(), players.modality);
  return at::arange(players.size(), at::kLong).unsqueeze(0);
}

at::Tensor player_of_leaf_pixels(const Players& players, const Leaf& leaf) {
  int64_t h = leaf.tensor.size(2), w = leaf.tensor.size(3);
  auto area = area_of(leaf, players.segments);
  int64_t height = players.segments.size(0), width = players.segments.size(1);
  auto x = at::arange(w, at::kDouble).add(0.5).mul((area.x1 - area.x0) / static_cast<double>(w)).add(area.x0).floor();
  auto y = at::arange(h, at::kDouble).add(0.5).mul((area.y1 - area.y0) / static_cast<double>(h)).add(area.y0).floor();
  auto outside = x.lt(0).logical_or(x.ge(width)).unsqueeze(0).logical_or(y.lt(0).logical_or(y.ge(height)).unsqueeze(1));
  auto rows = players.segments.index_select(0, y.clamp(0, height - 1).to(at::kLong));
  return rows.index_select(1, x.clamp(0, width - 1).to(at::kLong)).masked_fill(outside, -1);
}

Attribution gather_players(Players players, const Leaf& leaf, const at::Tensor& scores, const PlayerOptions& options,
                           Gather gather, double* unassigned) {
  Attribution out;
  out.players = std::move(players);
  auto entries = scores.detach().to(at::kCPU, at::kDouble);
  auto kind = out.players.kind;
  auto reduction = resolve(options.reduction, kind, gather);
  switch (kind) {
    case ModalityKind::image: gather_image(out, leaf, entries, reduction, gather); break;
    case ModalityKind::text: out.weights = text_weights(out.players, leaf, reduce(entries, 1, reduction)); break;
    case ModalityKind::time_series:
      out.weights = series_weights(out.players, entries, reduction, options.parts == "frames");
      break;
    case ModalityKind::tabular:
      check(entries.size(0) == out.players.size(), "the model turns the {} columns of '{}' into {}", out.players.size(),
            out.players.modality, entries.size(0));
      out.weights = reduce(entries.unsqueeze(1), 1, reduction);
      break;
  }
  if (unassigned) *unassigned = (entries.sum() - out.weights.sum()).item<double>();
  return out;
}

}  // namespace multiviz
