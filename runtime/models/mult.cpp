#include "models/mult.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/error.h"
#include "core/random.h"
#include "models/encoder.h"
#include "models/leaves.h"
#include "models/settings.h"

namespace multiviz {
namespace {

at::Tensor xavier_uniform(at::IntArrayRef shape, const at::Generator& generator) {
  const double bound = std::sqrt(6.0 / static_cast<double>(shape[0] + shape[1]));
  return at::empty(shape).uniform_(-bound, bound, generator);
}

LinearWeights make_linear(int64_t in, int64_t out, const at::Generator& generator) {
  return {uniform_fan({out, in}, in, generator), uniform_fan({out}, in, generator)};
}

// tensor2tensor's sinusoids for positions 1 to T: [T, E], sines first, and a zero at the end of an odd E.
at::Tensor sinusoids(int64_t frames, int64_t width, const at::TensorOptions& options) {
  const int64_t half = width / 2;
  auto rates = at::exp(at::arange(half, options) * (-std::log(10000.0) / static_cast<double>(half - 1)));
  auto angles = at::arange(1, frames + 1, options).unsqueeze(1) * rates.unsqueeze(0);
  return at::cat({angles.sin(), angles.cos(), at::zeros({frames, width % 2}, options)}, 1);
}

// sqrt(E) x plus the position of each frame that is there.
at::Tensor with_positions(const at::Tensor& x) {
  const int64_t frames = x.size(1), width = x.size(2);
  auto there = x.select(2, 0).ne(0).unsqueeze(2);  // [B, T, 1]
  auto positions = sinusoids(frames, width, x.options().requires_grad(false)).unsqueeze(0);
  return x * std::sqrt(static_cast<double>(width)) + at::where(there, positions, 0.0f);
}

// -inf where a frame would see one after it: [T, T].
at::Tensor future_mask(int64_t frames, const at::Tensor& like) {
  return at::full({frames, frames}, -std::numeric_limits<double>::infinity(), like.options().requires_grad(false))
      .triu(1);
}

template <typename Norm>
at::Tensor layer_norm(const at::Tensor& x, const Norm& norm) {
  return at::layer_norm(x, {x.size(-1)}, norm.weight, norm.bias, 1e-5);
}

}  // namespace

MulT::MulT(MultOptions options, std::vector<ModelPtr> parts, bool frozen)
    : options_(std::move(options)), parts_(options_.modalities, std::move(parts), frozen) {
  check_options();
  const auto count = std::ssize(options_.modalities);
  const int64_t width = options_.width, memory = width * (options_.self_pairs ? count : count - 1);
  const int64_t together = memory * count;
  signature_.name = options_.name;
  signature_.labels = options_.labels;
  signature_.task = options_.labels.empty() ? Task::regression : Task::classification;
  signature_.features = together;
  for (size_t m = 0; m < options_.modalities.size(); ++m) {
    const auto kind = parts_[m] ? parts_[m]->signature().modalities[0].kind : ModalityKind::time_series;
    signature_.modalities.push_back({options_.modalities[m], kind});
  }
  parts_.add_taps(signature_.taps, /*only_states=*/true);
  for (const char* part : {".projected", ".memory"})
    for (const auto& name : options_.modalities) signature_.taps.push_back(name + part);
  for (const char* name : {"fusion.features", "logits"}) signature_.taps.emplace_back(name);
  auto generator = make_generator(options_.seed);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t in = options_.inputs[static_cast<size_t>(i)];
    projections_.push_back(uniform_fan({width, in, 1}, in, generator));
    crossmodal_.emplace_back(count);
    for (int64_t j = 0; j < count; ++j)
      if (looks_at(i, j)) crossmodal_.back()[j] = make_transformer(width, options_.layers, generator);
    memories_.push_back(make_transformer(memory, std::max<int64_t>(options_.layers, 3), generator));
  }
  first_ = make_linear(together, together, generator);
  second_ = make_linear(together, together, generator);
  out_ = make_linear(together, signature_.outputs(), generator);
}

