#include "nn/modulated_score.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "core/parallel.h"

namespace multiviz {
namespace {

constexpr int64_t tile = 64;  // cells whose sums stay in the innermost cache
constexpr int64_t most_glimpses = 8;

struct Shape {
  int64_t keys, cells, glimpses;
};

// One row: `cells` [K, N] is the map, a key after the other; s [G, N].
[[gnu::always_inline]] inline void score_row_body(Shape shape, const float* modulation, const float* cells,
                                                  const float* weight, const float* bias, float* s) {
  for (int64_t first = 0; first < shape.cells; first += tile) {
    int64_t size = std::min(tile, shape.cells - first);
    alignas(64) float seen[tile] = {}, sums[most_glimpses][tile];
    for (int64_t g = 0; g < shape.glimpses; ++g) std::fill_n(sums[g], tile, bias[g]);
    for (int64_t k = 0; k < shape.keys; ++k) {
      const float* value = cells + k * shape.cells + first;
      float gain = modulation[k], offset = modulation[shape.keys + k];
      for (int64_t n = 0; n < size; ++n) {
        float x = gain * value[n] + offset;
        seen[n] = x < 0 ? 0 : x;  // keeps NaN
      }
      for (int64_t g = 0; g < shape.glimpses; ++g) {
        float w = weight[g * shape.keys + k];
        for (int64_t n = 0; n < tile; ++n) sums[g][n] += w * seen[n];
      }
    }
    for (int64_t g = 0; g < shape.glimpses; ++g) std::copy_n(sums[g], size, s + g * shape.cells + first);
  }
}

using ScoreRow = void (*)(Shape, const float*, const float*, const float*, const float*, float*);

void score_row_plain(Shape shape, const float* modulation, const float* cells, const float* weight, const float* bias,
                     float* s) {
  score_row_body(shape, modulation, cells, weight, bias, s);
}

// The build is for the baseline CPU of the architecture; this loop is where it pays to look at the one that runs.
#if defined(__x86_64__)
[[gnu::target("avx2,fma")]] void score_row_avx2(Shape shape, const float* modulation, const float* cells,
                                                const float* weight, const float* bias, float* s) {
  score_row_body(shape, modulation, cells, weight, bias, s);
}
[[gnu::target("avx512f,prefer-vector-width=512")]] void score_row_avx512(Shape shape, const float* modulation,
                                                                         const float* cells, const float* weight,
                                                                         const float* bias, float* s) {
  score_row_body(shape, modulation, cells, weight, bias, s);
}
ScoreRow best_score_row() {
  if (__builtin_cpu_supports("avx512f")) return score_row_avx512;
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? score_row_avx2 : score_row_plain;
}
#else
ScoreRow best_score_row() { return score_row_plain; }
#endif

at::Tensor score_rows(const at::Tensor& modulation, const at::Tensor& map, const LinearWeights& score) {
  static const ScoreRow best = best_score_row();
  constexpr int64_t together = 8;
  int64_t rows = modulation.size(0);
  Shape shape{map.size(2), map.size(1), score.weight.size(0)};
  auto given = modulation.contiguous(), cells = map.transpose(1, 2).contiguous();
  auto weight = score.weight.contiguous(), bias = score.bias.contiguous();
  auto out = at::empty({rows, shape.glimpses, shape.cells}, modulation.options());
  int64_t step = map.size(0) == 1 ? 0 : shape.keys * shape.cells;
  auto run = [&, from = given.data_ptr<float>(), to = out.data_ptr<float>()](int64_t block) {
    for (int64_t row = block * together; row < std::min(rows, (block + 1) * together); ++row)
      best(shape, from + row * 2 * shape.keys, cells.data_ptr<float>() + row * step, weight.data_ptr<float>(),
           bias.data_ptr<float>(), to + row * shape.glimpses * shape.cells);
  };
  if (rows <= together)
    run(0);
  else
    parallel_for((rows + together - 1) / together, run);
  return out;
}

}  // namespace

at::Tensor modulated_score(const at::Tensor& modulation, const at::Tensor& map, const LinearWeights& score) {
  bool followed = at::GradMode::is_enabled() && (modulation.requires_grad() || map.requires_grad() ||
                                                 score.weight.requires_grad() || score.bias.requires_grad());
  if (!followed && map.is_cpu() && map.scalar_type() == at::kFloat && modulation.scalar_type() == at::kFloat &&
      score.weight.size(0) <= most_glimpses)
    return score_rows(modulation, map, score);
  auto parts = modulation.unsqueeze(1).chunk(2, 2);          // 2 x [B, 1, K]
  auto seen = at::addcmul(parts[1], map, parts[0]).relu_();  // [B, N, K]
  return linear(seen, score).transpose(1, 2);
}

}  // namespace multiviz
