#include "prediction/multinomial_path.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/cancel.h"
#include "core/error.h"
#include "core/parallel.h"
#include "core/progress.h"
#include "prediction/multinomial_problem.h"

namespace multiviz {
namespace {

struct Iterate {
  at::Tensor b;           // float64 [C, D], by position
  at::Tensor intercepts;  // float64 [C]
  MultinomialProblem::Point point;
  double penalty = 0;

  double objective() const { return point.loss + penalty; }
};

// Threads cost more than a few thousand multiplications.
bool worth_threads(const std::vector<WorkingSet>& sets) {
  int64_t work = 0;
  for (const WorkingSet& set : sets) work += set.size() * set.size();
  return work > 50000;
}

class Solver {
 public:
  Solver(MultinomialProblem& problem, const Moments& moments, const ElasticNetOptions& options);

  double lambda_max() const { return gradient_.abs().max().item<double>() / std::max(options_.alpha, 1e-3); }
  double null_loss() const { return null_loss_; }
  double loss() const { return x_.point.loss; }
  double gap() const { return gap_; }
  void solve(double lambda, double previous);
  void append(int64_t label, ClassPath& path) const;

 private:
  void screen(double threshold);
  bool optimal();
  Iterate extrapolate(const Iterate& from, double momentum) const;
  Iterate proximal_step(const Iterate& from);
  double descend(int64_t label, const Iterate& from, const at::Tensor& gradient, Iterate& to) const;
  double penalty_of(const at::Tensor& b) const;

