#include "perturb/game.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <utility>

#include "core/batch.h"
#include "core/error.h"
#include "core/progress.h"

namespace multiviz {
namespace {

at::Tensor spread(const at::Tensor& tensor, const at::Tensor& rows, int64_t batch) {
  if (rows.defined()) return tensor.index_select(0, rows);
  auto shape = tensor.sizes().vec();
  shape.front() = batch;
  return tensor.expand(shape);
}

}  // namespace

Game::Game(std::shared_ptr<const Model> model, Datapoint datapoint, std::vector<MaskerPtr> maskers,
           std::vector<Target> targets, int64_t batch)
    : model_(std::move(model)),
      datapoint_(std::move(datapoint)),
      maskers_(std::move(maskers)),
      targets_(std::move(targets)),
      batch_(batch),
      full_(maskers_.size()) {
  const auto& signature = model_->signature();
  size_t modalities = signature.modalities.size();
  check(datapoint_.values.size() == modalities, "{} takes {} modalities, but the datapoint has {}", signature.name,
        modalities, datapoint_.values.size());
  check(maskers_.size() == modalities, "{} takes {} modalities, but {} maskers were given", signature.name, modalities,
        maskers_.size());
  check(players() > 0, "nothing to perturb: no modality has a masker");
  check(!targets_.empty(), "nothing to explain: give at least one target");
  for (const auto& target : targets_) target.validate(signature);
}

int64_t Game::players() const {
  int64_t total = 0;
  for (const auto& masker : maskers_)
    if (masker) total += masker->players().size();
  return total;
}

at::Tensor Game::value(const at::Tensor& coalitions) {
  check(coalitions.dim() == 2 && coalitions.size(1) == players() && coalitions.scalar_type() == at::kBool,
        "coalitions must be boolean with one column for each of the {} players", players());
  at::NoGradGuard no_grad;
  auto masks = coalitions.cpu();
  auto values = at::empty({masks.size(0), std::ssize(targets_)}, at::kDouble);
  std::optional<Progress> progress;  // one value is no work of its own
  if (masks.size(0) > 1) progress.emplace("evaluating", masks.size(0));
  for_each_batch(masks.size(0), batch_, [&](int64_t begin, int64_t end) {
    Cost cost;
    values.slice(0, begin, end).copy_(run(masks.slice(0, begin, end), cost));
    cost_.encodes += cost.encodes;
    cost_.fuses += cost.fuses;
    if (progress) progress->advance(end - begin);
  });
  return values;
}

at::Tensor Game::whole() { return value(at::ones({1, players()}, at::kBool)).select(0, 0); }

at::Tensor Game::empty() { return value(at::zeros({1, players()}, at::kBool)).select(0, 0); }

at::Tensor Game::run(const at::Tensor& coalitions, Cost& cost) {
  int64_t batch = coalitions.size(0), offset = 0;
  auto trace = trace_for(targets_);
  std::vector<Encoding> encodings;
  for (size_t m = 0; m < maskers_.size(); ++m) {
    Encoded encoded;
    if (maskers_[m]) {
      int64_t count = maskers_[m]->players().size();
      encoded = encode_masked(m, coalitions.slice(1, offset, offset + count), cost);
      offset += count;
    } else {
      encoded = gather(encode_whole(m, cost), {}, batch);
    }
    for (auto& [name, activation] : encoded.activations) trace->pass(name, std::move(activation));
    encodings.push_back(std::move(encoded.encoding));
  }
  auto output = model_->fuse(encodings, trace.get());
  cost.fuses += batch;
  auto values = evaluate(targets_, model_->signature(), output, trace.get()).to(at::kCPU, at::kDouble);
  auto finite = at::isfinite(values).all(1);
  if (!finite.all().item<bool>()) explain_not_finite(coalitions[finite.logical_not().nonzero()[0].item<int64_t>()]);
  return values;
}

Game::Encoded Game::encode(size_t modality, std::span<const Value> values, Cost& cost) const {
  auto trace = trace_for(targets_);
  Encoded encoded;
  encoded.encoding = model_->encode(modality, model_->prepare(modality, values), trace.get());
  if (trace) encoded.activations = trace->activations();
  cost.encodes += std::ssize(values);
  return encoded;
}

const Game::Encoded& Game::encode_whole(size_t modality, Cost& cost) {
  if (!full_[modality]) full_[modality] = encode(modality, {&datapoint_.values[modality], 1}, cost);
  return *full_[modality];
}

Game::Encoded Game::gather(const Encoded& encoded, const at::Tensor& rows, int64_t batch) {
  Encoded out;
  for (const auto& tensor : encoded.encoding.tensors)
    out.encoding.tensors.push_back(spread(tensor, rows.defined() ? rows.to(tensor.device()) : rows, batch));
  for (const auto& [name, activation] : encoded.activations)
    out.activations[name] = spread(activation, rows.defined() ? rows.to(activation.device()) : rows, batch);
  return out;
}

Game::Encoded Game::encode_masked(size_t modality, const at::Tensor& coalitions, Cost& cost) const {
  int64_t batch = coalitions.size(0);
  auto [distinct, rows, counts] = at::unique_dim(coalitions.contiguous(), 0, true, true);
  if (distinct.size(0) == batch) return encode(modality, maskers_[modality]->render(coalitions), cost);
  return gather(encode(modality, maskers_[modality]->render(distinct), cost), rows, batch);
}

void Game::explain_not_finite(const at::Tensor& coalition) const {
  std::vector<Leaf> leaves;
  int64_t offset = 0;
  for (size_t m = 0; m < maskers_.size(); ++m) {
    if (!maskers_[m]) {
      leaves.push_back(model_->prepare(m, {&datapoint_.values[m], 1}));
      continue;
    }
    int64_t count = maskers_[m]->players().size();
    auto kept = coalition.slice(0, offset, offset + count).unsqueeze(0);
    leaves.push_back(model_->prepare(m, maskers_[m]->render(kept)));
    offset += count;
  }
  check_finite(*model_, leaves, model_->forward(leaves));
  fail("{} gives values that are not finite for some perturbed inputs: check the weights and the input",
       model_->signature().name);
}

std::vector<Attribution> Game::attributions(const at::Tensor& weights) const {
  auto columns = (weights.dim() == 1 ? weights.unsqueeze(1) : weights).to(at::kCPU, at::kDouble);
  check(columns.dim() == 2 && columns.size(0) == players(), "weights must have one row for each of the {} players",
        players());
  std::vector<Attribution> out;
  for (int64_t k = 0; k < columns.size(1); ++k) {
    int64_t offset = 0;
    for (const auto& masker : maskers_) {
      if (!masker) continue;
      int64_t count = masker->players().size();
      Attribution attribution;
      attribution.players = masker->players();
      attribution.weights = columns.select(1, k).slice(0, offset, offset + count).clone();
      attribution.target = static_cast<size_t>(k);
      out.push_back(std::move(attribution));
      offset += count;
    }
  }
  return out;
}

}  // namespace multiviz
