#include "models/late_fusion.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "core/error.h"
#include "core/random.h"
#include "models/leaves.h"
#include "models/parts.h"

namespace multiviz {
namespace {

LinearWeights make_linear(int64_t in, int64_t out, const at::Generator& generator) {
  return {uniform_fan({out, in}, in, generator), uniform_fan({out}, in, generator)};
}

std::vector<std::string> names_of(const std::vector<Modality>& modalities) {
  std::vector<std::string> out;
  for (const auto& modality : modalities) out.push_back(modality.name);
  return out;
}

at::Tensor xavier_normal(at::IntArrayRef shape, int64_t fan_in, int64_t fan_out, const at::Generator& generator) {
  return at::empty(shape).normal_(0, std::sqrt(2.0 / static_cast<double>(fan_in + fan_out)), generator);
}

}  // namespace

LateFusion::LateFusion(LateFusionOptions options, std::vector<ModelPtr> parts, bool frozen)
    : options_(std::move(options)), parts_(names_of(options_.modalities), std::move(parts), frozen) {
  check_options();
  signature_ = {options_.name, options_.modalities, options_.labels, options_.task, options_.features, {}, true};
  make_weights();
  parts_.add_taps(signature_.taps);
  for (size_t m = 0; m < encoders_.size(); ++m) {
    const auto& name = options_.modalities[m].name;
    for (auto& tap : encoders_[m].taps(name)) signature_.taps.push_back(std::move(tap));
    signature_.taps.push_back(name + ".encoded");
  }
  for (const char* name : {"fusion.fused", "fusion.features", "logits"}) signature_.taps.emplace_back(name);
}

std::string LateFusion::encoder_of(size_t modality) const {
  if (!options_.encoders.empty()) return options_.encoders[modality];
  return options_.modalities[modality].kind == ModalityKind::time_series ? "gru" : "mlp";
}

void LateFusion::check_options() const {
  const size_t count = options_.modalities.size();
  check(count > 0, "late_fusion needs modalities");
  auto positive = [](int64_t value, const char* what) {
    constexpr int64_t largest = 1 << 20;
    check(value >= 1 && value <= largest, "late_fusion: {} is {}: give a number from 1 to {}", what, value, largest);
  };
  for (const auto* list : {&options_.inputs, &options_.hidden, &options_.outputs, &options_.frames})
    check(list->size() == count, "late_fusion has {} modalities: give inputs, hidden, outputs and frames for each",
          count);
  check(options_.encoders.empty() || options_.encoders.size() == count,
        "late_fusion has {} modalities and {} encoders: give one for each", count, options_.encoders.size());
  for (size_t m = 0; m < count; ++m) {
    const auto& [name, kind] = options_.modalities[m];
    const bool series = kind == ModalityKind::time_series && !parts_[m];
    check(parts_[m] || series || kind == ModalityKind::tabular,
          "late_fusion takes time series and tables, and '{}' is an {}", name, kind_name(kind));
    check(!parts_[m] || parts_[m]->signature().features == options_.inputs[m],
          "late_fusion: the encoder of '{}' makes {} features, and its inputs are {}", name,
          parts_[m] ? parts_[m]->signature().features : 0, options_.inputs[m]);
    const auto& known = series ? series_networks() : table_networks();
    check(std::find(known.begin(), known.end(), encoder_of(m)) != known.end(),
          "late_fusion: '{}' cannot be encoded by {}: use {}", name, encoder_of(m), fmt::join(known, ", "));
  }
  check(options_.fusion == "concat" || options_.fusion == "low_rank",
        "late_fusion: fusion cannot be '{}': use \"concat\" or \"low_rank\"", options_.fusion);
  check(options_.head == "mlp" || options_.head == "linear",
        "late_fusion: head cannot be '{}': use \"mlp\" or \"linear\"", options_.head);
  positive(options_.rank, "rank"), positive(options_.fused, "fused"), positive(options_.features, "features");
  check((options_.task == Task::regression) == options_.labels.empty(),
        "late_fusion: regression takes no labels, and everything else needs them");
}

void LateFusion::make_weights() {
  auto generator = make_generator(options_.seed);
  int64_t together = 0;
  for (size_t m = 0; m < options_.modalities.size(); ++m) {
    UnimodalOptions options{encoder_of(m),      options_.inputs[m], options_.hidden[m], options_.outputs[m],
                            options_.frames[m], options_.heads,     options_.layers,    options_.inner};
    encoders_.emplace_back(options, fmt::format("late_fusion: '{}'", options_.modalities[m].name), generator);
    together += encoders_.back().width();
  }
  if (options_.fusion == "low_rank") {
    const int64_t rank = options_.rank, fused = options_.fused;
    for (const auto& encoder : encoders_) {  // LibTorch's fans of a weight of three dimensions
      const int64_t width = encoder.width() + 1;
      factors_.push_back(xavier_normal({rank, width, fused}, width * fused, rank * fused, generator));
    }
    fusion_weights_ = xavier_normal({1, rank}, rank, 1, generator);
    fusion_bias_ = at::zeros({1, fused});
    together = fused;
  }
  if (options_.head == "linear")
    signature_.features = together;
  else
    head_ = make_linear(together, options_.features, generator);
  classifier_ = make_linear(signature_.features, signature_.outputs(), generator);
}

template <typename Self, typename Visit>
void LateFusion::visit_weights(Self& self, const Visit& visit) {
  auto pair = [&](const std::string& name, auto& weights) {
    visit(name + ".weight", weights.weight);
    visit(name + ".bias", weights.bias);
  };
  for (size_t m = 0; m < self.factors_.size(); ++m) visit(fmt::format("fuse.factors.{}", m), self.factors_[m]);
  if (self.fusion_weights_.defined()) {
    visit("fuse.fusion_weights", self.fusion_weights_);
    visit("fuse.fusion_bias", self.fusion_bias_);
  }
  if (self.head_.weight.defined()) pair("head.fc", self.head_);
  pair(self.head_.weight.defined() ? "head.fc2" : "head.fc", self.classifier_);
}

NamedTensors LateFusion::parameters() const {
  NamedTensors out;
  parts_.add_parameters(out);
  for (size_t m = 0; m < encoders_.size(); ++m)
    for (const auto& [name, tensor] : encoders_[m].parameters())
      out.emplace_back(fmt::format("encoders.{}.{}", m, name), tensor);
  visit_weights(*this, [&](const std::string& name, const at::Tensor& tensor) { out.emplace_back(name, tensor); });
  return out;
}

NamedTensors LateFusion::buffers() const {
  NamedTensors out;
  parts_.add_buffers(out);
  for (size_t m = 0; m < encoders_.size(); ++m)
    for (const auto& [name, tensor] : encoders_[m].buffers())
      out.emplace_back(fmt::format("encoders.{}.{}", m, name), tensor);
  return out;
}

void LateFusion::set_training(bool on) {
  parts_.set_training(on);
  for (auto& encoder : encoders_) encoder.set_training(on);
}

void LateFusion::to(at::Device device) {
  at::NoGradGuard no_grad;
  parts_.to(device);
  for (auto& encoder : encoders_) encoder.to(device);
  visit_weights(*this, [&](const std::string&, at::Tensor& tensor) { tensor = tensor.to(device); });
}

Leaf LateFusion::prepare(size_t modality, std::span<const Value> values) const {
  check(modality < encoders_.size(), "{} has {} modalities", options_.name, encoders_.size());
  const auto& [name, kind] = options_.modalities[modality];
  const int64_t width = options_.inputs[modality], frames = options_.frames[modality];
  if (parts_[modality]) return parts_[modality]->prepare(0, values);
  if (kind == ModalityKind::tabular) return table_leaf(name, values, width, device());
  return encoder_of(modality) == "transformer" && frames > 0 ? fixed_series_leaf(name, values, width, frames, device())
                                                             : series_leaf(name, values, width, frames, device());
}

Encoding LateFusion::encode(size_t modality, const Leaf& leaf, Trace* trace) const {
  const auto& name = options_.modalities.at(modality).name;
  Leaf read = leaf;
  if (parts_[modality]) {
    const Encoding encoding = parts_[modality]->encode(0, leaf, trace);
    read = {parts_[modality]->fuse(std::span(&encoding, 1), nullptr).features, {}, {}, {}};
  }
  return {{tap(trace, name + ".encoded", encoders_[modality](read.tensor, read.mask, trace, name))}};
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
    encoded.push_back(rows.expand({batch, encoders_[m].width()}));
  }
  auto fused = tap(trace, "fusion.fused", factors_.empty() ? at::cat(encoded, 1) : fuse_low_rank(encoded));
  auto features = tap(trace, "fusion.features", head_.weight.defined() ? linear(fused, head_).relu() : fused);
  return {tap(trace, "logits", linear(features, classifier_)), features};
}

}  // namespace multiviz
