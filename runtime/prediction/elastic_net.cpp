#include "prediction/elastic_net.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>

#include "core/batch.h"
#include "core/error.h"
#include "core/random.h"
#include "core/stopwatch.h"
#include "prediction/gaussian_path.h"
#include "prediction/multinomial_path.h"

namespace multiviz {
namespace {

constexpr int64_t block_rows = 8192;
constexpr int64_t most_train_rows = 10000;  // that the accuracy of the fit is taken over

void check_options(const ElasticNetOptions& options) {
  check(options.lambdas >= 1, "lambdas is {}: give the number of lambdas, 1 or more", options.lambdas);
  check(options.epsilon > 0 && options.epsilon < 1,
        "epsilon is {}: the last lambda as a share of the first lies between 0 and 1", options.epsilon);
  check(options.alpha >= 0 && options.alpha <= 1, "alpha is {}: the share of the l1 penalty lies in 0 to 1",
        options.alpha);
  check(options.holdout >= 0 && options.holdout < 1,
        "holdout is {}: the share of rows to hold out lies in 0 to below 1", options.holdout);
  check(options.tolerance.value_or(1) > 0, "tolerance is {}: it must be positive", options.tolerance.value_or(1));
  check(options.max_iterations >= 1, "max_iterations is {}: allow at least 1", options.max_iterations);
  check(options.saturation >= 0, "saturation is {}: it must not be negative", options.saturation);
  for (double lambda : options.grid)
    check(std::isfinite(lambda) && lambda > 0, "a lambda is {}: every lambda must be positive", lambda);
}

void check_features(const at::Tensor& features) {
  check(features.defined() && features.dim() == 2 && features.is_floating_point(),
        "the features are not a matrix of floating-point numbers: give [datapoints, features]");
  check(features.size(0) >= 2 && features.size(1) >= 1,
        "the features are {} x {}: at least 2 datapoints and 1 feature are needed", features.size(0), features.size(1));
  for_each_batch(features.size(0), block_rows, [&](int64_t begin, int64_t end) {
    at::Tensor bad = features.slice(0, begin, end).isfinite().logical_not();
    if (!bad.any().item<bool>()) return;
    at::Tensor first = bad.nonzero()[0];
    fail("feature {} of datapoint {} is {}: features must be finite", first[1].item<int64_t>() + 1,
         begin + first[0].item<int64_t>() + 1,
         features[begin + first[0].item<int64_t>()][first[1].item<int64_t>()].item<double>());
  });
}

void check_response(const Response& response, int64_t rows, Family family) {
  int64_t classes = static_cast<int64_t>(response.names.size());
  check(response.labels.defined() != response.targets.defined(), "give either labels or targets");
  if (response.targets.defined()) {
    check(family == Family::gaussian,
          "the multinomial family predicts one label per datapoint, not targets: use gaussian");
    check(response.targets.dim() == 2 && response.targets.size(0) == rows && response.targets.size(1) == classes,
          "targets are {} but there are {} datapoints and {} target names: give [datapoints, targets]",
          c10::str(response.targets.sizes()), rows, classes);
    check(response.targets.isfinite().all().item<bool>(), "a target is not finite: give numbers");
    return;
  }
  const at::Tensor& labels = response.labels;
  check(labels.dim() == 1 && labels.size(0) == rows,
        "there are {} labels for {} datapoints: give one label per datapoint", labels.numel(), rows);
  check(labels.scalar_type() == at::kLong, "labels must be whole numbers");
  int64_t low = labels.min().item<int64_t>(), high = labels.max().item<int64_t>();
  check(low >= -1 && high < classes, "label {} is out of range: there are {} classes", low < -1 ? low + 1 : high + 1,
        classes);
}

struct Rows {
  at::Tensor fit, heldout;  // int64
  at::Tensor weights;       // float64 [n], of the fit, summing to 1
};

Rows split(const Response& response, const at::Tensor& weights, int64_t rows, const ElasticNetOptions& options) {
  at::Tensor usable = at::ones({rows}, at::kBool);
  if (response.labels.defined()) usable = response.labels.cpu() >= 0;
  at::Tensor weight = at::ones({rows}, at::kDouble);
  if (weights.defined()) {
    check(weights.dim() == 1 && weights.size(0) == rows,
          "there are {} weights for {} datapoints: give one weight per datapoint", weights.numel(), rows);
    weight = weights.to(at::kCPU, at::kDouble);
    check((weight.isfinite() & (weight >= 0)).all().item<bool>(),
          "a weight is negative or not finite: weights count datapoints");
    usable = usable & (weight > 0);
  }
  at::Tensor index = usable.nonzero().squeeze(1);
  int64_t held = static_cast<int64_t>(options.holdout * static_cast<double>(index.size(0)));
  check(index.size(0) - held >= 2, "{} labelled datapoints of positive weight are too few: at least 2 are needed",
        index.size(0));
  at::Tensor order = at::randperm(index.size(0), make_generator(options.seed), at::TensorOptions(at::kLong));
  Rows result;
  result.heldout = std::get<0>(index.index_select(0, order.slice(0, 0, held)).sort());
  result.fit = std::get<0>(index.index_select(0, order.slice(0, held)).sort());
  result.weights = weight.index_select(0, result.fit);
  result.weights = result.weights / result.weights.sum();
  return result;
}

// The classes that the rows of the fit have, ascending.
at::Tensor present_classes(const Response& response, const Rows& rows) {
  at::Tensor labels = response.labels.cpu().index_select(0, rows.fit);
  at::Tensor counts = at::bincount(labels, {}, static_cast<int64_t>(response.names.size()));
  at::Tensor present = counts.nonzero().squeeze(1);
  check(present.size(0) >= 2, "every datapoint of the fit has the label '{}': at least two classes are needed",
        response.names[static_cast<size_t>(present[0].item<int64_t>())]);
  return present;
}

Fit fit_gaussian(const at::Tensor& features, const Response& response, const Rows& rows,
                 const ElasticNetOptions& options) {
  if (response.labels.defined()) present_classes(response, rows);
  Moments moment = moments(features, response, rows.fit, rows.weights, options.standardize, options.intercept);
  std::vector<double> grid = options.grid;
  if (grid.empty()) grid = lambda_grid(gaussian_lambda_max(moment, options.alpha), options.epsilon, options.lambdas);
  check(grid.front() > 0, "no feature varies together with any target: there is nothing to fit");
  return gaussian_path(moment, grid, options);
}

// Fits the classes that occur; the others keep no coefficient and the intercept -inf.
Fit fit_multinomial(const at::Tensor& features, const Response& response, const Rows& rows,
                    const ElasticNetOptions& options) {
  at::Tensor present = present_classes(response, rows);
  int64_t classes = static_cast<int64_t>(response.names.size());
  at::Tensor rank = at::full({classes}, -1, at::kLong);
  rank.index_put_({present}, at::arange(present.size(0)));
  Response compact;
  compact.labels = at::where(response.labels.cpu() >= 0, rank.index_select(0, response.labels.cpu().clamp_min(0)), -1);
  for (int64_t i = 0; i < present.size(0); ++i)
    compact.names.push_back(response.names[static_cast<size_t>(present[i].item<int64_t>())]);
  Moments moment = moments(features, compact, rows.fit, rows.weights, options.standardize, options.intercept);
  Fit part = multinomial_path(features, rows.fit, compact.labels.index_select(0, rows.fit), rows.weights,
                              present.size(0), moment, options);
  Fit fit{std::move(part.lambdas), std::vector<ClassPath>(static_cast<size_t>(classes)), std::move(part.deviance),
          std::move(part.gap)};
  for (int64_t label = 0; label < classes; ++label) {
    auto& path = fit.classes[static_cast<size_t>(label)];
    int64_t at = rank[label].item<int64_t>();
    if (at >= 0)
      path = std::move(part.classes[static_cast<size_t>(at)]);
    else
      for (size_t l = 0; l < fit.lambdas.size(); ++l) path.append_empty(-HUGE_VAL);
  }
  return fit;
}

// Ends the fit at the first lambda that explains hardly more than the one before it.
void stop_when_saturated(Fit& fit, double saturation) {
  size_t keep = fit.lambdas.size();
  for (size_t l = 1; l < keep; ++l)
    if (fit.deviance[l] > 0 && fit.deviance[l] - fit.deviance[l - 1] < saturation) keep = l + 1;
  for (auto* values : {&fit.lambdas, &fit.deviance, &fit.gap}) values->resize(keep);
  for (ClassPath& path : fit.classes) path.shorten(keep);
}

nlohmann::json describe(const ElasticNetOptions& options, const Rows& rows) {
  return {{"family", family_name(options.family)},
          {"alpha", options.alpha},
          {"lambdas", options.grid.empty() ? options.lambdas : static_cast<int64_t>(options.grid.size())},
          {"epsilon", options.epsilon},
          {"standardize", options.standardize},
          {"intercept", options.intercept},
          {"tolerance", options.tolerance.value_or(options.family == Family::gaussian ? 1e-8 : 1e-4)},
          {"holdout", options.holdout},
          {"seed", options.seed},
          {"rows", rows.fit.size(0)},
          {"heldout_rows", rows.heldout.size(0)}};
}

}  // namespace

SparsePath elastic_net(const at::Tensor& features, const Response& response, const at::Tensor& weights,
                       const ElasticNetOptions& given) {
  at::NoGradGuard no_grad;
  Stopwatch stopwatch;
  ElasticNetOptions options = given;
  std::sort(options.grid.rbegin(), options.grid.rend());
  check_options(options);
  check_features(features);
  check_response(response, features.size(0), options.family);
  Rows rows = split(response, weights, features.size(0), options);
  Fit fit = options.family == Family::gaussian ? fit_gaussian(features, response, rows, options)
                                               : fit_multinomial(features, response, rows, options);
  if (options.saturation > 0) stop_when_saturated(fit, options.saturation);
  SparsePath path;
  path.family = options.family;
  path.alpha = options.alpha;
  path.features = features.size(1);
  path.names = response.names;
  path.classification = response.labels.defined();
  path.options = describe(options, rows);
  assemble(std::move(fit), path);
  path.train = score_path(path, features, response, rows.fit.slice(0, 0, most_train_rows));
  if (rows.heldout.size(0) > 0) path.heldout = score_path(path, features, response, rows.heldout);
  path.seconds = stopwatch.seconds();
  return path;
}

}  // namespace multiviz
