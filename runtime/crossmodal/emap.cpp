#include "crossmodal/emap.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.h"
#include "core/progress.h"
#include "core/stopwatch.h"
#include "unimodal/leaf_gradient.h"

namespace multiviz {
namespace {

nlohmann::json list(const at::Tensor& row) {
  auto values = row.contiguous();
  const double* data = values.data_ptr<double>();
  return std::vector<double>(data, data + values.numel());
}

void score(EmapResult& result, const Signature& signature, const std::vector<Datapoint>& labelled) {
  bool regression = signature.task == Task::regression;
  double before = 0, after = 0;
  int64_t counted = 0;
  for (size_t i = 0; i < labelled.size(); ++i) {
    auto full = result.logits[static_cast<int64_t>(i)], additive = result.projected[static_cast<int64_t>(i)];
    if (regression) {
      if (!labelled[i].value) continue;
      before += std::abs(full[0].item<double>() - *labelled[i].value);
      after += std::abs(additive[0].item<double>() - *labelled[i].value);
    } else {
      const auto& labels = labelled[i].labels;
      if (labels.empty()) continue;
      auto right = [&](const at::Tensor& logits) {
        return std::find(labels.begin(), labels.end(), logits.argmax().item<int64_t>()) != labels.end();
      };
      before += right(full);
      after += right(additive);
    }
    ++counted;
  }
  if (counted == 0) return;
  result.metric = regression ? "mean absolute error" : "accuracy";
  result.before = before / static_cast<double>(counted);
  result.after = after / static_cast<double>(counted);
}

// Two-way analysis of variance of the N x N grid, one observation a cell.
void split_variance(EmapResult& result, const GridSums& sums, int64_t n) {
  auto count = static_cast<double>(n);
  auto mean = sums.rows.sum(0) / (count * count);
  double total = (sums.squares - count * count * mean.square()).sum().item<double>();
  double first = count * (sums.rows / count - mean).square().sum().item<double>();
  double second = count * (sums.columns / count - mean).square().sum().item<double>();
  // Sums of squares are known to about 1e-12 of their size: less variance than that is none.
  if (total <= 1e-12 * sums.squares.sum().item<double>()) return;
  result.first = first / total;
  result.second = second / total;
  result.interaction = std::max(0.0, total - first - second) / total;
}

}  // namespace

Explanation emap(const Model& model, const Datapoint& datapoint, const Dataset& context,
                 std::span<const Target> targets, const EmapOptions& options) {
  Stopwatch watch;
  check(!targets.empty(), "nothing to explain: give at least one target");
  auto members = context_without(model, context, datapoint, "emap");
  members.push_back(datapoint);
  auto n = std::ssize(members);
  PairGrid grid(model, datapoint, {targets.begin(), targets.end()}, options.modalities, options.batch, options.chunk);
  Progress progress("emap", 2 * n + n * n);
  grid.show(&progress);
  auto rows = [&](size_t m) {
    return grid.encode(m, n, [&](int64_t i) { return members[static_cast<size_t>(i)].values[m]; });
  };
  auto a = rows(grid.a()), b = rows(grid.b());
  auto sums = grid.sums(a, b);

  auto count = static_cast<double>(n);
  auto mean = sums.rows.sum(0) / (count * count);
  auto first = sums.rows[n - 1] / count - mean, second = sums.columns[n - 1] / count - mean;
  auto value = sums.diagonal[n - 1], projected = mean + first + second;
  auto explanation = start_explanation("emap", "C", model, datapoint, {targets.begin(), targets.end()});
  const auto& all = model.signature().modalities;
  explanation.options = {{"context", n - 1}, {"modalities", {all[grid.a()].name, all[grid.b()].name}}};
  explanation.fit = {{"value", list(value)},
                     {"projected", list(projected)},
                     {"interaction", list(value - projected)},
                     {"mean", list(mean)},
                     {"unimodal", {{all[grid.a()].name, list(first)}, {all[grid.b()].name, list(second)}}}};
  explanation.cost = grid.cost();
  explanation.cost.seconds = watch.seconds();
  return explanation;
}

EmapResult emap(const Model& model, const Dataset& data, const EmapOptions& options) {
  Stopwatch watch;
  const auto& signature = model.signature();
  int64_t n = data.size();
  check(n >= 2, "emap needs at least two datapoints, and {} has {}", data.name(), n);
  check(signature.modalities.size() == 2,
        "emap of a data set needs a model of two modalities, and {} has {}: give a datapoint and a context",
        signature.name, signature.modalities.size());
  auto read = [&](int64_t i) { return adapt(signature, data, data.get(i)); };
  auto any = read(0);
  PairGrid grid(model, any, {}, options.modalities, options.batch, options.chunk);
  Progress progress("emap", 2 * n + n * n);
  grid.show(&progress);
  // Reading a datapoint may be costly. Images are read for their encoding and let go; what is small is kept meanwhile.
  bool a_first = signature.modalities[grid.a()].kind == ModalityKind::image;
  std::array<size_t, 2> order = {a_first ? grid.a() : grid.b(), a_first ? grid.b() : grid.a()};
  bool keep = signature.modalities[order[1]].kind != ModalityKind::image;
  std::vector<Datapoint> known(static_cast<size_t>(n));
  auto first = grid.encode(order[0], n, [&](int64_t i) {
    auto one = read(i);
    auto value = one.values[order[0]];
    known[static_cast<size_t>(i)] = {one.id, {}, one.labels, one.value, {}, {}};
    if (keep) known[static_cast<size_t>(i)].values = {one.values[order[1]]};
    return value;
  });
  auto second = grid.encode(order[1], n, [&](int64_t i) {
    return keep ? known[static_cast<size_t>(i)].values.front() : read(i).values[order[1]];
  });
  auto sums = a_first ? grid.sums(first, second) : grid.sums(second, first);

  auto count = static_cast<double>(n);
  EmapResult result;
  result.logits = sums.diagonal;
  result.projected = sums.rows / count + sums.columns / count - sums.rows.sum(0) / (count * count);
  for (size_t m : {grid.a(), grid.b()}) result.modalities.push_back(signature.modalities[m].name);
  score(result, signature, known);
  split_variance(result, sums, n);
  result.cost = grid.cost();
  result.cost.seconds = watch.seconds();
  return result;
}

}  // namespace multiviz
