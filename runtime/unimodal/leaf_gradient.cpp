#include "unimodal/leaf_gradient.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

#include "core/error.h"

namespace multiviz {
namespace {

at::Tensor expand_rows(const at::Tensor& tensor, int64_t batch) {
  auto shape = tensor.sizes().vec();
  shape.front() = batch;
  return tensor.expand(shape);
}

}  // namespace

void check_datapoint(const Model& model, const Datapoint& datapoint) {
  const auto& signature = model.signature();
  check(datapoint.values.size() == signature.modalities.size(), "{} takes {} modalities, but the datapoint has {}",
        signature.name, signature.modalities.size(), datapoint.values.size());
  for (size_t m = 0; m < datapoint.values.size(); ++m)
    check(kind_of(datapoint.values[m]) == signature.modalities[m].kind, "'{}' of {} must be {}, not {}",
          signature.modalities[m].name, signature.name, kind_name(signature.modalities[m].kind),
          kind_name(kind_of(datapoint.values[m])));
}

std::vector<size_t> find_modalities(const Model& model, const std::vector<std::string>& names) {
  std::vector<size_t> found;
  const auto& modalities = model.signature().modalities;
  for (const auto& name : names) {
    size_t m = modality_index(modalities, name);
    check(std::find(found.begin(), found.end(), m) == found.end(), "modality '{}' is given twice", name);
    found.push_back(m);
  }
  if (names.empty())
    for (size_t m = 0; m < modalities.size(); ++m) found.push_back(m);
  return found;
}

Leaf with_tensor(const Leaf& leaf, at::Tensor tensor) {
  int64_t batch = tensor.size(0);
  Leaf out{std::move(tensor), {}, {}, {}};
  if (leaf.mask.defined()) out.mask = expand_rows(leaf.mask, batch);
  if (leaf.atoms.defined()) out.atoms = expand_rows(leaf.atoms, batch);
  if (leaf.regions.defined()) out.regions = expand_rows(leaf.regions, batch);
  if (!leaf.areas.empty()) out.areas.assign(static_cast<size_t>(batch), leaf.areas.front());
  return out;
}

Encoding expand(const Encoding& encoding, int64_t batch) {
  Encoding out;
  for (const auto& tensor : encoding.tensors) out.tensors.push_back(expand_rows(tensor, batch));
  return out;
}

Explanation start_explanation(const std::string& method, const std::string& stage, const Model& model,
                              const Datapoint& datapoint, const std::vector<Target>& targets) {
  Explanation explanation;
  explanation.method = method;
  explanation.stage = stage;
  explanation.model = model.signature().name;
  explanation.datapoint = datapoint.id;
  for (const auto& target : targets) explanation.targets.push_back(target.describe(model.signature()));
  return explanation;
}

LeafGradient::LeafGradient(const Model& model, const Datapoint& datapoint, std::vector<Target> targets,
                           const std::vector<std::string>& modalities, const std::string& method)
    : model_(model), datapoint_(datapoint), targets_(std::move(targets)) {
  require_differentiable(model, method);
  check_datapoint(model, datapoint);
  check(!targets_.empty(), "nothing to explain: give at least one target");
  for (const auto& target : targets_) target.validate(model.signature());
  modalities_ = find_modalities(model, modalities);
  at::NoGradGuard no_grad;
  for (size_t m = 0; m < datapoint.values.size(); ++m) {
    leaves_.push_back(model.prepare(m, {&datapoint.values[m], 1}));
    leaves_.back().tensor = leaves_.back().tensor.detach();
  }
}

Encoding LeafGradient::fixed(size_t modality, int64_t batch, Trace* trace) {
  auto found = fixed_.find(modality);
  if (found == fixed_.end()) {
    at::NoGradGuard no_grad;
    auto own = trace_for(targets_);
    Fixed made{model_.encode(modality, leaves_[modality], own.get()), {}};
    if (own) made.activations = own->activations();
    found = fixed_.emplace(modality, std::move(made)).first;
    ++cost_.encodes;
  }
  for (const auto& [name, activation] : found->second.activations) trace->pass(name, expand_rows(activation, batch));
  return expand(found->second.encoding, batch);
}

at::Tensor LeafGradient::run(const std::vector<at::Tensor>& inputs) {
  int64_t batch = inputs.front().size(0);
  auto trace = trace_for(targets_);
  std::vector<Encoding> encodings;
  for (size_t m = 0; m < leaves_.size(); ++m) {
    auto place = std::find(modalities_.begin(), modalities_.end(), m);
    if (place == modalities_.end()) {
      encodings.push_back(fixed(m, batch, trace.get()));
      continue;
    }
    auto leaf = with_tensor(leaves_[m], inputs[static_cast<size_t>(place - modalities_.begin())]);
    encodings.push_back(model_.encode(m, leaf, trace.get()));
  }
  auto output = model_.fuse(encodings, trace.get());
  auto values = evaluate(targets_, model_.signature(), output, trace.get());
  if (!at::isfinite(values).all().item<bool>()) {
    check_finite(model_, leaves_, output);
    fail("{} gives values that are not finite: check the weights and the input", model_.signature().name);
  }
  cost_.encodes += batch * std::ssize(inputs);
  cost_.fuses += batch;
  return values;
}

at::Tensor LeafGradient::values(const std::vector<at::Tensor>& inputs) {
  at::NoGradGuard no_grad;
  return run(inputs);
}

at::Tensor LeafGradient::at(std::vector<at::Tensor> inputs, const Consumer& consumer) {
  at::AutoGradMode with_gradients(true);
  for (auto& input : inputs) input = input.detach().set_requires_grad(true);
  auto values = run(inputs);
  // Rows do not depend on one another, so the gradient of the sum holds that of every row.
  auto totals = values.sum(0);
  for (size_t k = 0; k < targets_.size(); ++k) {
    std::vector<at::Tensor> gradients(inputs.size());
    if (totals.requires_grad())
      gradients = torch::autograd::grad({totals[static_cast<int64_t>(k)]}, inputs, {}, k + 1 < targets_.size(), false, true);
    for (size_t i = 0; i < inputs.size(); ++i)
      if (!gradients[i].defined()) gradients[i] = at::zeros_like(inputs[i]).detach();
    consumer(k, gradients);
  }
  return values.detach();
}

Explanation LeafGradient::explain(const std::string& method, const std::vector<std::vector<at::Tensor>>& scores,
                                  const PlayerOptions& options, Gather gather) const {
  auto explanation = start_explanation(method, "U", model_, datapoint_, targets_);
  explanation.options = options.json();
  const auto& all = model_.signature().modalities;
  for (size_t m : modalities_) explanation.options["modalities"].push_back(all[m].name);
  auto image = std::find_if(all.begin(), all.end(), [](const Modality& m) { return m.kind == ModalityKind::image; });
  std::vector<Players> players;
  for (size_t m : modalities_)
    players.push_back(leaf_players(all[m], datapoint_, datapoint_.values[m],
                                   m == static_cast<size_t>(image - all.begin()), options));
  bool is_signed = options.reduction == Reduction::standard || options.reduction == Reduction::signed_sum;
  bool sums_up = gather == Gather::contribution && is_signed;
  for (size_t k = 0; k < targets_.size(); ++k) {
    double outside = 0;
    for (size_t i = 0; i < modalities_.size(); ++i) {
      double unassigned = 0;
      auto attribution = gather_players(players[i], leaf(i), scores[k][i].select(0, 0), options, gather, &unassigned);
      attribution.target = k;
      explanation.attributions.push_back(std::move(attribution));
      outside += unassigned;
    }
    if (sums_up) explanation.fit["unassigned"].push_back(outside);
  }
  explanation.cost = cost_;
  return explanation;
}

}  // namespace multiviz
