#include "prediction/gaussian_path.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/cancel.h"
#include "core/parallel.h"
#include "core/progress.h"
#include "prediction/coordinate_descent.h"

namespace multiviz {
namespace {

// Where descent first stops, as a share of the tolerance: a few sweeps more of the working set cost less than to bring
// r up to date for all features and find that the gap is still too large.
constexpr double first_threshold = 1.0 / 65536;

// One class's problem along the grid, warm-started from lambda to lambda. Its residual correlations r = c - G b are
// kept for all features, which is what screening and the optimality check need.
class ClassSolver {
 public:
  ClassSolver(const Moments& moments, int64_t label, const ElasticNetOptions& options)
      : width_(moments.gram.size(0)),
        gram_(moments.gram.data_ptr<double>()),
        cross_(moments.cross.data_ptr<double>() + label * width_),
        square_(moments.response_square[label].item<double>()),
        tolerance_(options.tolerance.value_or(1e-8) * square_ / 2),
        max_sweeps_(options.max_iterations),
        alpha_(options.alpha),
        set_(gram_, width_),
        r_(cross_, cross_ + width_) {}

  void solve(double lambda, double previous);
  double gap() const { return gap_; }
  double loss() const { return loss_; }
  double null_loss() const { return square_ / 2; }
  std::span<const int64_t> features() const { return set_.features(); }
  const double* coefficients() const { return b_.data(); }

 private:
  void add(int64_t feature) {
    set_.add(feature);
    b_.push_back(0);
    settled_.push_back(0);
  }
  void extrapolate(double lambda, double previous);
  void descend(double threshold);
  bool add_violators();
  void measure();

