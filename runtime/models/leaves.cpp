#include "models/leaves.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/error.h"

namespace multiviz {
namespace {

void check_kind(const std::string& name, std::span<const Value> values, ModalityKind kind) {
  check(!values.empty(), "no value of '{}' was given", name);
  for (const auto& value : values)
    check(kind_of(value) == kind, "'{}' takes a {}, and was given {}", name, kind_name(kind),
          kind_name(kind_of(value)));
}

// The frames of each value, all of the same channels.
std::vector<at::Tensor> frames_of(const std::string& name, std::span<const Value> values, int64_t channels) {
  check_kind(name, values, ModalityKind::time_series);
  std::vector<at::Tensor> out;
  for (const auto& value : values) {
    const auto& frames = std::get<TimeSeries>(value).frames;
    if (channels == 0 && frames.dim() == 2) channels = frames.size(1);
    check(frames.dim() == 2 && frames.size(0) > 0 && frames.size(1) == channels,
          "'{}' takes one frame or more of {} channels, not [{}]", name, channels, fmt::join(frames.sizes(), ", "));
    out.push_back(frames);
  }
  return out;
}

// [B, T, F]: cut to T frames, or padded with zeros.
at::Tensor stack_frames(const std::vector<at::Tensor>& rows, int64_t frames) {
  auto out = at::zeros({std::ssize(rows), frames, rows.front().size(1)});
  for (size_t b = 0; b < rows.size(); ++b) {
    const int64_t kept = std::min(rows[b].size(0), frames);
    out[static_cast<int64_t>(b)].slice(0, 0, kept).copy_(rows[b].slice(0, 0, kept));
  }
  return out;
}

}  // namespace

Leaf series_leaf(const std::string& name, std::span<const Value> values, int64_t channels, int64_t frames,
                 at::Device device) {
  const auto rows = frames_of(name, values, channels);
  std::vector<int64_t> lengths;
  for (const auto& row : rows) {
    check(frames == 0 || row.size(0) == frames, "'{}' takes {} frames, not {}", name, frames, row.size(0));
    lengths.push_back(row.size(0));
  }
  const auto [shortest, longest] = std::minmax_element(lengths.begin(), lengths.end());
  Leaf leaf;
  leaf.tensor = stack_frames(rows, *longest).to(device);
  if (*shortest < *longest)
    leaf.mask = at::arange(*longest).unsqueeze(0).lt(at::tensor(lengths, at::kLong).unsqueeze(1)).to(device);
  return leaf;
}

Leaf fixed_series_leaf(const std::string& name, std::span<const Value> values, int64_t channels, int64_t frames,
                       at::Device device) {
  Leaf leaf;
  leaf.tensor = stack_frames(frames_of(name, values, channels), frames).to(device);
  return leaf;
}

Leaf table_leaf(const std::string& name, std::span<const Value> values, int64_t columns, at::Device device) {
  check_kind(name, values, ModalityKind::tabular);
  std::vector<at::Tensor> rows;
  for (const auto& value : values) {
    const auto& row = std::get<Table>(value).columns;
    if (columns == 0 && row.dim() == 1) columns = row.size(0);
    check(row.dim() == 1 && row.size(0) == columns && columns > 0, "'{}' takes {} columns, not [{}]", name, columns,
          fmt::join(row.sizes(), ", "));
    rows.push_back(row);
  }
  Leaf leaf;
  leaf.tensor = at::stack(rows).to(device, at::kFloat);
  return leaf;
}

}  // namespace multiviz
