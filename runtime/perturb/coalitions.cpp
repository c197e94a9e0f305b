#include "perturb/coalitions.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include "core/error.h"
#include "core/random.h"

namespace multiviz {

at::Tensor all_coalitions(int64_t players) {
  check(players >= 0 && players <= 24, "{} players have too many coalitions to try them all", players);
  auto rows = at::arange(int64_t{1} << players, at::kLong).unsqueeze(1);
  return rows.bitwise_right_shift(at::arange(players, at::kLong)).bitwise_and(1).to(at::kBool);
}

at::Tensor lime_coalitions(ModalityKind kind, int64_t samples, int64_t players, uint64_t seed) {
  check(samples > 0, "samples must be at least 1, got {}", samples);
  auto generator = make_generator(seed);
  at::Tensor out;
  if (kind == ModalityKind::text) {
    auto removed = at::randint(1, players + 1, {samples, 1}, generator, at::kLong);
    auto rank = at::rand({samples, players}, generator, at::kDouble).argsort(int64_t{1}).argsort(int64_t{1});
    out = rank >= removed;
  } else {
    out = at::randint(0, 2, {samples, players}, generator, at::kBool);
  }
  out[0].fill_(true);
  return out;
}

double lime_width(ModalityKind kind, int64_t players, double width) {
  if (width > 0) return width;
  return kind == ModalityKind::tabular ? 0.75 * std::sqrt(static_cast<double>(players)) : 0.25;
}

at::Tensor lime_weights(ModalityKind kind, const at::Tensor& coalitions, double width) {
  int64_t players = coalitions.size(1);
  width = lime_width(kind, players, width);
  auto kept = coalitions.to(at::kCPU, at::kDouble).sum(1);
  // The cosine of a row with k ones to the row of P ones is sqrt(k / P).
  auto distance = kind == ModalityKind::tabular ? (static_cast<double>(players) - kept).sqrt()
                                                : 1 - (kept / static_cast<double>(players)).sqrt();
  return distance.square().div(-width * width).exp().sqrt();
}

namespace {

double choose(int64_t n, int64_t k) {
  double out = 1;
  for (int64_t i = 1; i <= k; ++i) out = out * static_cast<double>(n - k + i) / static_cast<double>(i);
  return std::round(out);
}

using Row = std::vector<bool>;

class ShapSampler {
 public:
  ShapSampler(int64_t samples, int64_t players) : budget_(samples), players_(players), sizes_(players / 2) {
    paired_ = (players - 1) / 2;
    for (int64_t size = 1; size <= sizes_; ++size) {
      double kernel = static_cast<double>(players - 1) / static_cast<double>(size * (players - size));
      size_weight_.push_back(size <= paired_ ? 2 * kernel : kernel);
    }
    double total = std::accumulate(size_weight_.begin(), size_weight_.end(), 0.0);
    for (auto& weight : size_weight_) weight /= total;
  }

  WeightedCoalitions draw(uint64_t seed) {
    int64_t complete = enumerate_sizes();
    if (complete < sizes_) sample_sizes(complete, seed);
    WeightedCoalitions out;
    out.coalitions = at::empty({std::ssize(rows_), players_}, at::kBool);
    bool* data = out.coalitions.mutable_data_ptr<bool>();
    for (const auto& row : rows_) data = std::copy(row.begin(), row.end(), data);
    out.weights = at::tensor(weights_, at::kDouble);
    out.weights.div_(out.weights.sum());
    return out;
  }

 private:
  void add(Row row, double weight) {
    rows_.push_back(std::move(row));
    weights_.push_back(weight);
  }

  static Row complement(Row row) {
    row.flip();
    return row;
  }

  // Sizes whose expected number of samples covers all their coalitions; returns how many sizes that are.
  int64_t enumerate_sizes() {
    auto left = size_weight_;
    auto budget = static_cast<double>(budget_);
    for (int64_t size = 1; size <= sizes_; ++size) {
      double share = left[static_cast<size_t>(size - 1)];
      double count = choose(players_, size) * (size <= paired_ ? 2 : 1);
      if (budget * share / count < 1 - 1e-8) return size - 1;
      budget -= count;
      if (share < 1)
        for (auto& weight : left) weight /= 1 - share;
      enumerate(size, size_weight_[static_cast<size_t>(size - 1)] / count);
    }
    return sizes_;
  }

  void enumerate(int64_t size, double weight) {
    Row row(static_cast<size_t>(players_), false);
    std::fill(row.begin(), row.begin() + size, true);
    do {
      add(row, weight);
      if (size <= paired_) add(complement(row), weight);
    } while (std::prev_permutation(row.begin(), row.end()));
  }

  // Draws sizes by weight and a coalition of each, until the budget is spent; one drawn again counts again.
  void sample_sizes(int64_t complete, uint64_t seed) {
    Random random(seed);
    auto first = rows_.size();
    std::vector<double> share(size_weight_.begin() + complete, size_weight_.end());
    double mass = std::accumulate(share.begin(), share.end(), 0.0);
    for (size_t i = 0; i < share.size(); ++i)
      if (complete + static_cast<int64_t>(i) < paired_) share[i] /= 2;  // two are drawn at a time
    std::map<Row, size_t> known;
    int64_t left = budget_ - static_cast<int64_t>(first);
    for (int64_t draws = 4 * left; draws > 0 && left > 0; --draws) {
      int64_t size = complete + 1 + pick(share, random);
      auto row = random_row(size, random);
      auto [found, fresh] = known.try_emplace(row, rows_.size());
      bool paired = size <= paired_;
      if (!fresh) {
        weights_[found->second] += 1;
        if (paired && found->second + 1 < rows_.size()) weights_[found->second + 1] += 1;
        continue;
      }
      add(row, 1);
      if (--left > 0 && paired) {
        add(complement(row), 1);
        --left;
      }
    }
    double drawn = std::accumulate(weights_.begin() + static_cast<int64_t>(first), weights_.end(), 0.0);
    for (size_t i = first; i < weights_.size(); ++i) weights_[i] *= mass / drawn;
  }

  static int64_t pick(const std::vector<double>& share, Random& random) {
    double point = random.uniform(0, std::accumulate(share.begin(), share.end(), 0.0));
    for (size_t i = 0; i + 1 < share.size(); ++i) {
      if (point < share[i]) return static_cast<int64_t>(i);
      point -= share[i];
    }
    return std::ssize(share) - 1;
  }

  Row random_row(int64_t size, Random& random) const {
    std::vector<size_t> order(static_cast<size_t>(players_));
    std::iota(order.begin(), order.end(), 0);
    Row row(order.size(), false);
    for (int64_t i = 0; i < size; ++i) {
      std::swap(order[static_cast<size_t>(i)], order[static_cast<size_t>(i + random.below(players_ - i))]);
      row[order[static_cast<size_t>(i)]] = true;
    }
    return row;
  }

  int64_t budget_, players_, sizes_, paired_;
  std::vector<double> size_weight_;  // of sizes 1, 2, ..., each with its complement; sum 1
  std::vector<Row> rows_;
  std::vector<double> weights_;
};

}  // namespace

WeightedCoalitions shap_coalitions(int64_t samples, int64_t players, uint64_t seed) {
  check(players >= 2, "KernelSHAP samples coalitions of at least two players");
  check(samples > 0, "samples must be at least 1, got {}", samples);
  return ShapSampler(samples, players).draw(seed);
}

}  // namespace multiviz
