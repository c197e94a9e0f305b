#include "prediction/moments.h"

#include <ATen/ATen.h>

#include "core/batch.h"

namespace multiviz {
namespace {

constexpr int64_t block_rows = 4096;
// Variance below this share of the squared mean is rounding of a constant float32.
constexpr double constant_share = 1e-14;

struct Sums {
  at::Tensor shift, mean, square, cross, response_mean, response_square;
};

// Sums of z - shift: moments about the first row, so that a large common mean costs no digits.
Sums accumulate(const at::Tensor& features, const Response& response, const at::Tensor& rows,
                const at::Tensor& weights) {
  auto options = features.options().dtype(at::kDouble);
  int64_t width = features.size(1), classes = static_cast<int64_t>(response.names.size());
  Sums sums{features.select(0, rows[0].item<int64_t>()).to(at::kDouble),
            at::zeros({width}, options),
            at::zeros({width, width}, options),
            at::zeros({classes, width}, options),
            at::zeros({classes}, options),
            at::zeros({classes}, options)};
  for_each_batch(rows.size(0), block_rows, [&](int64_t begin, int64_t end) {
    at::Tensor index = rows.slice(0, begin, end).to(features.device());
    at::Tensor z = features.index_select(0, index).to(at::kDouble) - sums.shift;
    at::Tensor weight = weights.slice(0, begin, end).to(features.device());
    at::Tensor weighted = z * weight.unsqueeze(1);
    // Everything that may run out of memory comes before the sums change: a halved block must not count twice.
    at::Tensor square = weighted.t().matmul(z), cross = at::zeros_like(sums.cross);
    at::Tensor y_mean = at::zeros_like(sums.response_mean), y_square = y_mean;
    if (response.targets.defined()) {
      at::Tensor y = response.targets.to(features.device()).index_select(0, index).to(at::kDouble);
      cross = y.t().matmul(weighted);
      y_mean = weight.matmul(y);
      y_square = weight.matmul(y * y);
    } else {
      at::Tensor label = response.labels.to(features.device()).index_select(0, index);
      cross.index_add_(0, label, weighted);
      y_mean.index_add_(0, label, weight);
      y_square = y_mean;  // y is 0 or 1
    }
    at::Tensor mean = weighted.sum(0);
    sums.mean += mean;
    sums.square += square;
    sums.cross += cross;
    sums.response_mean += y_mean;
    sums.response_square += y_square;
  });
  return sums;
}

}  // namespace

Moments moments(const at::Tensor& features, const Response& response, const at::Tensor& rows, const at::Tensor& weights,
                bool standardize, bool intercept) {
  Sums sums = accumulate(features, response, rows, weights);
  at::Tensor covariance = sums.square - sums.mean.outer(sums.mean);
  at::Tensor mean = sums.mean + sums.shift;
  at::Tensor variance = covariance.diagonal().clone();
  at::Tensor constant = variance <= constant_share * mean.square() + 1e-300;
  Moments result;
  result.scale = standardize ? at::where(constant, at::ones_like(variance), variance.clamp_min(0).sqrt())
                             : at::ones_like(variance);
  result.gram = intercept ? covariance : covariance + mean.outer(mean);
  result.gram = result.gram / result.scale.outer(result.scale);
  at::Tensor keep = constant.logical_not().to(at::kDouble);
  if (!intercept) keep = (result.gram.diagonal() > 0).to(at::kDouble);
  result.gram = (result.gram * keep.outer(keep)).cpu().contiguous();
  // mean y x = mean y (z - shift) - (mean y) (mean - shift), and likewise without centring.
  at::Tensor offset = intercept ? sums.mean : -sums.shift;
  result.cross = ((sums.cross - sums.response_mean.outer(offset)) / result.scale * keep).cpu().contiguous();
  result.mean = (intercept ? mean : at::zeros_like(mean)).cpu();
  result.scale = result.scale.cpu().contiguous();
  result.response_mean = (intercept ? sums.response_mean : at::zeros_like(sums.response_mean)).cpu();
  result.response_square =
      (sums.response_square - (intercept ? sums.response_mean.square() : 0 * sums.response_mean)).cpu();
  return result;
}

}  // namespace multiviz
