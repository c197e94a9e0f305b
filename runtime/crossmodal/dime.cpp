#include "crossmodal/dime.h"

#include <ATen/ATen.h>

#include "core/batch.h"
#include "core/error.h"
#include "core/progress.h"
#include "core/stopwatch.h"
#include "perturb/coalitions.h"
#include "perturb/surrogate.h"
#include "unimodal/leaf_gradient.h"
#include "unimodal/perturbation.h"

namespace multiviz {
namespace {

// UC and MI, [.., K] each.
struct Parts {
  at::Tensor unimodal, multimodal;
};

// The context and the datapoint (the last of N), encoded on both sides, and the sums over their pairs.
class Disentangled {
 public:
  Disentangled(PairGrid& grid, std::vector<Datapoint> members)
      : grid_(grid), count_(static_cast<double>(members.size())) {
    auto rows = [&](size_t m) {
      return grid.encode(m, std::ssize(members), [&](int64_t i) { return members[static_cast<size_t>(i)].values[m]; });
    };
    first_ = rows(grid.a());
    second_ = rows(grid.b());
    sums_ = grid.sums(first_, second_);
  }

  Parts whole() const { return parts(sums_.rows[-1].unsqueeze(0), sums_.columns[-1], sums_.rows[-1], own()); }

  // Parts for each row of `variants`, which stand in for the datapoint in modality a or b: [S, K].
  Parts of(const EncodedRows& variants, bool in_first) {
    auto sums = in_first ? grid_.sums(variants, second_) : grid_.sums(first_, variants);
    // The datapoint is the last of the members on either side.
    if (in_first) return parts(sums.rows, sums_.columns[-1], sums_.rows[-1], sums.last_column);
    return parts(sums.columns, sums_.rows[-1], sums_.columns[-1], sums.last_row);
  }

 private:
  at::Tensor own() const { return sums_.diagonal[-1].unsqueeze(0); }

  // `mine` [S, K]: sums of f(variant, .) over the other modality; `theirs` [K]: sum of f(., x_other) over this one with
  // the datapoint itself; `replaced` [K]: the sum that `mine` stands in for; `values` [S, K]: f(variant, x_other).
  Parts parts(const at::Tensor& mine, const at::Tensor& theirs, const at::Tensor& replaced, const at::Tensor& values) const {
    auto total = sums_.rows.sum(0) - replaced + mine;
    auto across = theirs - own() + values;
    auto unimodal = mine / count_ + across / count_ - total / (count_ * count_);
    return {unimodal, values - unimodal};
  }

  PairGrid& grid_;
  double count_;
  EncodedRows first_, second_;
  GridSums sums_;
};

// Parts of every coalition of one modality's players, [S, K]; coalitions that repeat are evaluated once.
Parts evaluate_coalitions(Disentangled& model, PairGrid& grid, size_t modality, const Masker& masker,
                          const at::Tensor& coalitions, int64_t batch) {
  auto [distinct, places, counts] = at::unique_dim(coalitions.contiguous(), 0, true, true);
  std::vector<at::Tensor> unimodal, multimodal;
  int64_t total = distinct.size(0);
  for_each_batch(total, batch, [&, &rows = distinct](int64_t begin, int64_t end) {
    auto values = masker.render(rows.slice(0, begin, end));
    auto variants = grid.encode(modality, end - begin, [&](int64_t i) { return values[static_cast<size_t>(i)]; });
    auto parts = model.of(variants, modality == grid.a());
    unimodal.push_back(parts.unimodal);
    multimodal.push_back(parts.multimodal);
  });
  return {at::cat(unimodal).index_select(0, places), at::cat(multimodal).index_select(0, places)};
}

void add_component(Explanation& explanation, const Players& players, const Surrogate& surrogate, const char* component) {
  for (int64_t k = 0; k < surrogate.coefficients.size(1); ++k) {
    Attribution attribution;
    attribution.players = players;
    attribution.weights = surrogate.coefficients.select(1, k).clone();
    attribution.component = component;
    attribution.target = static_cast<size_t>(k);
    explanation.attributions.push_back(std::move(attribution));
  }
  explanation.fit[players.modality][component]["r2"] = numbers(surrogate.r2);
}

}  // namespace

Explanation dime(const std::shared_ptr<const Model>& model, const Datapoint& datapoint, const Dataset& context,
                 std::span<const Target> targets, const DimeOptions& options) {
  Stopwatch watch;
  std::vector<Target> explained(targets.begin(), targets.end());
  check(!explained.empty(), "nothing to explain: give at least one target");
  check(options.samples >= 2, "samples = {} is too few: use 2 or more", options.samples);
  auto members = context_without(*model, context, datapoint, "dime");
  members.push_back(datapoint);
  auto n = std::ssize(members);
  PairGrid grid(*model, datapoint, explained, options.modalities, options.batch, options.chunk);
  std::vector<size_t> pair = {grid.a(), grid.b()};
  auto maskers = make_maskers(*model, datapoint, pair, options.masker);

  auto explanation = start_explanation("dime", "C", *model, datapoint, explained);
  explanation.seed = options.seed;
  explanation.options = {{"context", n - 1}, {"samples", options.samples}, {"alpha", options.alpha}};
  Progress progress("dime", (n + 2 * options.samples) * n + 2 * (n + options.samples));
  grid.show(&progress);
  Disentangled disentangled(grid, std::move(members));
  auto whole = disentangled.whole();
  explanation.fit["unimodal"] = numbers(whole.unimodal[0]);
  explanation.fit["multimodal"] = numbers(whole.multimodal[0]);
  for (size_t m : pair) {
    const auto& modality = model->signature().modalities[m];
    const auto& players = maskers[m]->players();
    auto coalitions = lime_coalitions(modality.kind, options.samples, players.size(), options.seed);
    auto weights = lime_weights(modality.kind, coalitions, options.kernel_width);
    auto parts = evaluate_coalitions(disentangled, grid, m, *maskers[m], coalitions, options.batch);
    add_component(explanation, players, fit_surrogate(coalitions, parts.unimodal, weights, options.alpha), "unimodal");
    add_component(explanation, players, fit_surrogate(coalitions, parts.multimodal, weights, options.alpha), "multimodal");
    explanation.options[modality.name] = describe(options.masker.of(modality.name), modality.kind);
    explanation.options[modality.name]["kernel_width"] = lime_width(modality.kind, players.size(), options.kernel_width);
  }
  explanation.cost = grid.cost();
  explanation.cost.seconds = watch.seconds();
  return explanation;
}

}  // namespace multiviz