  MultinomialProblem& problem_;
  const Moments& moments_;
  const ElasticNetOptions& options_;
  static constexpr double rounding_ = 1e-7;  // of losses, as a share of the null loss
  double tolerance_;
  std::vector<WorkingSet> sets_;  // one per class
  Iterate x_;
  Iterate last_;  // x at the lambda before
  Penalty penalty_{};
  at::Tensor gradient_;            // at x, over all features, by position: [C, D]
  at::Tensor intercept_gradient_;  // [C]
  at::Tensor curvature_;           // [C]: mean p (1 - p)
  double lipschitz_ = 1;
  double null_loss_ = 0, gap_ = 0;
};

Solver::Solver(MultinomialProblem& problem, const Moments& moments, const ElasticNetOptions& options)
    : problem_(problem), moments_(moments), options_(options), tolerance_(options.tolerance.value_or(1e-4)) {
  for (int64_t label = 0; label < problem.classes(); ++label)
    sets_.emplace_back(moments.gram.data_ptr<double>(), problem.features());
  x_.b = at::zeros({problem.classes(), problem.features()}, at::kDouble);
  x_.intercepts = options.intercept ? moments.response_mean.log() : at::zeros({problem.classes()}, at::kDouble);
  x_.point = problem.at(problem.fits(x_.b.slice(1, 0, 0), x_.intercepts));
  null_loss_ = x_.point.loss;
  optimal();
}

double Solver::penalty_of(const at::Tensor& b) const {
  return penalty_.l1 * b.abs().sum().item<double>() + penalty_.l2 / 2 * b.square().sum().item<double>();
}

// Lets features into the classes whose gradient reaches the threshold.
void Solver::screen(double threshold) {
  at::Tensor gradient = gradient_.abs();
  auto g = gradient.accessor<double, 2>();
  std::vector<std::pair<int64_t, int64_t>> entering;  // positions move when features enter: find them all first
  for (int64_t label = 0; label < problem_.classes(); ++label)
    for (int64_t p = 0; p < problem_.features(); ++p)
      if (g[label][p] >= threshold && g[label][p] > 0) entering.emplace_back(label, problem_.feature_at(p));
  for (auto [label, feature] : entering) {
    problem_.use(feature);
    sets_[static_cast<size_t>(label)].add(feature);
  }
}

// Brings the gradient over all features and the duality gap up to date.
bool Solver::optimal() {
  at::Tensor residual = problem_.residual(x_.point);
  gradient_ = problem_.gradient(residual, true);
  intercept_gradient_ = residual.sum(0, false, at::kDouble).cpu();
  gap_ = problem_.gap(x_.point, gradient_, intercept_gradient_, penalty_, x_.penalty, options_.intercept);
  return gap_ <= tolerance_ * null_loss_;
}

Iterate Solver::extrapolate(const Iterate& from, double momentum) const {
  if (momentum == 0) return x_;
  auto beyond = [&](const at::Tensor& now, const at::Tensor& before) { return now + momentum * (now - before); };
  return {beyond(x_.b, from.b), beyond(x_.intercepts, from.intercepts),
          problem_.at(beyond(x_.point.fits, from.point.fits)), 0};
}

// Minimises the quadratic model of one class around `from`; returns the model's change without the penalty.
double Solver::descend(int64_t label, const Iterate& from, const at::Tensor& gradient, Iterate& to) const {
  const WorkingSet& set = sets_[static_cast<size_t>(label)];
  double scale = lipschitz_ * curvature_.data_ptr<double>()[label];
  auto size = static_cast<size_t>(set.size());
  std::vector<double> b(size), start(size), slope(size);
  std::vector<float> residual(size);
  const double* b_row = from.b.data_ptr<double>() + label * from.b.size(1);
  const double* g_row = gradient.data_ptr<double>() + label * gradient.size(1);
  for (size_t i = 0; i < size; ++i) {
    int64_t p = problem_.position(set.features()[i]);
    b[i] = start[i] = b_row[p];
    slope[i] = g_row[p];
    residual[i] = static_cast<float>(-slope[i]);
  }
  double first = sweep(set, scale, penalty_, b.data(), residual.data());
  for (int n = 1; n < 30; ++n)
    if (sweep(set, scale, penalty_, b.data(), residual.data()) <= 1e-3 * first) break;
  double change = 0;
  double* out = to.b.data_ptr<double>() + label * to.b.size(1);
  for (size_t i = 0; i < size; ++i) {
    double step = b[i] - start[i];
    change += step * (slope[i] - residual[i]) / 2;  // <g, d> + 1/2 d'Hd, and Hd = -g - residual
    out[problem_.position(set.features()[i])] = b[i];
  }
  if (!options_.intercept) return change;
  double slope0 = intercept_gradient_.data_ptr<double>()[label], step0 = -slope0 / scale;
  to.intercepts.data_ptr<double>()[label] = from.intercepts.data_ptr<double>()[label] + step0;
  return change + step0 * slope0 / 2;
}

Iterate Solver::proximal_step(const Iterate& from) {
  at::Tensor residual = problem_.residual(from.point);
  at::Tensor gradient = problem_.gradient(residual, false);
  intercept_gradient_ = residual.sum(0, false, at::kDouble).cpu();
  std::vector<double> change(sets_.size());
  for (;; lipschitz_ *= 1.5) {
    Iterate to{at::zeros_like(from.b), from.intercepts.clone(), {}, 0};
    auto one = [&](int64_t label) { change[static_cast<size_t>(label)] = descend(label, from, gradient, to); };
    if (worth_threads(sets_)) {
      parallel_for(problem_.classes(), one);
    } else {
      for (int64_t label = 0; label < problem_.classes(); ++label) one(label);
    }
    to.point = problem_.at(problem_.fits(to.b.slice(1, 0, problem_.used()), to.intercepts));
    double bound = from.point.loss;
    for (double part : change) bound += part;
    if (to.point.loss <= bound + rounding_ * null_loss_ || lipschitz_ > 1e6) {
      to.penalty = penalty_of(to.b);
      return to;
    }
  }
}

void Solver::solve(double lambda, double previous) {
  penalty_ = {options_.alpha * lambda, (1 - options_.alpha) * lambda};
  if (penalty_of(x_.b) == 0 && gradient_.abs().max().item<double>() <= penalty_.l1 * (1 + 1e-6)) {
    optimal();  // nothing is in the model yet, and nothing is to enter
    return;
  }
  screen(options_.alpha * (2 * lambda - previous));
  x_.penalty = penalty_of(x_.b);
  at::Tensor probability = x_.point.log_probability.exp();
  curvature_ = (probability * (1 - probability)).mean(0, false, at::kDouble).cpu();
  curvature_.clamp_min_(1e-3 * curvature_.max().item<double>());
  lipschitz_ = std::max(0.5, lipschitz_ * 0.7);
  Iterate before = last_.b.defined() ? last_ : x_;
  last_ = x_;
  double t = 1, enough = tolerance_ * null_loss_ / 4;
  int flat = 0;  // steps without a gain: the gradient, and with it the gap, can still fall when the loss shows no more
  for (int64_t n = 0; n < options_.max_iterations; ++n) {
    throw_if_cancelled();
    // The path is nearly a line from lambda to lambda, so the first step starts where it leads to.
    double next_t = (1 + std::sqrt(1 + 4 * t * t)) / 2, momentum = n == 0 ? 0.9 : (t - 1) / next_t;
    Iterate next = proximal_step(extrapolate(before, momentum));
    double gain = x_.objective() - next.objective();
    if (gain < 0 && momentum > 0) {
      t = 1;
      continue;
    }
    t = next_t;
    if (gain <= 0 && (gain < -rounding_ * null_loss_ || ++flat > 30)) break;
    before = std::exchange(x_, std::move(next));
    if (gain > enough) continue;
    if (optimal()) return;
    screen(penalty_.l1 * (1 + 1e-6));
    enough = std::max(gain, 0.0) / 2;
  }
  optimal();
}

void Solver::append(int64_t label, ClassPath& path) const {
  const WorkingSet& set = sets_[static_cast<size_t>(label)];
  std::vector<double> b;
  const double* row = x_.b.data_ptr<double>() + label * x_.b.size(1);
  double intercept = x_.intercepts[label].item<double>();
  const double* mean = moments_.mean.data_ptr<double>();
  const double* scale = moments_.scale.data_ptr<double>();
  for (int64_t feature : set.features()) {
    b.push_back(row[problem_.position(feature)]);
    intercept -= mean[feature] / scale[feature] * b.back();
  }
  path.append(set.features(), b.data(), scale, intercept);
}

}  // namespace

Fit multinomial_path(const at::Tensor& features, const at::Tensor& rows, const at::Tensor& labels,
                     const at::Tensor& weights, int64_t classes, const Moments& moments,
                     const ElasticNetOptions& options) {
  MultinomialProblem problem(features, rows, labels, weights, classes, moments);
  Solver solver(problem, moments, options);
  Fit fit{options.grid, std::vector<ClassPath>(static_cast<size_t>(classes)), {}, {}};
  double previous = solver.lambda_max();
  check(previous > 0, "no feature varies together with any label: there is nothing to fit");
  if (fit.lambdas.empty()) fit.lambdas = lambda_grid(previous, options.epsilon, options.lambdas);
  previous = std::max(previous, fit.lambdas.front());
  Progress progress("sparse linear model", static_cast<int64_t>(fit.lambdas.size()));
  for (double lambda : fit.lambdas) {
    solver.solve(lambda, previous);
    previous = lambda;
    for (int64_t label = 0; label < classes; ++label) solver.append(label, fit.classes[static_cast<size_t>(label)]);
    fit.deviance.push_back(1 - solver.loss() / solver.null_loss());
    fit.gap.push_back(std::max(0.0, solver.gap()) / solver.null_loss());
    progress.advance();
  }
  return fit;
}

}  // namespace multiviz
