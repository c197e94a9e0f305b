#include "unimodal/smooth_grad.h"

#include <ATen/ATen.h>

#include "core/batch.h"
#include "core/error.h"
#include "core/progress.h"
#include "core/random.h"
#include "core/stopwatch.h"

namespace multiviz {
namespace {

// Inputs of samples [begin, end): the leaves with noise. A generator for each sample keeps the result independent of
// the batch size.
std::vector<at::Tensor> noisy(const LeafGradient& gradient, const SmoothGradOptions& options, int64_t begin,
                              int64_t end) {
  std::vector<std::vector<at::Tensor>> rows(gradient.modalities().size());
  for (int64_t s = begin; s < end; ++s) {
    auto generator = make_generator(Random(options.seed, static_cast<uint64_t>(s)).next());
    for (size_t i = 0; i < rows.size(); ++i) {
      const auto& leaf = gradient.leaf(i).tensor;
      rows[i].push_back(at::randn(leaf.sizes(), generator, at::TensorOptions().dtype(leaf.scalar_type())));
    }
  }
  std::vector<at::Tensor> inputs;
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto& leaf = gradient.leaf(i).tensor;
    auto deviation = (leaf.max() - leaf.min()) * options.noise;
    inputs.push_back(leaf + at::cat(rows[i]).to(leaf.device()) * deviation);
  }
  return inputs;
}

}  // namespace

Explanation smooth_grad(const Model& model, const Datapoint& datapoint, std::span<const Target> targets,
                        const SmoothGradOptions& options) {
  Stopwatch watch;
  check(options.samples >= 1, "samples = {} is too few: use 1 or more", options.samples);
  check(options.noise >= 0, "noise = {} is negative: use a part of the input's range such as 0.15", options.noise);
  LeafGradient gradient(model, datapoint, {targets.begin(), targets.end()}, options.modalities, "smooth_grad");
  std::vector<std::vector<at::Tensor>> means(targets.size());
  for (auto& row : means)
    for (size_t i = 0; i < gradient.modalities().size(); ++i)
      row.push_back(at::zeros(gradient.leaf(i).tensor.sizes(), gradient.leaf(i).tensor.options().dtype(at::kDouble)));
  Progress progress("smooth_grad", options.samples);
  for_each_batch(options.samples, options.batch, [&](int64_t begin, int64_t end) {
    std::vector<std::vector<at::Tensor>> sums(targets.size());
    gradient.at(noisy(gradient, options, begin, end), [&](size_t k, const std::vector<at::Tensor>& gradients) {
      for (const auto& one : gradients) sums[k].push_back(one.sum(0, true, at::kDouble).div_(options.samples));
    });
    for (size_t k = 0; k < sums.size(); ++k)
      for (size_t i = 0; i < sums[k].size(); ++i) means[k][i].add_(sums[k][i]);
    progress.advance(end - begin);
  });
  auto explanation = gradient.explain("smooth_grad", means, options.players, Gather::saliency);
  explanation.options["samples"] = options.samples;
  explanation.options["noise"] = options.noise;
  explanation.seed = options.seed;
  explanation.cost.seconds = watch.seconds();
  return explanation;
}

}  // namespace multiviz
