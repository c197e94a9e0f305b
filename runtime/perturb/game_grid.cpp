#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "core/batch.h"
#include "core/error.h"
#include "perturb/game.h"

namespace multiviz {

at::Tensor Game::pair_coalitions(size_t a, const at::Tensor& mine, size_t b, const at::Tensor& theirs) const {
  int64_t pairs = mine.size(0) * theirs.size(0);
  std::vector<at::Tensor> parts;
  for (size_t m = 0; m < maskers_.size(); ++m) {
    if (!maskers_[m]) continue;
    parts.push_back(m == a   ? mine.repeat_interleave(theirs.size(0), 0)
                    : m == b ? theirs.repeat({mine.size(0), 1})
                             : at::ones({pairs, maskers_[m]->players().size()}, at::kBool));
  }
  return at::cat(parts, 1);
}

at::Tensor Game::grid(size_t a, const at::Tensor& rows, size_t b, const at::Tensor& columns) {
  auto fits = [&](size_t m, const at::Tensor& coalitions) {
    return m < maskers_.size() && maskers_[m] && coalitions.dim() == 2 && coalitions.scalar_type() == at::kBool &&
           coalitions.size(1) == maskers_[m]->players().size();
  };
  check(a != b && fits(a, rows) && fits(b, columns), "a grid needs boolean coalitions of two masked modalities' players");
  at::NoGradGuard no_grad;
  auto mine = rows.cpu(), theirs = columns.cpu();
  auto values = at::empty({mine.size(0), theirs.size(0), std::ssize(targets_)}, at::kDouble);
  // Grids are fused without a trace, which activations inside the model need.
  if (trace_for(targets_)) {
    for (int64_t r = 0; r < mine.size(0); ++r) values[r].copy_(value(pair_coalitions(a, mine.slice(0, r, r + 1), b, theirs)));
    return values;
  }
  std::vector<Encoding> encodings(maskers_.size());
  for (size_t m = 0; m < maskers_.size(); ++m)
    if (m != a && m != b) encodings[m] = encode_whole(m, cost_).encoding;
  std::vector<std::pair<int64_t, Encoding>> encoded_rows;
  for_each_batch(mine.size(0), batch_, [&](int64_t begin, int64_t end) {
    encoded_rows.emplace_back(begin, encode_masked(a, mine.slice(0, begin, end), cost_).encoding);
  });
  for_each_batch(theirs.size(0), batch_, [&](int64_t begin, int64_t end) {
    encodings[b] = encode_masked(b, theirs.slice(0, begin, end), cost_).encoding;
    for (const auto& [first, encoding] : encoded_rows) {
      encodings[a] = encoding;
      auto block = fuse_pairs(encodings, a, b);
      values.slice(0, first, first + block.size(0)).slice(1, begin, end).copy_(block);
    }
  });
  auto bad = at::isfinite(values).all(2).logical_not().nonzero();
  if (bad.size(0) > 0) {
    int64_t r = bad[0][0].item<int64_t>(), c = bad[0][1].item<int64_t>();
    explain_not_finite(pair_coalitions(a, mine.slice(0, r, r + 1), b, theirs.slice(0, c, c + 1))[0]);
  }
  return values;
}

at::Tensor Game::fuse_pairs(std::span<const Encoding> encodings, size_t a, size_t b) {
  int64_t rows = encodings[a].batch(), columns = encodings[b].batch();
  auto values = at::empty({rows, columns, std::ssize(targets_)}, at::kDouble);
  model_->fuse_grid(encodings, a, b, [&](const GridBlock& block) {
    auto found = evaluate(targets_, model_->signature(), block.output, nullptr).to(at::kCPU, at::kDouble);
    values.slice(0, block.i0, block.i1)
        .slice(1, block.j0, block.j1)
        .copy_(found.reshape({block.i1 - block.i0, block.j1 - block.j0, -1}));
  });
  cost_.fuses += rows * columns;
  return values;
}

}  // namespace multiviz
