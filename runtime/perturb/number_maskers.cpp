#include <ATen/ATen.h>

#include <functional>

#include "core/error.h"
#include "data/channel_groups.h"
#include "perturb/maskers.h"

namespace multiviz {
namespace {

// Numbers in cells, each of at most one player: a time series or a table. Hidden cells take the fill's value.
class NumberMasker : public Masker {
 public:
  NumberMasker(Players players, at::Tensor numbers, at::Tensor fill, std::function<Value(at::Tensor)> wrap)
      : players_(std::move(players)), numbers_(std::move(numbers)), fill_(std::move(fill)), wrap_(std::move(wrap)) {
    flat_cells_ = players_.cells.flatten(1).to(at::kFloat);
  }

  const Players& players() const override { return players_; }

  std::vector<Value> render(const at::Tensor& coalitions) const override {
    auto shape = numbers_.sizes().vec();
    shape.insert(shape.begin(), coalitions.size(0));
    auto hidden = coalitions.cpu().logical_not().to(at::kFloat).matmul(flat_cells_).reshape(shape) > 0;
    auto rendered = at::where(hidden, fill_, numbers_);
    std::vector<Value> values;
    values.reserve(static_cast<size_t>(coalitions.size(0)));
    for (auto& row : rendered.unbind(0)) values.push_back(wrap_(std::move(row)));
    return values;
  }

 private:
  Players players_;
  at::Tensor numbers_, fill_, flat_cells_;
  std::function<Value(at::Tensor)> wrap_;
};

at::Tensor baseline_of(const at::Tensor& numbers, const std::string& modality, const MaskerOptions& options) {
  check(options.baseline.defined(), "fill 'baseline' needs a baseline: give a row of {} numbers", numbers.size(-1));
  auto baseline = options.baseline.to(at::kCPU, at::kFloat);
  bool row = baseline.dim() == 1 && baseline.size(0) == numbers.size(-1);
  check(row || baseline.sizes() == numbers.sizes(), "the baseline must have the shape [{}] of one row of '{}'{}, got [{}]",
        numbers.size(-1), modality, numbers.dim() == 2 ? " or of the whole series" : "",
        fmt::join(baseline.sizes(), ", "));
  return baseline.expand(numbers.sizes()).contiguous();
}

std::string name_or_number(const std::vector<std::string>& names, int64_t i, const char* what) {
  return i < std::ssize(names) ? names[static_cast<size_t>(i)] : fmt::format("{} {}", what, i + 1);
}

Players split_frames(const TimeSeries& series, int64_t run) {
  check(run > 0, "frames must be at least 1, got {}", run);
  Players players;
  int64_t count = series.frames.size(0);
  std::vector<at::Tensor> cells;
  for (int64_t begin = 0; begin < count; begin += run) {
    int64_t end = std::min(count, begin + run);
    auto first = name_or_number(series.frame_names, begin, "frame");
    players.names.push_back(end - begin == 1 ? first
                            : series.frame_names.empty()
                                ? fmt::format("frames {} to {}", begin + 1, end)
                                : fmt::format("{} to {}", first, name_or_number(series.frame_names, end - 1, "frame")));
    cells.push_back(at::zeros(series.frames.sizes(), at::kBool));
    cells.back().slice(0, begin, end).fill_(true);
  }
  players.cells = at::stack(cells);
  return players;
}

Players split_channels(const TimeSeries& series) {
  int64_t channels = series.frames.size(1);
  Players players;
  for (int64_t c = 0; c < channels; ++c) players.names.push_back(name_or_number(series.channels, c, "channel"));
  auto cells = at::eye(channels).to(at::kBool).unsqueeze(1);
  players.cells = cells.expand({channels, series.frames.size(0), channels}).contiguous();
  return players;
}

Players split_groups(const TimeSeries& series, const std::string& modality) {
  auto sets = channel_sets(series, modality);
  Players players;
  players.names = std::move(sets.names);
  players.cells = sets.channels.unsqueeze(1).expand({-1, series.frames.size(0), -1}).contiguous();
  return players;
}

Players split_series(const TimeSeries& series, const std::string& modality, const MaskerOptions& options) {
  static const std::vector<std::string> known = {"frames", "channels", "groups"};
  check_choice("parts", options.parts, known);
  if (options.parts == "frames") return split_frames(series, options.frames);
  if (options.parts == "channels") return split_channels(series);
  return split_groups(series, modality);
}

}  // namespace

MaskerPtr make_series_masker(const TimeSeries& series, const std::string& modality, const MaskerOptions& options) {
  static const std::vector<std::string> known = {"zero", "mean", "baseline"};
  check_choice("fill", options.fill, known);
  check(series.frames.dim() == 2 && series.frames.numel() > 0, "'{}' must be frames x channels and not empty", modality);
  auto frames = series.frames.to(at::kCPU, at::kFloat).contiguous();
  auto fill = options.fill == "zero"   ? at::zeros_like(frames)
              : options.fill == "mean" ? frames.mean(0, true).expand(frames.sizes()).contiguous()
                                       : baseline_of(frames, modality, options);
  auto players = split_series(series, modality, options);
  players.modality = modality;
  players.kind = ModalityKind::time_series;
  auto wrap = [series](at::Tensor rendered) -> Value {
    auto value = series;
    value.frames = std::move(rendered);
    return value;
  };
  return std::make_shared<NumberMasker>(std::move(players), frames, fill, wrap);
}

MaskerPtr make_table_masker(const Table& table, const std::string& modality, const MaskerOptions& options) {
  static const std::vector<std::string> known = {"zero", "baseline"};
  check_choice("fill", options.fill, known);
  check(table.columns.dim() == 1 && table.columns.numel() > 0, "'{}' must be a row of numbers and not empty", modality);
  auto columns = table.columns.to(at::kCPU, at::kFloat).contiguous();
  auto fill = options.fill == "zero" ? at::zeros_like(columns) : baseline_of(columns, modality, options);
  Players players;
  players.modality = modality;
  players.kind = ModalityKind::tabular;
  for (int64_t c = 0; c < columns.numel(); ++c) players.names.push_back(name_or_number(table.names, c, "column"));
  players.cells = at::eye(columns.numel()).to(at::kBool);
  auto wrap = [names = table.names](at::Tensor rendered) -> Value { return Table{std::move(rendered), names}; };
  return std::make_shared<NumberMasker>(std::move(players), columns, fill, wrap);
}

}  // namespace multiviz