void MulT::check_options() const {
  check(!options_.modalities.empty() && options_.modalities.size() == options_.inputs.size(),
        "mult has {} modalities and {} numbers of inputs: give one of each", options_.modalities.size(),
        options_.inputs.size());
  auto within = [](int64_t value, const char* what, int64_t least, int64_t most) {
    check(value >= least && value <= most, "mult: {} is {}: give a number from {} to {}", what, value, least, most);
  };
  for (int64_t in : options_.inputs) within(in, "a number of inputs", 1, 1 << 20);
  within(options_.frames, "frames", 1, 1 << 16);
  within(options_.width, "width", 4, 4096);
  within(options_.layers, "layers", 1, 64);
  within(options_.heads, "heads", 1, options_.width);
  check(options_.width % options_.heads == 0, "mult: width {} must be a multiple of {} heads", options_.width,
        options_.heads);
  check(options_.self_pairs || options_.modalities.size() > 1, "mult without self_pairs needs two modalities or more");
  const auto names = weight_names().memories;
  check(std::set(names.begin(), names.end()).size() == names.size(),
        "mult without self_pairs tells modalities apart by their first letters: give them other names");
  for (size_t m = 0; m < options_.modalities.size(); ++m) {
    if (!parts_[m]) continue;
    const auto* encoder = dynamic_cast<const EncoderModel*>(parts_[m]);
    check(encoder != nullptr,
          "mult reads the states of all positions, which {} ('{}') does not show: use a BERT, "
          "RoBERTa, ViT or ResNet, or another fusion",
          parts_[m]->signature().name, options_.modalities[m]);
    check(encoder->states_width() == options_.inputs[m], "mult: the encoder of '{}' makes {} channels, not {}",
          options_.modalities[m], encoder->states_width(), options_.inputs[m]);
  }
}

MulT::Transformer MulT::make_transformer(int64_t width, int64_t layers, const at::Generator& generator) {
  auto norm = [&] { return Norm{at::ones({width}), at::zeros({width})}; };
  Transformer transformer{{}, norm()};
  for (int64_t i = 0; i < layers; ++i) {
    Layer layer;
    layer.in_weight = xavier_uniform({3 * width, width}, generator);
    layer.in_bias = at::zeros({3 * width});
    layer.output = {uniform_fan({width, width}, width, generator), at::zeros({width})};
    layer.first = {xavier_uniform({4 * width, width}, generator), at::zeros({4 * width})};
    layer.second = {xavier_uniform({width, 4 * width}, generator), at::zeros({width})};
    layer.norms[0] = norm();
    layer.norms[1] = norm();
    transformer.layers.push_back(std::move(layer));
  }
  return transformer;
}

bool MulT::looks_at(size_t i, size_t j) const { return options_.self_pairs || i != j; }

MulT::WeightNames MulT::weight_names() const {
  WeightNames out;
  const size_t count = options_.modalities.size();
  std::vector<std::string> letters;
  for (const auto& name : options_.modalities)
    letters.push_back(name == "text" || name == "language" ? "l" : name == "image" ? "v" : name.substr(0, 1));
  for (size_t i = 0; i < count; ++i) {
    const auto& own = letters[i];
    out.projections.push_back(options_.self_pairs ? fmt::format("proj.{}.weight", i) : "proj_" + own + ".weight");
    out.memories.push_back(options_.self_pairs ? fmt::format("trans_mems.{}", i) : "trans_" + own + "_mem");
    out.crossmodal.emplace_back();
    for (size_t j = 0; j < count; ++j)
      out.crossmodal.back().push_back(options_.self_pairs ? fmt::format("trans.{}.{}", i, j)
                                                          : "trans_" + own + "_with_" + letters[j]);
  }
  return out;
}

