#include "prediction/multinomial_problem.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/batch.h"

namespace multiviz {
namespace {

constexpr int64_t copied_rows = 8192;

at::Tensor standardised(const at::Tensor& features, const at::Tensor& rows, const Moments& moments) {
  at::Tensor x = at::empty({features.size(1), rows.size(0)}, features.options());
  at::Tensor mean = moments.mean.to(features.device()), scale = moments.scale.to(features.device());
  at::Tensor constant = (moments.gram.diagonal() <= 0).to(features.device());
  for_each_batch(rows.size(0), copied_rows, [&](int64_t begin, int64_t end) {
    at::Tensor block = features.index_select(0, rows.slice(0, begin, end).to(features.device())).to(at::kDouble);
    block = ((block - mean) / scale).masked_fill(constant, 0);
    x.slice(1, begin, end).copy_(block.t());
  });
  return x;
}

}  // namespace

MultinomialProblem::MultinomialProblem(const at::Tensor& features, const at::Tensor& rows, const at::Tensor& labels,
                                       const at::Tensor& weights, int64_t classes, const Moments& moments)
    : x_(standardised(features, rows, moments)),
      labels_(labels.to(features.device()).unsqueeze(1)),
      weights_(weights.to(features.options()).unsqueeze(1)),
      classes_(classes),
      order_(static_cast<size_t>(features.size(1))) {
  share_ = at::zeros({classes}, at::kDouble).index_add_(0, labels.cpu(), weights.cpu());
  cross_ = moments.cross;
  std::iota(order_.begin(), order_.end(), 0);
  position_ = order_;
}

void MultinomialProblem::use(int64_t feature) {
  int64_t from = position(feature), to = used_;
  if (from < used_) return;
  if (from != to) {
    at::Tensor row = x_[from].clone();
    x_[from].copy_(x_[to]);
    x_[to].copy_(row);
    std::swap(order_[static_cast<size_t>(from)], order_[static_cast<size_t>(to)]);
    position_[static_cast<size_t>(feature_at(from))] = from;
    position_[static_cast<size_t>(feature)] = to;
  }
  ++used_;
}

at::Tensor MultinomialProblem::fits(const at::Tensor& b, const at::Tensor& intercepts) const {
  at::Tensor offset = intercepts.to(x_.options());
  if (used_ == 0) return offset.unsqueeze(0).repeat({rows(), 1});
  return at::addmm(offset, x_.slice(0, 0, used_).t(), b.to(x_.options()).t());
}

MultinomialProblem::Point MultinomialProblem::at(at::Tensor fits) const {
  Point point{std::move(fits), {}, 0};
  point.log_probability = point.fits.log_softmax(1);
  at::Tensor chosen = point.log_probability.gather(1, labels_) * weights_;
  point.loss = -chosen.sum(at::kDouble).item<double>();
  return point;
}

at::Tensor MultinomialProblem::residual(const Point& point) const {
  at::Tensor residual = point.log_probability.exp();
  residual.scatter_add_(1, labels_, at::full_like(labels_, -1, residual.options()));
  return residual.mul_(weights_);
}

at::Tensor MultinomialProblem::gradient(const at::Tensor& residual, bool all) const {
  at::Tensor rows = all ? x_ : x_.slice(0, 0, used_);
  return rows.matmul(residual).t().to(at::kCPU, at::kDouble).contiguous();
}

// Weighted mean entropy of q = (1 - mix) ((1 - share) Y + share P) + mix prior.
double MultinomialProblem::entropy(const at::Tensor& probability, const at::Tensor& prior, double share,
                                   double mix) const {
  at::Tensor q = probability * ((1 - mix) * share);
  q.scatter_add_(1, labels_, at::full_like(labels_, (1 - mix) * (1 - share), q.options()));
  if (mix > 0) q = q + mix * prior.to(q.options());
  return (at::special_entr(q).sum(1, true) * weights_).sum(at::kDouble).item<double>();
}

// The cross-entropy is the maximum over probabilities q of <q - y, f> + entropy(q), so every q whose class means are
// those of y (the intercepts are not penalised) gives a lower bound: mean entropy minus the penalty's conjugate at
// mean (q - y) x. Here q lies between y and the model's own P, with as much of a constant as its class means need.
double MultinomialProblem::gap(const Point& point, const at::Tensor& gradient, const at::Tensor& intercept_gradient,
                               Penalty weights, double penalty, bool intercept) const {
  at::Tensor probability = point.log_probability.exp();
  at::Tensor by_position = cross_.index_select(1, at::tensor(order_));
  auto dual = [&](double share) {
    at::Tensor drift = share * intercept_gradient;
    double ratio = intercept ? std::max(0.0, (drift / share_).max().item<double>()) : 0.0;
    double mix = ratio / (1 + ratio);
    at::Tensor prior = mix > 0 ? (share_ - drift * ((1 - mix) / mix)).clamp_min(0) : share_;
    at::Tensor pull = (gradient * ((1 - mix) * share) - by_position * mix).abs();
    double excess = (pull - weights.l1).clamp_min(0).square().sum().item<double>();
    if (weights.l2 <= 0 && pull.max().item<double>() > weights.l1 * (1 + 1e-9)) return -HUGE_VAL;
    double conjugate = weights.l2 > 0 ? excess / (2 * weights.l2) : 0.0;
    return entropy(probability, prior, share, mix) - conjugate;
  };
  double best = dual(1.0);
  double largest = gradient.abs().max().item<double>();
  if (largest > weights.l1) best = std::max(best, dual(weights.l1 / largest));
  return point.loss + penalty - best;
}

}  // namespace multiviz