  int64_t width_;
  const double* gram_;
  const double* cross_;
  double square_, tolerance_;
  int64_t max_sweeps_, sweeps_ = 0;
  double alpha_;
  Penalty penalty_{};
  WorkingSet set_;
  std::vector<double> b_;        // of the working set's features
  std::vector<double> settled_;  // the b that r belongs to
  std::vector<double> last_;     // b at the lambda before
  std::vector<double> last_r_;   // [D], r at the lambda before
  double before_previous_ = 0;   // the lambda before that, 0 at first
  std::vector<double> r_;        // [D]
  double gap_ = 0, loss_ = 0;
};

// Sweeps until no coordinate gains more than the threshold, then brings r up to date for all features.
void ClassSolver::descend(double threshold) {
  std::vector<float> residual(b_.size());
  auto features = set_.features();
  for (size_t i = 0; i < features.size(); ++i) residual[i] = static_cast<float>(r_[static_cast<size_t>(features[i])]);
  for (size_t i = 0; i < features.size(); ++i)
    if (b_[i] != settled_[i])
      add_scaled(static_cast<float>(settled_[i] - b_[i]), set_.gram() + static_cast<int64_t>(i) * set_.stride(),
                 residual.data(), set_.size());
  while (sweeps_ < max_sweeps_) {
    ++sweeps_;
    if (sweep(set_, 1.0, penalty_, b_.data(), residual.data()) <= threshold) break;
  }
  for (size_t i = 0; i < features.size(); ++i)
    if (b_[i] != settled_[i]) add_scaled(settled_[i] - b_[i], gram_ + features[i] * width_, r_.data(), width_);
  settled_ = b_;
}

bool ClassSolver::add_violators() {
  bool added = false;
  for (int64_t j = 0; j < width_; ++j) {
    if (std::abs(r_[static_cast<size_t>(j)]) <= penalty_.l1 || set_.contains(j)) continue;
    add(j);
    added = true;
  }
  return added;
}

// Loss and duality gap, the smaller of two: of the residual as it is, which the conjugate of the penalty allows when
// there is a ridge part, and of the residual scaled down until it is feasible for the problem in which the ridge
// penalty is written as D more rows of data.
void ClassSolver::measure() {
  double cross_b = 0, r_b = 0, b1 = 0, b2 = 0, largest = 0;
  auto features = set_.features();
  std::vector<double> ridge(static_cast<size_t>(width_), 0.0);
  for (size_t i = 0; i < features.size(); ++i) {
    size_t j = static_cast<size_t>(features[i]);
    cross_b += cross_[j] * b_[i];
    r_b += r_[j] * b_[i];
    b1 += std::abs(b_[i]);
    b2 += b_[i] * b_[i];
    ridge[j] = penalty_.l2 * b_[i];
  }
  double excess = 0;
  for (size_t j = 0; j < ridge.size(); ++j) {
    largest = std::max(largest, std::abs(r_[j] - ridge[j]));
    double over = std::max(0.0, std::abs(r_[j]) - penalty_.l1);
    excess += over * over;
  }
  double residual = square_ - cross_b - r_b;  // |y - X b|^2
  double shrink = largest > penalty_.l1 ? penalty_.l1 / largest : 1.0;
  loss_ = residual / 2;
  gap_ = (1 + shrink * shrink) / 2 * (residual + penalty_.l2 * b2) + penalty_.l1 * b1 - shrink * (square_ - cross_b);
  if (penalty_.l2 > 0)
    gap_ = std::min(
        gap_, residual - square_ + cross_b + penalty_.l1 * b1 + penalty_.l2 / 2 * b2 + excess / (2 * penalty_.l2));
}

void ClassSolver::solve(double lambda, double previous) {
  penalty_ = {alpha_ * lambda, (1 - alpha_) * lambda};
  measure();
  if (loss_ == square_ / 2 && gap_ <= 1e-12 * square_) return;  // nothing is in the model yet, and nothing is to enter
  for (int64_t j = 0; j < width_; ++j)                          // the sequential strong rule (Tibshirani et al., 2012)
    if (std::abs(r_[static_cast<size_t>(j)]) >= alpha_ * (2 * lambda - previous) && !set_.contains(j)) add(j);
  extrapolate(lambda, previous);
  sweeps_ = 0;
  for (double threshold = tolerance_ * first_threshold; sweeps_ < max_sweeps_; threshold /= 8) {
    do {
      descend(threshold);
    } while (sweeps_ < max_sweeps_ && add_violators());
    measure();
    if (gap_ <= tolerance_) return;
  }
  measure();
}

// Between changes of the active set the lasso's path is a line in lambda, and so is r: starts where the last two
// solutions point to, but for coefficients that would change their sign.
void ClassSolver::extrapolate(double lambda, double previous) {
  double ratio = before_previous_ > previous ? (lambda - previous) / (previous - before_previous_) : 0.0;
  before_previous_ = previous;
  last_.resize(b_.size(), 0.0);
  for (size_t i = 0; i < b_.size(); ++i) {
    settled_[i] = b_[i] + ratio * (b_[i] - last_[i]);
    last_[i] = b_[i];
    if (settled_[i] * b_[i] > 0) b_[i] = settled_[i];
  }
  if (ratio == 0) last_r_ = r_;
  for (size_t j = 0; j < r_.size(); ++j) {
    double now = r_[j];
    r_[j] += ratio * (now - last_r_[j]);
    last_r_[j] = now;
  }
}

struct Curve {
  std::vector<double> loss, gap;
};

// Fills one class's path; `intercept` is mean y - mean z . b on the original scale.
Curve run_class(const Moments& moments, int64_t label, const std::vector<double>& grid,
                const ElasticNetOptions& options, ClassPath& path) {
  ClassSolver solver(moments, label, options);
  const double* mean = moments.mean.data_ptr<double>();
  const double* scale = moments.scale.data_ptr<double>();
  double response = moments.response_mean[label].item<double>();
  double previous = std::max(grid.front(), gaussian_lambda_max(moments, options.alpha));
  Curve curve;
  for (double lambda : grid) {
    throw_if_cancelled();
    solver.solve(lambda, previous);
    previous = lambda;
    double intercept = response;
    for (size_t i = 0; i < solver.features().size(); ++i) {
      int64_t j = solver.features()[i];
      intercept -= mean[j] / scale[j] * solver.coefficients()[i];
    }
    path.append(solver.features(), solver.coefficients(), scale, intercept);
    curve.loss.push_back(solver.loss());
    curve.gap.push_back(solver.null_loss() > 0 ? std::max(0.0, solver.gap()) / solver.null_loss() : 0.0);
  }
  return curve;
}

}  // namespace

double gaussian_lambda_max(const Moments& moments, double alpha) {
  return moments.cross.abs().max().item<double>() / std::max(alpha, 1e-3);
}

Fit gaussian_path(const Moments& moments, const std::vector<double>& grid, const ElasticNetOptions& options) {
  int64_t classes = moments.cross.size(0);
  Fit fit{grid, std::vector<ClassPath>(static_cast<size_t>(classes)), {}, {}};
  std::vector<Curve> curves(static_cast<size_t>(classes));
  Progress progress("sparse linear model", classes);
  parallel_for(
      classes,
      [&](int64_t label) {
        auto k = static_cast<size_t>(label);
        curves[k] = run_class(moments, label, grid, options, fit.classes[k]);
      },
      [&](int64_t finished) { progress.advance(finished); });
  double null_loss = moments.response_square.sum().item<double>() / 2;
  for (size_t l = 0; l < grid.size(); ++l) {
    double loss = 0, gap = 0;
    for (const Curve& curve : curves) {
      loss += curve.loss[l];
      gap = std::max(gap, curve.gap[l]);
    }
    fit.deviance.push_back(null_loss > 0 ? 1 - loss / null_loss : 0.0);
    fit.gap.push_back(gap);
  }
  return fit;
}

}  // namespace multiviz