template <typename Self, typename Visit>
void MulT::visit_weights(Self& self, const Visit& visit) {
  const std::string prefix = self.options_.mmdl ? "fuse." : "";
  auto add = [&](const std::string& name, auto& tensor) { visit(prefix + name, tensor); };
  auto pair = [&](const std::string& name, auto& weights) {
    add(name + ".weight", weights.weight);
    add(name + ".bias", weights.bias);
  };
  auto transformer = [&](const std::string& name, auto& weights) {
    for (size_t l = 0; l < weights.layers.size(); ++l) {
      const auto layer = fmt::format("{}.layers.{}", name, l);
      auto& own = weights.layers[l];
      add(layer + ".self_attn.in_proj_weight", own.in_weight);
      add(layer + ".self_attn.in_proj_bias", own.in_bias);
      pair(layer + ".self_attn.out_proj", own.output);
      pair(layer + ".fc1", own.first);
      pair(layer + ".fc2", own.second);
      pair(layer + ".layer_norms.0", own.norms[0]);
      pair(layer + ".layer_norms.1", own.norms[1]);
    }
    pair(name + ".layer_norm", weights.norm);
  };
  const size_t count = self.projections_.size();
  const auto names = self.weight_names();
  for (size_t i = 0; i < count; ++i) add(names.projections[i], self.projections_[i]);
  for (size_t i = 0; i < count; ++i)
    for (size_t j = 0; j < count; ++j)
      if (self.looks_at(i, j)) transformer(names.crossmodal[i][j], self.crossmodal_[i][j]);
  for (size_t i = 0; i < count; ++i) transformer(names.memories[i], self.memories_[i]);
  pair("proj1", self.first_);
  pair("proj2", self.second_);
  pair("out_layer", self.out_);
}

NamedTensors MulT::buffers() const {
  NamedTensors out;
  parts_.add_buffers(out);
  const auto names = weight_names();
  auto markers = [&](const std::string& transformer) {
    const auto name = (options_.mmdl ? "fuse." : "") + transformer;
    out.emplace_back(name + ".version", at::full({1}, 2.0));
    out.emplace_back(name + ".embed_positions._float_tensor", at::zeros({1}));
  };
  for (size_t i = 0; i < memories_.size(); ++i) {
    markers(names.memories[i]);
    for (size_t j = 0; j < memories_.size(); ++j)
      if (looks_at(i, j)) markers(names.crossmodal[i][j]);
  }
  return out;
}

NamedTensors MulT::parameters() const {
  NamedTensors out;
  parts_.add_parameters(out);
  visit_weights(*this, [&](const std::string& name, const at::Tensor& tensor) { out.emplace_back(name, tensor); });
  return out;
}

void MulT::to(at::Device device) {
  at::NoGradGuard no_grad;
  parts_.to(device);
  visit_weights(*this, [&](const std::string&, at::Tensor& tensor) { tensor = tensor.to(device); });
}

Leaf MulT::prepare(size_t modality, std::span<const Value> values) const {
  check(modality < projections_.size(), "{} has {} modalities", options_.name, projections_.size());
  if (parts_[modality]) return parts_[modality]->prepare(0, values);
  return fixed_series_leaf(options_.modalities[modality], values, options_.inputs[modality], options_.frames, device());
}

// The states of a part as frames: cut to T, or padded with zeros, as is what a text's mask leaves out.
at::Tensor MulT::frames_of(size_t modality, const Leaf& leaf, Trace* trace) const {
  if (!parts_[modality]) return leaf.tensor;
  auto states = static_cast<const EncoderModel*>(parts_[modality])->states(leaf, trace).to(at::kFloat);
  if (leaf.mask.defined() && leaf.mask.dim() == 2) states = states * leaf.mask.unsqueeze(2);
  const int64_t there = std::min(states.size(1), options_.frames);
  return at::constant_pad_nd(states.slice(1, 0, there), {0, 0, 0, options_.frames - there});
}

Encoding MulT::encode(size_t modality, const Leaf& leaf, Trace* trace) const {
  auto projected = frames_of(modality, leaf, trace);
  if (options_.self_pairs || projected.size(2) != options_.width)
    projected = at::linear(projected, projections_.at(modality).squeeze(2));
  return {{tap(trace, options_.modalities[modality] + ".projected", projected)}};
}

