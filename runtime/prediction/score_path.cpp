#include <ATen/ATen.h>

#include <algorithm>

#include "core/batch.h"
#include "core/cancel.h"
#include "core/progress.h"
#include "prediction/elastic_net.h"

namespace multiviz {
namespace {

constexpr int64_t block_rows = 4096, block_columns = 256;

// The features that a path uses, in the order in which they enter it: a model needs no more than the first few of them.
struct Entering {
  at::Tensor order;             // int64, features
  std::vector<int64_t> needed;  // L: how many of them the models up to lambda l use
};

Entering entering(const SparsePath& path) {
  int64_t lambdas = path.size();
  auto last = at::full({path.features}, lambdas, at::kLong);
  int64_t* entry = last.data_ptr<int64_t>();
  const int64_t* offset = path.offsets.data_ptr<int64_t>();
  const int32_t* column = path.columns.data_ptr<int32_t>();
  for (int64_t row = 0; row < path.classes() * lambdas; ++row)
    for (int64_t i = offset[row]; i < offset[row + 1]; ++i)
      entry[column[i]] = std::min(entry[column[i]], row % lambdas);
  Entering result{last.argsort(), std::vector<int64_t>(static_cast<size_t>(lambdas), 0)};
  for (int64_t j = 0; j < path.features; ++j)
    for (int64_t l = entry[j]; l < lambdas; ++l) ++result.needed[static_cast<size_t>(l)];
  result.order = result.order.slice(0, 0, result.needed.back());
  return result;
}

// Shares of right predictions, or sums of squared errors, of the models [first, end) on the rows, [end - first].
at::Tensor score(const SparsePath& path, const Entering& used, int64_t first, int64_t end, const at::Tensor& z,
                 const at::Tensor& response) {
  int64_t width = used.needed[static_cast<size_t>(end - 1)];
  auto order = used.order.slice(0, 0, width);
  std::vector<at::Tensor> coefficients;
  for (int64_t l = first; l < end; ++l) coefficients.push_back(path.dense(l).index_select(0, order).to(z.options()));
  auto intercepts = path.intercepts.slice(1, first, end).t().reshape({-1}).to(z.options());
  auto scores = at::addmm(intercepts, z.slice(1, 0, width), at::cat(coefficients, 1))
                    .reshape({z.size(0), end - first, path.classes()});
  if (path.classification) return (scores.argmax(2) == response.unsqueeze(1)).sum(0).to(at::kDouble);
  return (scores - response.unsqueeze(1)).square().sum(at::IntArrayRef{0, 2}, false, at::kDouble);
}

}  // namespace

std::vector<double> score_path(const SparsePath& path, const at::Tensor& features, const Response& response,
                               const at::Tensor& rows) {
  auto device = features.device();
  const auto& all = path.classification ? response.labels : response.targets;
  auto wanted = all.to(device).index_select(0, rows.to(device));
  double whole = static_cast<double>(rows.size(0));
  if (!path.classification) {
    auto targets = wanted.to(at::kDouble);
    whole = (targets - targets.mean(0)).square().sum().item<double>();
  }
  auto used = entering(path);
  auto order = used.order.to(device);
  auto totals = at::zeros({path.size()}, features.options().dtype(at::kDouble));
  // As many models at once as make a product of matrices worth its while.
  int64_t together = std::max<int64_t>(1, block_columns / path.classes());
  Progress progress("accuracy of each lambda", rows.size(0));
  for_each_batch(rows.size(0), block_rows, [&](int64_t begin, int64_t end) {
    auto z = features.index_select(0, rows.slice(0, begin, end).to(device)).index_select(1, order);
    std::vector<at::Tensor> scores;
    for (int64_t l = 0; l < path.size(); l += together) {
      throw_if_cancelled();
      int64_t last = std::min(path.size(), l + together);
      scores.push_back(score(path, used, l, last, z, wanted.slice(0, begin, end)));
    }
    totals += at::cat(scores);
    progress.advance(end - begin);
  });
  std::vector<double> result;
  totals = totals.cpu();
  for (int64_t l = 0; l < path.size(); ++l) {
    double total = totals.data_ptr<double>()[l];
    result.push_back(path.classification ? total / whole : (whole > 0 ? 1 - total / whole : 0.0));
  }
  return result;
}

}  // namespace multiviz
