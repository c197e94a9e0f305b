#include "crossmodal/pair_grid.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "core/batch.h"
#include "core/cancel.h"
#include "core/error.h"
#include "core/progress.h"
#include "unimodal/leaf_gradient.h"

namespace multiviz {
namespace {

constexpr int64_t traced_chunk = 256;

std::vector<size_t> choose_pair(const Model& model, const std::vector<std::string>& names) {
  const auto& signature = model.signature();
  auto found = find_modalities(model, names);
  check(signature.modalities.size() > 1, "this is about pairs of modalities, and {} has only '{}'", signature.name,
        signature.modalities.front().name);
  check(found.size() == 2, "choose two of the {} modalities of {}: give modalities = {{ \"{}\", \"{}\" }}",
        signature.modalities.size(), signature.name, signature.modalities.front().name, signature.modalities.back().name);
  return found;
}

EncodedRows select(const EncodedRows& rows, const at::Tensor& index) {
  EncodedRows out{rows.encoding.index_select(index), {}};
  for (const auto& [name, activation] : rows.activations)
    out.activations[name] = activation.index_select(0, index.to(activation.device()));
  return out;
}

}  // namespace

int64_t grid_columns(const Model& model, const std::vector<Target>& targets) {
  return targets.empty() ? model.signature().outputs() : std::ssize(targets);
}

std::vector<Datapoint> context_without(const Model& model, const Dataset& context, const Datapoint& datapoint,
                                       const std::string& method) {
  std::vector<Datapoint> out;
  Progress progress(method + ", reading the context", context.size());
  for (int64_t i = 0; i < context.size(); ++i) {
    throw_if_cancelled();
    auto one = adapt(model.signature(), context, context.get(i));
    if (datapoint.id.empty() || one.id != datapoint.id) out.push_back(std::move(one));
    progress.advance();
  }
  check(out.size() >= 2, "{} needs a context of at least two other datapoints and has {}: give a larger sample", method,
        out.size());
  return out;
}

PairGrid::PairGrid(const Model& model, const Datapoint& datapoint, std::vector<Target> targets,
                   const std::vector<std::string>& pair, int64_t batch, int64_t chunk)
    : model_(model),
      datapoint_(datapoint),
      targets_(std::move(targets)),
      batch_(batch),
      chunk_(chunk) {
  check_datapoint(model, datapoint);
  for (const auto& target : targets_) target.validate(model.signature());
  pair_ = choose_pair(model, pair);
  for (size_t m = 0; m < datapoint.values.size(); ++m)
    if (m != a() && m != b()) fixed_[m] = encode(m, 1, [&](int64_t) { return datapoint.values[m]; });
}

EncodedRows PairGrid::encode_rows(size_t modality, const Leaf& leaf) {
  auto trace = trace_for(targets_);
  EncodedRows rows{model_.encode(modality, leaf, trace.get()), {}};
  if (trace) rows.activations = trace->activations();
  cost_.encodes += leaf.tensor.size(0);
  if (progress_) progress_->advance(leaf.tensor.size(0));
  return rows;
}

EncodedRows PairGrid::encode(size_t modality, int64_t n, const std::function<Value(int64_t)>& value) {
  at::NoGradGuard no_grad;
  auto kind = model_.signature().modalities[modality].kind;
  auto values_of = [&](int64_t begin, int64_t end) {
    std::vector<Value> values;
    for (int64_t i = begin; i < end; ++i) values.push_back(value(i));
    return values;
  };
  // Rows of different lengths are padded to one shape by preparing them together; pixels are prepared as they are needed.
  bool together = kind == ModalityKind::text || kind == ModalityKind::time_series;
  Leaf whole;
  if (together) whole = model_.prepare(modality, values_of(0, n));
  std::vector<Encoding> parts;
  std::map<std::string, std::vector<at::Tensor>> activations;
  for_each_batch(n, batch_, [&](int64_t begin, int64_t end) {
    Leaf leaf;
    if (together) {
      auto part = [&](const at::Tensor& tensor) { return tensor.defined() ? tensor.slice(0, begin, end) : tensor; };
      leaf = {part(whole.tensor), part(whole.mask), part(whole.atoms), {}};
    } else {
      leaf = model_.prepare(modality, values_of(begin, end));
    }
    auto rows = encode_rows(modality, leaf);
    parts.push_back(std::move(rows.encoding));
    for (auto& [name, activation] : rows.activations) activations[name].push_back(std::move(activation));
  });
  EncodedRows out{parts.size() == 1 ? parts.front() : concatenate(parts), {}};
  for (const auto& [name, pieces] : activations) out.activations[name] = at::cat(pieces, 0);
  return out;
}

at::Tensor PairGrid::values(const Output& output, const Trace* trace) const {
  if (targets_.empty()) return output.logits;
  return evaluate(targets_, model_.signature(), output, trace);
}

void PairGrid::each_block(const EncodedRows& a, const EncodedRows& b,
                          const std::function<void(const GridBlock&, const at::Tensor&)>& consumer) {
  std::vector<EncodedRows> rows;
  std::vector<Encoding> encodings;
  for (size_t m = 0; m < model_.signature().modalities.size(); ++m) {
    rows.push_back(m == pair_[0] ? a : m == pair_[1] ? b : fixed_.at(m));
    encodings.push_back(rows.back().encoding);
  }
  if (trace_for(targets_)) return traced_blocks(rows, consumer);
  model_.fuse_grid(encodings, pair_[0], pair_[1],
                   [&](const GridBlock& block) { consumer(block, values(block.output, nullptr)); }, chunk_);
}

// Model::fuse_grid carries no trace, so targets that are units of a layer gather their pairs here.
void PairGrid::traced_blocks(const std::vector<EncodedRows>& rows,
                             const std::function<void(const GridBlock&, const at::Tensor&)>& consumer) {
  int64_t columns = rows[b()].size();
  for (int64_t i = 0; i < rows[a()].size(); ++i)
    for_each_batch(columns, chunk_ > 0 ? chunk_ : traced_chunk, [&](int64_t j0, int64_t j1) {
      auto options = at::TensorOptions().dtype(at::kLong).device(model_.device());
      auto trace = trace_for(targets_);
      std::vector<Encoding> pairs;
      for (size_t m = 0; m < rows.size(); ++m) {
        auto index = m == b() ? at::arange(j0, j1, options) : at::full({j1 - j0}, m == a() ? i : 0, options);
        auto chosen = select(rows[m], index);
        for (auto& [name, activation] : chosen.activations) trace->pass(name, std::move(activation));
        pairs.push_back(std::move(chosen.encoding));
      }
      auto output = model_.fuse(pairs, trace.get());
      consumer({i, i + 1, j0, j1, output}, values(output, trace.get()));
    });
}

void PairGrid::explain_not_finite() const {
  std::vector<Leaf> leaves;
  for (size_t m = 0; m < datapoint_.values.size(); ++m) leaves.push_back(model_.prepare(m, {&datapoint_.values[m], 1}));
  check_finite(model_, leaves, model_.forward(leaves));
  const auto& all = model_.signature().modalities;
  fail("{} gives values that are not finite for some pairs of '{}' and '{}': check the weights and the context",
       model_.signature().name, all[a()].name, all[b()].name);
}

GridSums PairGrid::sums(const EncodedRows& a, const EncodedRows& b) {
  at::NoGradGuard no_grad;
  int64_t count = a.size(), columns = b.size(), k = grid_columns(model_, targets_);
  auto device = at::TensorOptions().dtype(at::kDouble).device(model_.device());
  GridSums out{at::zeros({count, k}, device), at::zeros({columns, k}, device), at::zeros({k}, device),
               at::zeros({std::min(count, columns), k}, device), at::zeros({columns, k}, device), at::zeros({count, k}, device)};
  each_block(a, b, [&](const GridBlock& block, const at::Tensor& values) {
    int64_t height = block.i1 - block.i0, width = block.j1 - block.j0;
    // Everything that takes memory comes first: a block that runs out of it is repeated.
    auto pairs = values.reshape({height, width, k}).to(at::kDouble);
    auto over_columns = pairs.sum(1), over_rows = pairs.sum(0);
    auto squares = pairs.square().sum(at::IntArrayRef{0, 1});
    out.rows.slice(0, block.i0, block.i1).add_(over_columns);
    out.columns.slice(0, block.j0, block.j1).add_(over_rows);
    out.squares.add_(squares);
    for (int64_t i = std::max(block.i0, block.j0); i < std::min(block.i1, block.j1); ++i)
      out.diagonal.select(0, i).copy_(pairs.select(0, i - block.i0).select(0, i - block.j0));
    if (block.i1 == count) out.last_row.slice(0, block.j0, block.j1).copy_(pairs.select(0, height - 1));
    if (block.j1 == columns) out.last_column.slice(0, block.i0, block.i1).copy_(pairs.select(1, width - 1));
    if (progress_) progress_->advance(height * width);
  });
  cost_.fuses += count * columns;
  if (!at::isfinite(out.squares).all().item<bool>()) explain_not_finite();
  for (auto* one : {&out.rows, &out.columns, &out.squares, &out.diagonal, &out.last_row, &out.last_column}) *one = one->cpu();
  return out;
}

}  // namespace multiviz