// Pre-norm attention and feed-forward. The context is normalised by the same weights.
at::Tensor MulT::layer(const Layer& weights, const at::Tensor& x, const at::Tensor& context) const {
  const int64_t batch = x.size(0), frames = x.size(1), width = x.size(2), heads = options_.heads;
  auto normed = layer_norm(x, weights.norms[0]);
  auto looked_at = context.is_same(x) ? normed : layer_norm(context, weights.norms[0]);
  auto split = [&](const at::Tensor& from, int64_t part) {
    auto projected = at::linear(from, weights.in_weight.slice(0, part * width, (part + 1) * width),
                                weights.in_bias.slice(0, part * width, (part + 1) * width));
    return projected.view({batch, from.size(1), heads, width / heads}).transpose(1, 2);  // [B, heads, T, E / heads]
  };
  auto query = split(normed, 0) / std::sqrt(static_cast<double>(width / heads));
  auto scores = query.matmul(split(looked_at, 1).transpose(2, 3));
  if (options_.causal) scores = scores + future_mask(frames, scores);
  auto read = scores.softmax(3).matmul(split(looked_at, 2)).transpose(1, 2).reshape({batch, frames, width});
  auto attended = x + linear(read, weights.output);
  auto fed = linear(linear(layer_norm(attended, weights.norms[1]), weights.first).relu(), weights.second);
  return attended + fed;
}

at::Tensor MulT::run(const Transformer& transformer, const at::Tensor& x, const at::Tensor& context) const {
  const bool self = context.is_same(x);
  auto hidden = with_positions(x);
  const auto seen = self ? at::Tensor() : with_positions(context);
  for (const auto& weights : transformer.layers) hidden = layer(weights, hidden, self ? hidden : seen);
  return layer_norm(hidden, transformer.norm);
}

Output MulT::fuse(std::span<const Encoding> encodings, Trace* trace) const {
  const size_t count = projections_.size();
  check(encodings.size() == count, "{} fuses {} encodings, not {}", options_.name, count, encodings.size());
  int64_t batch = 1;
  for (const auto& encoding : encodings) batch = std::max(batch, encoding.batch());
  std::vector<at::Tensor> frames, last;
  for (const auto& encoding : encodings) {
    const auto& rows = encoding.tensors.at(0);
    check(rows.size(0) == batch || rows.size(0) == 1, "{} fuses encodings of the same batch, not {} and {}",
          options_.name, rows.size(0), batch);
    frames.push_back(rows.expand({batch, options_.frames, options_.width}));
  }
  for (size_t i = 0; i < count; ++i) {
    std::vector<at::Tensor> made;
    for (size_t j = 0; j < count; ++j) {
      if (!looks_at(i, j)) continue;
      // Even of itself a modality is the context here: its keys stay as they are projected while the queries change.
      auto context = i == j ? frames[j].alias() : frames[j];
      made.push_back(run(crossmodal_[i][j], frames[i], context));
    }
    auto together = at::cat(made, 2);
    auto memory = run(memories_[i], together, together).select(1, options_.frames - 1);
    last.push_back(tap(trace, options_.modalities[i] + ".memory", memory));
  }
  auto joined = at::cat(last, 1);
  auto features = joined + linear(linear(joined, first_).relu(), second_);
  features = tap(trace, "fusion.features", features);
  return {tap(trace, "logits", linear(features, out_)), features};
}

nlohmann::json MulT::config() const {
  nlohmann::json out = {{"architecture", "mult"},
                        {"name", options_.name},
                        {"modalities", options_.modalities},
                        {"inputs", options_.inputs},
                        {"frames", options_.frames},
                        {"width", options_.width},
                        {"heads", options_.heads},
                        {"layers", options_.layers},
                        {"causal", options_.causal},
                        {"labels", options_.labels},
                        {"self_pairs", options_.self_pairs},
                        {"mmdl", options_.mmdl}};
  if (!parts_.empty()) out.update({{"parts", parts_.names()}, {"frozen", parts_.frozen()}});
  return out;
}

MultOptions mult_options(const nlohmann::json& config) {
  MultOptions out;
  SettingsReader read(config, "mult");
  read("name", out.name), read("modalities", out.modalities), read("inputs", out.inputs), read("frames", out.frames);
  read("width", out.width), read("heads", out.heads), read("layers", out.layers), read("causal", out.causal);
  read("labels", out.labels);
  read.optional("self_pairs", out.self_pairs);
  read.optional("mmdl", out.mmdl);
  read.allow("parts"), read.allow("frozen");
  read.done();
  return out;
}

}  // namespace multiviz
