#include <ATen/ATen.h>

#include "core/batch.h"
#include "core/progress.h"
#include "prediction/elastic_net.h"

namespace multiviz {
namespace {

constexpr int64_t block_rows = 8192;

// Share of right predictions, or the sum of squared errors, of one model on the rows.
double score(const SparsePath& path, int64_t l, const at::Tensor& features, const Response& response,
             const at::Tensor& rows) {
  at::Tensor b = path.dense(l).to(features.options());
  at::Tensor intercepts = path.intercepts.select(1, l).to(features.options());
  at::Tensor used = (b != 0).any(1).nonzero().squeeze(1);
  at::Tensor kept = b.index_select(0, used);
  at::Tensor total = at::zeros({}, features.options().dtype(at::kDouble));
  for_each_batch(rows.size(0), block_rows, [&](int64_t begin, int64_t end) {
    at::Tensor index = rows.slice(0, begin, end).to(features.device());
    at::Tensor scores = at::addmm(intercepts, features.index_select(0, index).index_select(1, used), kept);
    if (path.classification) {
      at::Tensor labels = response.labels.to(features.device()).index_select(0, index);
      total += (scores.argmax(1) == labels).sum();
    } else {
      at::Tensor targets = response.targets.to(features.device()).index_select(0, index);
      total += (scores - targets).square().sum(at::kDouble);
    }
  });
  return total.item<double>();
}

}  // namespace

std::vector<double> score_path(const SparsePath& path, const at::Tensor& features, const Response& response,
                               const at::Tensor& rows) {
  double whole = static_cast<double>(rows.size(0));
  if (!path.classification) {
    at::Tensor targets = response.targets.cpu().index_select(0, rows).to(at::kDouble);
    whole = (targets - targets.mean(0)).square().sum().item<double>();
  }
  std::vector<double> scores;
  Progress progress("accuracy of each lambda", path.size());
  for (int64_t l = 0; l < path.size(); ++l) {
    double total = score(path, l, features, response, rows);
    scores.push_back(path.classification ? total / whole : (whole > 0 ? 1 - total / whole : 0.0));
    progress.advance();
  }
  return scores;
}

}  // namespace multiviz
