#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>

#include "bindings/tensor.h"

namespace multiviz::script {
namespace {

constexpr int64_t most_columns = 12, edge_columns = 5;
constexpr int64_t most_rows = 20, edge_rows = 5;
constexpr int64_t most_blocks = 6, edge_blocks = 2;

// Positions that are shown of n, with -1 where some are left out.
std::vector<int64_t> shown(int64_t n, int64_t most, int64_t edge) {
  std::vector<int64_t> positions;
  for (int64_t i = 0; i < n; ++i) {
    if (n > most && i == edge) {
      positions.push_back(-1);
      i = n - edge;
    }
    positions.push_back(i);
  }
  return positions;
}

// One way to write every number of a tensor, so that columns align.
struct Format {
  enum class Kind { boolean, integer, fixed, scientific } kind;
  size_t width = 0;

  std::string text(double value) const {
    if (kind == Kind::boolean) return value != 0 ? "true" : "false";
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    if (kind == Kind::integer) return fmt::format("{:.0f}", value);
    return kind == Kind::fixed ? fmt::format("{:.4f}", value) : fmt::format("{:.4e}", value);
  }
};

Format choose(const at::Tensor& tensor, const std::vector<double>& values) {
  if (tensor.scalar_type() == at::kBool) return {Format::Kind::boolean};
  if (!tensor.is_floating_point()) return {Format::Kind::integer};
  double largest = 0, smallest = INFINITY;
  bool whole = true;
  for (double value : values) {
    if (!std::isfinite(value)) continue;
    whole = whole && value == std::trunc(value);
    largest = std::max(largest, std::abs(value));
    if (value != 0) smallest = std::min(smallest, std::abs(value));
  }
  if (whole && largest < 1e6) return {Format::Kind::fixed};
  bool readable = largest < 1e5 && largest >= 1e-3 && (std::isinf(smallest) || largest / smallest < 1e8);
  return {readable ? Format::Kind::fixed : Format::Kind::scientific};
}

std::string row_text(const at::Tensor& row, const Format& format) {
  std::string text;
  auto* data = row.const_data_ptr<double>();
  for (auto at : shown(row.size(0), most_columns, edge_columns))
    text += at < 0 ? "  ..." : fmt::format("  {:>{}}", format.text(data[at]), format.width);
  return text + "\n";
}

std::string matrix_text(const at::Tensor& matrix, const Format& format) {
  std::string text;
  for (auto at : shown(matrix.size(0), most_rows, edge_rows))
    text += at < 0 ? "  ...\n" : row_text(matrix.select(0, at).contiguous(), format);
  return text;
}

// Every matrix of a tensor with more than two dimensions, under its position.
std::string blocks_text(const at::Tensor& tensor, const Format& format) {
  std::string text;
  auto leading = tensor.sizes().slice(0, static_cast<size_t>(tensor.dim()) - 2);
  auto blocks = tensor.reshape({-1, tensor.size(-2), tensor.size(-1)});
  for (auto at : shown(blocks.size(0), most_blocks, edge_blocks)) {
    if (at < 0) {
      text += "...\n";
      continue;
    }
    std::string where;
    auto rest = at;
    for (size_t d = leading.size(); d-- > 0; rest /= leading[d])
      where = fmt::format("{}, ", rest % leading[d] + 1) + where;
    text += fmt::format("[{}:, :]\n", where) + matrix_text(blocks.select(0, at), format);
  }
  return text;
}

// Only the entries that are printed, so that a column is as wide as they need.
std::vector<double> visible(const at::Tensor& tensor) {
  auto part = tensor;
  for (int64_t d = 0; d < tensor.dim(); ++d) {
    bool row = d == tensor.dim() - 2, column = d == tensor.dim() - 1;
    auto positions = column ? shown(tensor.size(d), most_columns, edge_columns)
                     : row  ? shown(tensor.size(d), most_rows, edge_rows)
                            : shown(tensor.size(d), most_blocks, edge_blocks);
    std::erase(positions, -1);
    part = part.index_select(d, at::tensor(positions, at::TensorOptions().dtype(at::kLong).device(tensor.device())));
  }
  part = part.to(at::kDouble).cpu().contiguous();
  return {part.const_data_ptr<double>(), part.const_data_ptr<double>() + part.numel()};
}

std::string heading(const at::Tensor& tensor) {
  auto text = fmt::format("tensor {} {}", dtype_name(tensor.scalar_type()), shape_text(tensor.sizes()));
  if (!tensor.device().is_cpu()) text += " " + tensor.device().str();
  if (tensor.requires_grad()) text += tensor.is_leaf() ? " requires_grad" : " with gradient";
  return text;
}

// What the eye cannot see in a tensor that is not printed whole.
std::string figures(const at::Tensor& tensor) {
  constexpr int64_t whole = 1000;
  if (tensor.numel() <= whole || !tensor.is_floating_point()) return "";
  auto values = tensor.to(at::kDouble);
  return fmt::format("  mean {:.4g}  std {:.4g}  min {:.4g}  max {:.4g}\n", values.mean().item<double>(),
                     values.std().item<double>(), values.min().item<double>(), values.max().item<double>());
}

}  // namespace

std::string tensor_text(const at::Tensor& tensor) {
  at::NoGradGuard no_grad;
  auto title = heading(tensor);
  if (tensor.numel() == 0) return title + " (empty)";
  auto plain = tensor.detach();
  auto values = visible(plain);
  auto format = choose(plain, values);
  if (tensor.dim() == 0) return fmt::format("{} {}", title, format.text(values[0]));
  for (double value : values) format.width = std::max(format.width, format.text(value).size());
  auto host = plain.cpu().to(at::kDouble);
  auto body = tensor.dim() == 1   ? row_text(host.contiguous(), format)
              : tensor.dim() == 2 ? matrix_text(host, format)
                                  : blocks_text(host, format);
  auto text = title + "\n" + body + figures(plain);
  text.pop_back();  // print ends the line
  return text;
}

}  // namespace multiviz::script
