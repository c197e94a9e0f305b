#pragma once
#include <ATen/ATen.h>
#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>

#include "io/json.h"
#include "io/safetensors.h"
#include "models/pretrained.h"
#include "models/raw.h"
#include "tests/scratch.h"

namespace multiviz::test {

// A tiny checkpoint of tests/fixtures and what the reference implementation makes of the inputs beside it.
struct Reference {
  Pretrained pretrained;
  std::map<std::string, at::Tensor> checks;

  const at::Tensor& at(const std::string& name) const { return checks.at(name); }
  // The tensors "name.0", "name.1", ...
  std::vector<at::Tensor> list(const std::string& name) const {
    std::vector<at::Tensor> out;
    while (checks.contains(fmt::format("{}.{}", name, out.size())))
      out.push_back(checks.at(fmt::format("{}.{}", name, out.size())));
    return out;
  }
};

inline Reference read_reference(const std::string& folder, at::ScalarType dtype = at::kFloat) {
  Reference out;
  out.pretrained.source = folder;
  out.pretrained.config = load_json(folder + "/config.json");
  out.pretrained.tensors = load_safetensors(folder + "/model.safetensors").tensors;
  out.pretrained.dtype = dtype;
  out.checks = load_safetensors(folder + "/check.safetensors").tensors;
  return out;
}

// The leaf of the reference's input_ids, embedded by the model's weights whose name ends so.
inline Leaf word_leaf(const Model& model, const Reference& reference, const std::string& embeddings) {
  Leaf leaf;
  for (const auto& [name, tensor] : model.parameters())
    if (name.ends_with(embeddings))
      leaf.tensor = at::embedding(tensor, reference.at("input_ids").to(at::kLong)).to(at::kFloat);
  leaf.mask = reference.at("attention_mask").to(at::kBool);
  return leaf;
}

inline double difference(const at::Tensor& a, const at::Tensor& b) {
  return a.sizes() == b.sizes() ? (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>() : INFINITY;
}

// The largest difference at rows [B, T] that are real; a and b are [B, T, E] or, with heads, [B, H, T, S].
inline double difference_at(const at::Tensor& real, const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes()) return INFINITY;
  auto rows = (a.dim() == 4 ? real.unsqueeze(1).unsqueeze(3) : real.unsqueeze(2)).expand_as(a);
  return (a - b).abs().masked_fill(rows.logical_not(), 0).max().item<double>();
}

// d score / d leaves, and the second-order gradient of the words at position 1: s = sum |d score / d words|, d s / d
// each leaf of `to`.
struct Derivatives {
  std::vector<at::Tensor> first, second;
};

inline Derivatives derivatives(const Model& model, std::vector<Leaf> leaves, size_t words, std::vector<size_t> to,
                               int64_t label, bool announced) {
  std::vector<at::Tensor> inputs, others;
  for (auto& leaf : leaves) inputs.push_back(leaf.tensor = leaf.tensor.detach().clone().set_requires_grad(true));
  for (size_t m : to) others.push_back(inputs[m]);
  Trace trace;
  trace.set_second_order(announced);
  auto score = model.forward(leaves, &trace).logits.select(1, label).sum();
  Derivatives out;
  out.first = torch::autograd::grad({score}, inputs, {}, true, true);
  auto asked = out.first[words].abs().select(1, 1);
  auto mask = leaves[words].mask;
  if (mask.defined()) asked = asked * mask.select(1, 1).unsqueeze(1);
  out.second = torch::autograd::grad({asked.sum()}, others);
  return out;
}

// Every pair of rows by fuse_grid, against the pairs fused one by one.
inline double grid_difference(const Model& model, std::span<const Encoding> encodings, size_t a, size_t b) {
  int64_t rows = encodings[a].batch(), columns = encodings[b].batch(), seen = 0;
  double worst = 0;
  model.fuse_grid(
      encodings, a, b,
      [&](const GridBlock& block) {
        for (int64_t i = block.i0; i < block.i1; ++i)
          for (int64_t j = block.j0; j < block.j1; ++j, ++seen) {
            std::vector<Encoding> pair(encodings.begin(), encodings.end());
            for (auto& encoding : pair) encoding = encoding.slice(0, 1);
            pair[a] = encodings[a].slice(i, i + 1), pair[b] = encodings[b].slice(j, j + 1);
            auto expected = model.fuse(pair, nullptr);
            int64_t row = (i - block.i0) * (block.j1 - block.j0) + j - block.j0;
            worst = std::max({worst, difference(block.output.logits[row], expected.logits[0]),
                              difference(block.output.features[row], expected.features[0])});
          }
      },
      2);
  return seen == rows * columns ? worst : INFINITY;
}

// Every tap of the signature is recorded, and recording changes nothing.
inline void check_taps(const Model& model, std::span<const Leaf> leaves) {
  Trace trace;
  trace.record("*");
  auto output = model.forward(leaves, &trace);
  for (const auto& tap : model.signature().taps) {
    INFO(tap);
    CHECK(trace.activations().contains(tap));
  }
  CHECK(output.features.size(1) == model.signature().features);
  CHECK(output.logits.size(1) == model.signature().outputs());
  CHECK(difference(output.logits, model.forward(leaves).logits) < 1e-5);
}

// The checkpoint read in 16 bits gives the reference's `output` within these differences, in 32 bits.
template <typename Pretrained>
void check_16_bits(const std::string& folder, const RawInputs& inputs, const std::string& output, double half,
                   double bfloat) {
  for (auto [dtype, most] : {std::pair{at::kHalf, half}, {at::kBFloat16, bfloat}}) {
    auto reference = read_reference(folder, dtype);
    Pretrained model(reference.pretrained);
    auto out = model.forward_raw(inputs)[output].tensor;
    CHECK((model.parameters().front().second.scalar_type() == dtype));
    CHECK((out.scalar_type() == at::kFloat));
    CHECK(difference(out, reference.at(output)) < most);
  }
}

// What is said of the checkpoint after `change` was made to it.
template <typename Model, typename Change>
std::string complaint(const Reference& reference, Change&& change) {
  auto copy = reference.pretrained;
  change(copy);
  return error_of([&] { Model model(copy); });
}

}  // namespace multiviz::test
