#include "models/late_fusion.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "core/error.h"
#include "core/random.h"
#include "models/leaves.h"

namespace multiviz {
namespace {

LinearWeights make_linear(int64_t in, int64_t out, const at::Generator& generator) {
  return {uniform_fan({out, in}, in, generator), uniform_fan({out}, in, generator)};
}

at::Tensor xavier_normal(at::IntArrayRef shape, int64_t fan_in, int64_t fan_out, const at::Generator& generator) {
  return at::empty(shape).normal_(0, std::sqrt(2.0 / static_cast<double>(fan_in + fan_out)), generator);
}

}  // namespace

LateFusion::LateFusion(LateFusionOptions options) : options_(std::move(options)) {
  check_options();
  signature_ = {options_.name, options_.modalities, options_.labels, options_.task, options_.features, {}, true};
  for (const auto& modality : options_.modalities) signature_.taps.push_back(modality.name + ".encoded");
  for (const char* name : {"fusion.fused", "fusion.features", "logits"}) signature_.taps.emplace_back(name);
  make_weights();
}

void LateFusion::check_options() const {
  const size_t count = options_.modalities.size();
  check(count > 0, "late_fusion needs modalities");
  auto positive = [](int64_t value, const char* what, int64_t least = 1) {
    constexpr int64_t largest = 1 << 20;
    check(value >= least && value <= largest, "late_fusion: {} is {}: give a number from {} to {}", what, value, least,
          largest);
  };
  for (const auto* list : {&options_.inputs, &options_.hidden, &options_.outputs, &options_.frames})
    check(list->size() == count, "late_fusion has {} modalities: give inputs, hidden, outputs and frames for each",
          count);
  for (size_t m = 0; m < count; ++m) {
    const auto& modality = options_.modalities[m];
    const bool table = modality.kind == ModalityKind::tabular;
    check(table || modality.kind == ModalityKind::time_series,
          "late_fusion takes time series and tables, and '{}' is an {}", modality.name, kind_name(modality.kind));
    positive(options_.inputs[m], "a number of inputs");
    positive(options_.hidden[m], "a hidden width");
    positive(options_.outputs[m], "an output width", table ? 1 : 0);
    positive(options_.frames[m], "a number of frames", 0);
  }
  check(options_.fusion == "concat" || options_.fusion == "low_rank",
        "late_fusion: fusion cannot be '{}': use \"concat\" or \"low_rank\"", options_.fusion);
  positive(options_.rank, "rank"), positive(options_.fused, "fused"), positive(options_.features, "features");
  check((options_.task == Task::regression) == options_.labels.empty(),
        "late_fusion: regression takes no labels, and everything else needs them");
}

void LateFusion::make_weights() {
  auto generator = make_generator(options_.seed);
  int64_t together = 0;
  for (size_t m = 0; m < options_.modalities.size(); ++m) {
    const int64_t in = options_.inputs[m], hidden = options_.hidden[m], out = options_.outputs[m];
    Encoder encoder;
    encoder.width = out;
    if (options_.modalities[m].kind == ModalityKind::tabular) {
      encoder.first = make_linear(in, hidden, generator);
      encoder.second = make_linear(hidden, out, generator);
    } else {
      encoder.gru = {uniform_fan({3 * hidden, in}, hidden, generator),
                     uniform_fan({3 * hidden, hidden}, hidden, generator), uniform_fan({3 * hidden}, hidden, generator),
                     uniform_fan({3 * hidden}, hidden, generator)};
      if (out > 0) encoder.second = make_linear(hidden, out, generator);
      encoder.width = (out > 0 ? out : hidden) * std::max<int64_t>(options_.frames[m], 1);
    }
    together += encoder.width;
    encoders_.push_back(std::move(encoder));
  }
  if (options_.fusion == "low_rank") {
    const int64_t rank = options_.rank, fused = options_.fused;
    for (const auto& encoder : encoders_)  // LibTorch's fans of a weight of three dimensions
      factors_.push_back(
          xavier_normal({rank, encoder.width + 1, fused}, (encoder.width + 1) * fused, rank * fused, generator));
    fusion_weights_ = xavier_normal({1, rank}, rank, 1, generator);
    fusion_bias_ = at::zeros({1, fused});
    together = fused;
  }
  head_ = make_linear(together, options_.features, generator);
  classifier_ = make_linear(options_.features, signature_.outputs(), generator);
}

template <typename Self, typename Visit>
void LateFusion::visit_weights(Self& self, const Visit& visit) {
  auto pair = [&](const std::string& name, auto& weights) {
    visit(name + ".weight", weights.weight);
    visit(name + ".bias", weights.bias);
  };
  for (size_t m = 0; m < self.encoders_.size(); ++m) {
    const auto name = fmt::format("encoders.{}", m);
    auto& encoder = self.encoders_[m];
    if (encoder.first.weight.defined()) {
      pair(name + ".fc", encoder.first);
      pair(name + ".fc2", encoder.second);
      continue;
    }
    visit(name + ".gru.weight_ih_l0", encoder.gru.weight_ih);
    visit(name + ".gru.weight_hh_l0", encoder.gru.weight_hh);
    visit(name + ".gru.bias_ih_l0", encoder.gru.bias_ih);
    visit(name + ".gru.bias_hh_l0", encoder.gru.bias_hh);
    if (encoder.second.weight.defined()) pair(name + ".linear", encoder.second);
  }
  for (size_t m = 0; m < self.factors_.size(); ++m) visit(fmt::format("fuse.factors.{}", m), self.factors_[m]);
  if (self.fusion_weights_.defined()) {
    visit("fuse.fusion_weights", self.fusion_weights_);
    visit("fuse.fusion_bias", self.fusion_bias_);
  }
  pair("head.fc", self.head_);
  pair("head.fc2", self.classifier_);
}

NamedTensors LateFusion::parameters() const {
  NamedTensors out;
  visit_weights(*this, [&](const std::string& name, const at::Tensor& tensor) { out.emplace_back(name, tensor); });
  return out;
}

void LateFusion::to(at::Device device) {
  at::NoGradGuard no_grad;
  visit_weights(*this, [&](const std::string&, at::Tensor& tensor) { tensor = tensor.to(device); });
}

Leaf LateFusion::prepare(size_t modality, std::span<const Value> values) const {
  check(modality < encoders_.size(), "{} has {} modalities", options_.name, encoders_.size());
  const auto& [name, kind] = options_.modalities[modality];
  const int64_t width = options_.inputs[modality];
  return kind == ModalityKind::tabular ? table_leaf(name, values, width, device())
                                       : series_leaf(name, values, width, options_.frames[modality], device());
}

Encoding LateFusion::encode(size_t modality, const Leaf& leaf, Trace* trace) const {
  const auto& encoder = encoders_.at(modality);
  at::Tensor encoded;
  if (encoder.first.weight.defined()) {
    encoded = linear(linear(leaf.tensor, encoder.first).relu(), encoder.second);
  } else {
    const bool all = options_.frames[modality] > 0;
    auto states = gru(leaf.tensor, leaf.mask, encoder.gru);
    encoded = all ? states.states : states.last;
    if (encoder.second.weight.defined()) encoded = linear(encoded, encoder.second);
    encoded = encoded.flatten(1);
  }
  return {{tap(trace, options_.modalities[modality].name + ".encoded", encoded)}};
}

at::Tensor LateFusion::fuse_low_rank(std::span<const at::Tensor> encoded) const {
  at::Tensor product;  // [R, B, fused]
  for (size_t m = 0; m < encoded.size(); ++m) {
    auto with_one = at::cat({at::ones({encoded[m].size(0), 1}, encoded[m].options()), encoded[m]}, 1);
    auto projected = at::matmul(with_one, factors_[m]);
    product = m == 0 ? projected : product * projected;
  }
  return at::matmul(fusion_weights_, product.permute({1, 0, 2})).squeeze(1) + fusion_bias_;
}

Output LateFusion::fuse(std::span<const Encoding> encodings, Trace* trace) const {
  check(encodings.size() == encoders_.size(), "{} fuses {} encodings, not {}", options_.name, encoders_.size(),
        encodings.size());
  int64_t batch = 1;
  for (const auto& encoding : encodings) batch = std::max(batch, encoding.batch());
  std::vector<at::Tensor> encoded;
  for (size_t m = 0; m < encodings.size(); ++m) {
    const auto& rows = encodings[m].tensors.at(0);
    check(rows.size(0) == batch || rows.size(0) == 1, "{} fuses encodings of the same batch, not {} and {}",
          options_.name, rows.size(0), batch);
    encoded.push_back(rows.expand({batch, encoders_[m].width}));
  }
  auto fused = tap(trace, "fusion.fused", factors_.empty() ? at::cat(encoded, 1) : fuse_low_rank(encoded));
  auto features = tap(trace, "fusion.features", linear(fused, head_).relu());
  return {tap(trace, "logits", linear(features, classifier_)), features};
}

}  // namespace multiviz
