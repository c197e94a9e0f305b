#include "unimodal/gradient.h"

#include <ATen/ATen.h>

#include "core/progress.h"
#include "core/stopwatch.h"

namespace multiviz {
namespace {

Explanation explain_gradient(const std::string& method, const Model& model, const Datapoint& datapoint,
                             std::span<const Target> targets, const GradientOptions& options, Gather gather) {
  Stopwatch watch;
  Progress progress(method, 1);
  LeafGradient gradient(model, datapoint, {targets.begin(), targets.end()}, options.modalities, method);
  std::vector<at::Tensor> inputs;
  for (size_t i = 0; i < gradient.modalities().size(); ++i) inputs.push_back(gradient.leaf(i).tensor);
  std::vector<std::vector<at::Tensor>> scores(targets.size());
  gradient.at(inputs, [&](size_t k, const std::vector<at::Tensor>& gradients) {
    for (size_t i = 0; i < gradients.size(); ++i)
      scores[k].push_back(gather == Gather::contribution ? gradients[i] * inputs[i] : gradients[i]);
  });
  auto explanation = gradient.explain(method, scores, options.players, gather);
  progress.advance();
  explanation.cost.seconds = watch.seconds();
  return explanation;
}

}  // namespace

Explanation gradient(const Model& model, const Datapoint& datapoint, std::span<const Target> targets,
                     const GradientOptions& options) {
  return explain_gradient("gradient", model, datapoint, targets, options, Gather::saliency);
}

Explanation gradient_x_input(const Model& model, const Datapoint& datapoint, std::span<const Target> targets,
                             const GradientOptions& options) {
  return explain_gradient("gradient_x_input", model, datapoint, targets, options, Gather::contribution);
}

}  // namespace multiviz
