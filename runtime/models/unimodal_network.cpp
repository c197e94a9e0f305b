#include "models/unimodal_network.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/error.h"
#include "core/suggest.h"
#include "nn/gru.h"
#include "nn/layers.h"
#include "nn/lstm.h"
#include "nn/transformer.h"

namespace multiviz {
namespace {

constexpr int64_t pieces = 2;  // linear maps of which Maxout takes the largest

bool is_series(const std::string& kind) {
  return std::find(series_networks().begin(), series_networks().end(), kind) != series_networks().end();
}

void check_size(int64_t value, const char* what, const std::string& where, int64_t least = 1) {
  constexpr int64_t largest = 1 << 20;
  check(value >= least && value <= largest, "{}: {} is {}: give a number from {} to {}", where, what, value, least,
        largest);
}

void check_options(const UnimodalOptions& options, const std::string& where) {
  auto all = series_networks();
  all.insert(all.end(), table_networks().begin(), table_networks().end());
  check(std::find(all.begin(), all.end(), options.kind) != all.end(), "{}: there is no encoder '{}'{}", where,
        options.kind, suggestion(options.kind, all));
  const bool linear_last = options.kind == "mlp" || options.kind == "maxout";
  check_size(options.inputs, "a number of inputs", where);
  check_size(options.frames, "a number of frames", where, 0);
  if (options.kind == "none") return;
  check_size(options.hidden, "a hidden width", where);
  check_size(options.outputs, "an output width", where, linear_last ? 1 : 0);
  check(options.frames == 0 || options.kind == "gru" || options.kind == "transformer",
        "{}: frames is a setting of gru and transformer, not of {}", where, options.kind);
  if (options.kind != "transformer") return;
  check_size(options.heads, "heads", where);
  check_size(options.layers, "layers", where);
  check_size(options.inner, "inner", where);
  check(options.hidden % options.heads == 0 && options.layers <= 1000,
        "{}: hidden is {}, which must be a multiple of the {} heads, with at most 1000 layers", where, options.hidden,
        options.heads);
}

}  // namespace

const std::vector<std::string>& series_networks() {
  static const std::vector<std::string> all = {"gru", "lstm", "transformer"};
  return all;
}

const std::vector<std::string>& table_networks() {
  static const std::vector<std::string> all = {"mlp", "maxout", "none"};
  return all;
}

UnimodalNetwork::UnimodalNetwork(UnimodalOptions options, const std::string& what, const at::Generator& generator)
    : options_(std::move(options)) {
  check_options(options_, what);
  const auto& kind = options_.kind;
  if (kind == "gru" || kind == "lstm") add_recurrent(kind, kind == "gru" ? 3 : 4, generator);
  if (kind == "transformer") add_transformer(generator);
  if (kind == "maxout") add_maxout(generator);
  if (kind == "mlp") {
    add_linear("fc", options_.inputs, options_.hidden, generator);
    add_linear("fc2", options_.hidden, options_.outputs, generator);
  }
}

int64_t UnimodalNetwork::width() const {
  const auto& kind = options_.kind;
  if (kind == "none") return options_.inputs;
  if (kind == "transformer") return options_.hidden;
  const int64_t last = options_.outputs > 0 ? options_.outputs : options_.hidden;
  return is_series(kind) ? last * std::max<int64_t>(options_.frames, 1) : last;
}

void UnimodalNetwork::add_linear(const std::string& name, int64_t in, int64_t out, const at::Generator& generator) {
  add(name + ".weight", uniform_fan({out, in}, in, generator));
  add(name + ".bias", uniform_fan({out}, in, generator));
}

void UnimodalNetwork::add_recurrent(const std::string& name, int64_t gates, const at::Generator& generator) {
  const int64_t hidden = options_.hidden, all = gates * hidden;
  add(name + ".weight_ih_l0", uniform_fan({all, options_.inputs}, hidden, generator));
  add(name + ".weight_hh_l0", uniform_fan({all, hidden}, hidden, generator));
  for (const char* bias : {".bias_ih_l0", ".bias_hh_l0"}) add(name + bias, uniform_fan({all}, hidden, generator));
  if (options_.outputs > 0) add_linear("linear", hidden, options_.outputs, generator);
}

void UnimodalNetwork::add_transformer(const at::Generator& generator) {
  const int64_t width = options_.hidden;
  add("conv.weight", uniform_fan({width, options_.inputs, 1}, options_.inputs, generator));
  for (int64_t i = 0; i < options_.layers; ++i) {
    const auto layer = fmt::format("transformer.layers.{}.", i);
    const double bound = std::sqrt(6.0 / static_cast<double>(4 * width));
    add(layer + "self_attn.in_proj_weight", at::empty({3 * width, width}).uniform_(-bound, bound, generator));
    add(layer + "self_attn.in_proj_bias", at::zeros({3 * width}));
    add(layer + "self_attn.out_proj.weight", uniform_fan({width, width}, width, generator));
    add(layer + "self_attn.out_proj.bias", at::zeros({width}));
    add_linear(layer + "linear1", width, options_.inner, generator);
    add_linear(layer + "linear2", options_.inner, width, generator);
    for (const char* norm : {"norm1", "norm2"}) {
      add(layer + norm + ".weight", at::ones({width}));
      add(layer + norm + ".bias", at::zeros({width}));
    }
  }
}

void UnimodalNetwork::add_maxout(const at::Generator& generator) {
  auto norm = [&](const std::string& name, int64_t width) {
    add(name + ".weight", at::ones({width}));
    add(name + ".bias", at::zeros({width}));
    buffers_.emplace_back(name + ".running_mean", at::zeros({width}));
    buffers_.emplace_back(name + ".running_var", at::ones({width}));
    buffers_.emplace_back(name + ".num_batches_tracked", at::zeros({}, at::kLong));
  };
  norm("op0", options_.inputs);
  add_linear("op1.lin", options_.inputs, pieces * options_.hidden, generator);
  norm("op2.0", options_.hidden);
  add_linear("op3.lin", options_.hidden, pieces * options_.outputs, generator);
  norm("op4.0", options_.outputs);
}

const at::Tensor& UnimodalNetwork::get(const std::string& name) const {
  for (const auto* all : {&parameters_, &buffers_})
    for (const auto& [known, tensor] : *all)
      if (known == name) return tensor;
  fail("{} has no tensor '{}'", options_.kind, name);
}

at::Tensor UnimodalNetwork::linear_of(const std::string& name, const at::Tensor& x) const {
  return at::linear(x, get(name + ".weight"), get(name + ".bias"));
}

at::Tensor UnimodalNetwork::normalise(const std::string& name, const at::Tensor& x, double epsilon) const {
  constexpr double momentum = 0.1;
  return batch_norm(x, get(name + ".weight"), get(name + ".bias"), get(name + ".running_mean"),
                    get(name + ".running_var"), epsilon, training_, momentum);
}

at::Tensor UnimodalNetwork::run_gru(const at::Tensor& x, const at::Tensor& mask) const {
  auto out =
      gru(x, mask, {get("gru.weight_ih_l0"), get("gru.weight_hh_l0"), get("gru.bias_ih_l0"), get("gru.bias_hh_l0")});
  auto states = options_.frames > 0 ? out.states : out.last;
  return (options_.outputs > 0 ? linear_of("linear", states) : states).flatten(1);
}

at::Tensor UnimodalNetwork::run_lstm(const at::Tensor& x, const at::Tensor& mask) const {
  auto last = lstm_last(
      x, mask, {get("lstm.weight_ih_l0"), get("lstm.weight_hh_l0"), get("lstm.bias_ih_l0") + get("lstm.bias_hh_l0")});
  return options_.outputs > 0 ? linear_of("linear", last) : last;
}

at::Tensor UnimodalNetwork::run_transformer(const at::Tensor& x, const at::Tensor& mask, Trace* trace,
                                            const std::string& name) const {
  const int64_t width = options_.hidden;
  auto y = at::linear(x, get("conv.weight").squeeze(2));
  auto additive = additive_mask(mask, y.scalar_type());
  for (int64_t i = 0; i < options_.layers; ++i) {
    const auto layer = fmt::format("transformer.layers.{}.", i);
    auto weights = get(layer + "self_attn.in_proj_weight").chunk(3),
         biases = get(layer + "self_attn.in_proj_bias").chunk(3);
    auto pair = [&](const char* part) {
      return LinearWeights{get(layer + part + ".weight"), get(layer + part + ".bias")};
    };
    auto norm = [&](const char* part) {
      return LayerNormWeights{get(layer + part + ".weight"), get(layer + part + ".bias"), 1e-5};
    };
    BlockWeights block{{{weights[0], biases[0]},
                        {weights[1], biases[1]},
                        {weights[2], biases[2]},
                        pair("self_attn.out_proj"),
                        options_.heads},
                       norm("norm1"),
                       {pair("linear1"), pair("linear2"), find_activation("relu")},
                       norm("norm2")};
    y = post_norm_block(y, block, additive, trace, fmt::format("{}.layer.{}", name, i + 1));
  }
  if (!mask.defined()) return y.select(1, y.size(1) - 1);
  auto last = mask.sum(1).sub(1).clamp_min(0).view({-1, 1, 1}).expand({y.size(0), 1, width});
  return y.gather(1, last).squeeze(1);
}

at::Tensor UnimodalNetwork::run_maxout(const at::Tensor& x) const {
  auto maxout = [&](const char* name, const at::Tensor& in) {
    return std::get<0>(linear_of(name, in).unflatten(1, {-1, pieces}).max(2));
  };
  constexpr double first = 1e-4, others = 1e-5;
  auto y = normalise("op2.0", maxout("op1.lin", normalise("op0", x, first)), others);
  return normalise("op4.0", maxout("op3.lin", y), others);
}

at::Tensor UnimodalNetwork::operator()(const at::Tensor& x, const at::Tensor& mask, Trace* trace,
                                       const std::string& name) const {
  const auto& kind = options_.kind;
  if (kind == "gru") return run_gru(x, mask);
  if (kind == "lstm") return run_lstm(x, mask);
  if (kind == "transformer") return run_transformer(x, mask, trace, name);
  if (kind == "maxout") return run_maxout(x);
  return kind == "mlp" ? linear_of("fc2", linear_of("fc", x).relu()) : x;
}

std::vector<std::string> UnimodalNetwork::taps(const std::string& name) const {
  std::vector<std::string> out;
  if (options_.kind != "transformer") return out;
  for (int64_t i = 1; i <= options_.layers; ++i)
    for (const char* suffix : {"attention", "hidden"}) out.push_back(fmt::format("{}.layer.{}.{}", name, i, suffix));
  return out;
}

void UnimodalNetwork::to(at::Device device) {
  for (auto* all : {&parameters_, &buffers_})
    for (auto& [_, tensor] : *all) tensor = tensor.detach().to(device);
}

}  // namespace multiviz
