#include "unimodal/integrated_gradients.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <array>
#include <cmath>
#include <numbers>

#include "core/batch.h"
#include "core/cancel.h"
#include "core/error.h"
#include "core/progress.h"
#include "core/stopwatch.h"
#include "core/suggest.h"

namespace multiviz {
namespace {

at::Tensor blurred(const at::Tensor& image, double sigma) {
  check(sigma > 0, "blur = {} is not a standard deviation: use a positive number of pixels", sigma);
  auto along = [&](const at::Tensor& pixels, int64_t dim) {
    int64_t reach = std::min<int64_t>(static_cast<int64_t>(std::ceil(3 * sigma)), pixels.size(dim) - 1);
    auto offsets = at::arange(-reach, reach + 1, pixels.options());
    auto kernel = offsets.square().div(-2 * sigma * sigma).exp();
    kernel = kernel / kernel.sum();
    bool vertical = dim == 2;
    std::vector<int64_t> shape = {1, 1, vertical ? kernel.size(0) : 1, vertical ? 1 : kernel.size(0)};
    std::vector<int64_t> margin = {0, 0, 0, 0}, one = {1, 1}, none = {0, 0};
    margin[vertical ? 2 : 0] = margin[vertical ? 3 : 1] = reach;
    auto padded = at::pad(pixels, margin, "reflect");
    auto kernels = kernel.reshape(shape).repeat({pixels.size(1), 1, 1, 1});
    return at::conv2d(padded, kernels, {}, one, at::IntArrayRef(none), one, pixels.size(1));
  };
  return along(along(image, 2), 3);
}

at::Tensor mean_of(const Leaf& leaf, const Modality& modality) {
  switch (modality.kind) {
    case ModalityKind::image: return leaf.tensor.mean({2, 3}, true).expand_as(leaf.tensor);
    case ModalityKind::text:
    case ModalityKind::time_series: {
      if (!leaf.mask.defined()) return leaf.tensor.mean(1, true).expand_as(leaf.tensor);
      auto mask = leaf.mask.unsqueeze(2).to(leaf.tensor.scalar_type());
      return (leaf.tensor * mask).sum(1, true).div(mask.sum(1, true)).expand_as(leaf.tensor);
    }
    case ModalityKind::tabular: break;
  }
  fail("the mean of the columns of '{}' is no baseline: give one datapoint's values, or \"zero\"", modality.name);
}

at::Tensor baseline_of(const Model& model, size_t modality, const Leaf& leaf,
                       const IntegratedGradientsOptions& options) {
  const auto& described = model.signature().modalities[modality];
  auto found = options.baselines.find(described.name);
  Baseline baseline = found == options.baselines.end() ? Baseline{} : found->second;
  at::NoGradGuard no_grad;
  switch (baseline.kind) {
    case Baseline::Kind::zero: return at::zeros_like(leaf.tensor);
    case Baseline::Kind::mean: return mean_of(leaf, described);
    case Baseline::Kind::blur:
      check(described.kind == ModalityKind::image, "'{}' is no image to blur: use \"zero\" or \"mean\" for it",
            described.name);
      return blurred(leaf.tensor, options.blur);
    case Baseline::Kind::given: break;
  }
  auto given = model.prepare(modality, {&*baseline.value, 1}).tensor.detach();
  check(given.sizes() == leaf.tensor.sizes(),
        "the baseline of '{}' becomes [{}] but the input [{}]: give one of the same length", described.name,
        fmt::join(given.sizes(), ", "), fmt::join(leaf.tensor.sizes(), ", "));
  return given;
}

Quadrature rule_by_name(const std::string& name, int64_t steps) {
  check(steps >= 1, "steps = {} is too few: use 1 or more", steps);
  if (name == "gauss_legendre") return gauss_legendre(steps);
  if (name == "riemann_middle") return riemann_middle(steps);
  std::vector<std::string> known = {"gauss_legendre", "riemann_middle"};
  fail("unknown rule '{}'{}", name, suggestion(name, known));
}

const char* baseline_name(const IntegratedGradientsOptions& options, const std::string& modality) {
  static constexpr std::array names = {"zero", "mean", "blur", "given"};
  auto found = options.baselines.find(modality);
  return found == options.baselines.end() ? names[0] : names.at(static_cast<size_t>(found->second.kind));
}

// Integrates the gradient along the path; everything of one batch is added at its end, so that a batch which runs out
// of memory can be repeated.
class PathIntegral {
 public:
  PathIntegral(LeafGradient& gradient, const IntegratedGradientsOptions& options)
      : gradient_(gradient), rule_(rule_by_name(options.rule, options.steps)) {
    for (size_t i = 0; i < gradient.modalities().size(); ++i) {
      baselines_.push_back(baseline_of(gradient.model(), gradient.modalities()[i], gradient.leaf(i), options));
      steps_.push_back(gradient.leaf(i).tensor - baselines_.back());
    }
    totals_.resize(gradient.targets().size(), std::vector<at::Tensor>(steps_.size()));
  }

  void run(int64_t batch) {
    auto total = std::ssize(rule_.nodes);
    Progress progress("integrated_gradients", total);
    for_each_batch(total, batch, [&](int64_t begin, int64_t end) {
      auto sums = add_up(begin, end);
      for (size_t k = 0; k < sums.size(); ++k)
        for (size_t i = 0; i < sums[k].size(); ++i)
          totals_[k][i] = totals_[k][i].defined() ? totals_[k][i].add_(sums[k][i]) : sums[k][i];
      progress.advance(end - begin);
    });
  }

  // (x - x') * integral, per target and modality.
  std::vector<std::vector<at::Tensor>> scores() const {
    auto out = totals_;
    for (auto& row : out)
      for (size_t i = 0; i < row.size(); ++i) row[i] = row[i] * steps_[i].to(at::kDouble);
    return out;
  }

  // f(x) - f(x'), float64 [K].
  at::Tensor change() {
    std::vector<at::Tensor> ends;
    for (size_t i = 0; i < steps_.size(); ++i) ends.push_back(at::cat({baselines_[i], gradient_.leaf(i).tensor}));
    auto values = gradient_.values(ends).to(at::kCPU, at::kDouble);
    return values[1] - values[0];
  }

 private:
  std::vector<std::vector<at::Tensor>> add_up(int64_t begin, int64_t end) {
    auto part = [&](const std::vector<double>& all) {
      std::vector<double> some(all.begin() + begin, all.begin() + end);
      return at::tensor(some, at::kDouble).to(steps_.front().device());
    };
    auto nodes = part(rule_.nodes), weights = part(rule_.weights);
    std::vector<at::Tensor> inputs;
    for (size_t i = 0; i < steps_.size(); ++i) {
      std::vector<int64_t> shape(static_cast<size_t>(steps_[i].dim()), 1);
      shape.front() = end - begin;
      inputs.push_back(baselines_[i] + nodes.reshape(shape).to(steps_[i].scalar_type()) * steps_[i]);
    }
    std::vector<std::vector<at::Tensor>> sums(totals_.size());
    gradient_.at(inputs, [&](size_t k, const std::vector<at::Tensor>& gradients) {
      for (const auto& one : gradients)
        sums[k].push_back(at::tensordot(weights, one.to(at::kDouble), {0}, {0}).unsqueeze(0));
    });
    return sums;
  }

  LeafGradient& gradient_;
  Quadrature rule_;
  std::vector<at::Tensor> baselines_, steps_;
  std::vector<std::vector<at::Tensor>> totals_;
};

}  // namespace

Quadrature gauss_legendre(int64_t n) {
  Quadrature rule{std::vector<double>(static_cast<size_t>(n)), std::vector<double>(static_cast<size_t>(n))};
  // Nodes are symmetric about the middle.
  for (int64_t i = 0; i < (n + 1) / 2; ++i) {
    throw_if_cancelled();
    // Newton's method on the Legendre polynomial P_n, from the usual first guess of its root.
    double x = std::cos(std::numbers::pi * (static_cast<double>(i) + 0.75) / (static_cast<double>(n) + 0.5)), slope = 1;
    for (int round = 0; round < 100; ++round) {
      double before = 1, here = x;
      for (int64_t d = 2; d <= n; ++d) {
        double next = ((2 * static_cast<double>(d) - 1) * x * here - (static_cast<double>(d) - 1) * before) /
                      static_cast<double>(d);
        before = here;
        here = next;
      }
      slope = static_cast<double>(n) * (x * here - before) / (x * x - 1);
      double change = here / slope;
      x -= change;
      if (std::abs(change) < 1e-15) break;
    }
    const auto here = static_cast<size_t>(i), there = static_cast<size_t>(n - 1 - i);
    rule.nodes[here] = (1 - x) / 2;
    rule.nodes[there] = (1 + x) / 2;
    rule.weights[here] = rule.weights[there] = 1 / ((1 - x * x) * slope * slope);
  }
  return rule;
}

Quadrature riemann_middle(int64_t n) {
  Quadrature rule;
  for (int64_t i = 0; i < n; ++i) {
    rule.nodes.push_back((static_cast<double>(i) + 0.5) / static_cast<double>(n));
    rule.weights.push_back(1 / static_cast<double>(n));
  }
  return rule;
}

Explanation integrated_gradients(const Model& model, const Datapoint& datapoint, std::span<const Target> targets,
                                 const IntegratedGradientsOptions& options) {
  Stopwatch watch;
  for (const auto& [name, _] : options.baselines) modality_index(model.signature().modalities, name);
  LeafGradient gradient(model, datapoint, {targets.begin(), targets.end()}, options.modalities, "integrated_gradients");
  PathIntegral integral(gradient, options);
  integral.run(options.batch);
  auto change = integral.change();
  auto scores = integral.scores();
  auto explanation = gradient.explain("integrated_gradients", scores, options.players, Gather::contribution);
  for (size_t k = 0; k < scores.size(); ++k) {
    double total = 0;
    for (const auto& one : scores[k]) total += one.sum().item<double>();
    double expected = change[static_cast<int64_t>(k)].item<double>();
    explanation.fit["change"].push_back(expected);
    explanation.fit["completeness_gap"].push_back(total - expected);
  }
  explanation.options["steps"] = options.steps;
  explanation.options["rule"] = options.rule;
  for (size_t m : gradient.modalities()) {
    const auto& name = model.signature().modalities[m].name;
    explanation.options["baseline"][name] = baseline_name(options, name);
  }
  explanation.options["blur"] = options.blur;
  explanation.cost.seconds = watch.seconds();
  return explanation;
}

}  // namespace multiviz
