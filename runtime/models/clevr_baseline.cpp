#include "models/clevr_baseline.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "core/error.h"
#include "data/value.h"

namespace multiviz {
namespace {

constexpr double epsilon = 1e-5;
constexpr int64_t unknown_word = 3;
const char* const start = "<START>";
const char* const end = "<END>";

struct Token {
  std::string text;
  size_t begin, end;  // bytes of the question
};

// As clevr-iep does: at spaces, with a comma or semicolon as a token of its own (which a space must follow), without
// question marks and full stops.
std::vector<Token> split(const std::string& question) {
  std::vector<Token> out(1, Token{"", 0, 0});
  for (size_t i = 0; i < question.size(); ++i) {
    const char c = question[i];
    if (c == '?' || c == '.') continue;
    if (c == ' ' || c == ',' || c == ';') out.push_back({"", i, i});
    if (c == ' ') {
      out.back().begin = i + 1;
      continue;
    }
    auto& token = out.back();
    if (token.text.empty()) token.begin = i;
    token.text += c;
    token.end = i + 1;
  }
  return out;
}

// The word of words(text) that holds the first byte, -1 for none.
int64_t word_at(const std::vector<std::pair<size_t, size_t>>& words, const Token& token) {
  for (size_t w = 0; w < words.size(); ++w)
    if (!token.text.empty() && words[w].first <= token.begin && token.begin < words[w].second)
      return static_cast<int64_t>(w);
  return -1;
}

at::Tensor normalise(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& mean,
                     const at::Tensor& variance) {
  return batch_norm(x, weight, bias, mean, variance, epsilon);
}

at::Tensor convolve(const at::Tensor& x, const LinearWeights& weights) {
  return at::conv2d(x, weights.weight, weights.bias, 1, weights.weight.size(2) / 2);
}

}  // namespace

NamedTensors ClevrBaseline::parameters() const {
  NamedTensors out;
  for (const auto& entry : weights_)
    if (entry.first.find(".running_") == std::string::npos) out.push_back(entry);
  return out;
}

NamedTensors ClevrBaseline::buffers() const {
  NamedTensors out;
  for (const auto& entry : weights_)
    if (entry.first.find(".running_") != std::string::npos) out.push_back(entry);
  return out;
}

void ClevrBaseline::to(at::Device device) {
  for (auto* tensors : {&weights_, &trunk_weights_})
    for (auto& [_, tensor] : *tensors) tensor.set_data(tensor.to(device));
}

Leaf ClevrBaseline::prepare(size_t modality, std::span<const Value> values) const {
  check(!values.empty(), "{}: no value of '{}' was given", signature_.name, signature_.modalities[modality].name);
  if (modality == 1) return prepare_question(values);
  check(
      process_.has_value(),
      "{} reads the map that a ResNet-101 makes of an image: load it with the option cnn = \"resnet101-5d3b4d8f.pth\", "
      "torchvision's weights, or give it maps by forward_raw",
      signature_.name);
  std::vector<at::Tensor> images;
  for (const auto& value : values) {
    check(std::holds_alternative<Image>(value), "'image' takes an image, and was given {}", kind_name(kind_of(value)));
    images.push_back(std::get<Image>(value).pixels.to(device()));
  }
  auto processed = (*process_)(images);
  return {processed.pixels, {}, {}, std::move(processed.areas)};
}

Leaf ClevrBaseline::prepare_question(std::span<const Value> values) const {
  std::vector<std::vector<int64_t>> numbers, atoms;
  size_t longest = 0;
  for (const auto& value : values) {
    check(std::holds_alternative<Text>(value), "'question' takes text, and was given {}", kind_name(kind_of(value)));
    const auto& text = std::get<Text>(value).string;
    const auto places = words(text);
    auto& row = numbers.emplace_back(1, words_.at(start));
    auto& atom = atoms.emplace_back(1, -1);
    for (const auto& token : split(text)) {
      auto found = words_.find(token.text);
      row.push_back(found == words_.end() ? unknown_word : found->second);
      atom.push_back(word_at(places, token));
    }
    row.push_back(words_.at(end));
    atom.push_back(-1);
    longest = std::max(longest, row.size());
  }
  const auto rows = std::ssize(numbers), length = static_cast<int64_t>(longest);
  auto ids = at::zeros({rows, length}, at::kLong), places = at::full({rows, length}, -1, at::kLong);
  auto real = at::zeros({rows, length}, at::kBool);
  for (int64_t i = 0; i < rows; ++i) {
    const auto& row = numbers[static_cast<size_t>(i)];
    std::copy(row.begin(), row.end(), ids.data_ptr<int64_t>() + i * length);
    const auto& atom = atoms[static_cast<size_t>(i)];
    std::copy(atom.begin(), atom.end(), places.data_ptr<int64_t>() + i * length);
    real[i].slice(0, 0, std::ssize(row)).fill_(true);
  }
  return {at::embedding(embedding_, ids.to(device())), real.to(device()), places.to(device()), {}};
}

Encoding ClevrBaseline::encode(size_t modality, const Leaf& leaf, Trace* trace) const {
  if (modality == 1) return {{encode_words(leaf.tensor, leaf.mask, trace)}};
  const auto& pixels = leaf.tensor;
  check(process_ && pixels.dim() == 4 && pixels.size(1) == 3 && pixels.size(2) == process_->options().height &&
            pixels.size(3) == process_->options().width,
        "the image leaf of {} is [B, 3, H, W] as prepare makes it, not [{}]", signature_.name,
        fmt::join(pixels.sizes(), ", "));
  auto x = resnet_stem(pixels, stem_, trunk_options_);
  for (const auto& stage : stages_) x = stage(x);
  return {{encode_map(x, trace)}};
}

at::Tensor ClevrBaseline::encode_map(const at::Tensor& map, Trace* trace) const {
  auto x = tap(trace, "image.features", map);
  auto normed = [&](size_t i, const at::Tensor& y) {
    const auto& norm = convolutions_[i].norm;
    return norm ? normalise(y, norm->weight, norm->bias, norm->mean, norm->variance) : y;
  };
  for (size_t i = 0; i < convolutions_.size(); ++i) {
    if (i == 0) {
      x = convolve(x, convolutions_[0].weights).relu();
      continue;
    }
    auto y = normed(i, convolve(x, convolutions_[i].weights)).relu();
    ++i;
    x = (normed(i, convolve(y, convolutions_[i].weights)) + x).relu();
  }
  if (projection_.weight.defined()) {
    x = convolve(x, projection_);
    if (!attends_) x = x.relu();
  }
  if (halves_) x = at::max_pool2d(x, {2, 2}, {2, 2});
  return tap(trace, "image.map", x);
}

at::Tensor ClevrBaseline::encode_words(const at::Tensor& words, const at::Tensor& mask, Trace* trace) const {
  check(words.dim() == 3 && words.size(2) == words_width_ && words.size(1) > 0,
        "the question leaf of {} is [B, T, {}], not [{}]", signature_.name, words_width_,
        fmt::join(words.sizes(), ", "));
  auto x = words;
  for (const auto& layer : lstm_) x = lstm_states(x, {layer.weight_ih, layer.weight_hh, layer.bias_ih + layer.bias_hh});
  // What follows the end of a question changes nothing before it.
  auto last = mask.defined() ? mask.to(at::kLong).sum(1) - 1
                             : at::full({x.size(0)}, x.size(1) - 1, x.options().dtype(at::kLong));
  return tap(trace, "question.lstm", x.index({at::arange(x.size(0), last.options()), last}));
}

Output ClevrBaseline::fuse(std::span<const Encoding> encodings, Trace* trace) const {
  check(encodings.size() == 2 && encodings[0].tensors.size() == 1 && encodings[1].tensors.size() == 1,
        "{} fuses one image encoding and one question encoding", signature_.name);
  const auto &image = encodings[0].tensors[0], &question = encodings[1].tensors[0];
  const auto batch = std::max(image.size(0), question.size(0));
  check((image.size(0) == batch || image.size(0) == 1) && (question.size(0) == batch || question.size(0) == 1),
        "{} fuses encodings of the same batch, not {} images and {} questions", signature_.name, image.size(0),
        question.size(0));
  auto map = expand_batch(image, batch), x = expand_batch(question, batch);
  for (size_t i = 0; i < hops_.size(); ++i) {
    const auto& hop = hops_[i];
    auto h = (convolve(map, hop.map) + linear(x, hop.query).unsqueeze(2).unsqueeze(3)).tanh();
    auto p = convolve(h, hop.score).flatten(1).softmax(1).view({batch, 1, map.size(2), map.size(3)});
    p = tap(trace, fmt::format("fusion.attention{}", i + 1), p);
    x = tap(trace, fmt::format("fusion.hop{}", i + 1), x + (p * map).sum({2, 3}));
  }
  if (!attends_) x = at::cat({x, map.flatten(1)}, 1);
  for (size_t i = 0; i < classifier_.size(); ++i) {
    const auto& step = classifier_[i];
    if (step.norm) x = normalise(x, step.norm->weight, step.norm->bias, step.norm->mean, step.norm->variance);
    if (step.relu) x = x.relu();
    if (i + 1 < classifier_.size()) x = linear(x, step.linear);
  }
  auto features = tap(trace, "features", x);
  return {tap(trace, "logits", linear(features, classifier_.back().linear)), features};
}

RawOutputs ClevrBaseline::forward_raw(const RawInputs& inputs) const {
  check_raw_inputs(inputs, signature_.name, {"questions", "feats"}, {"questions", "feats"});
  auto questions = raw_input(inputs, "questions").to(device(), at::kLong);
  auto map = raw_input(inputs, "feats").to(device(), at::kFloat);
  check(questions.dim() == 2 && questions.numel() > 0, "questions are [B, T], not [{}]",
        fmt::join(questions.sizes(), ", "));
  check(map.dim() == 4 && map.sizes().slice(1) == at::IntArrayRef({channels_, height_, width_}) &&
            map.size(0) == questions.size(0),
        "feats are [{}, {}, {}, {}], not [{}]", questions.size(0), channels_, height_, width_,
        fmt::join(map.sizes(), ", "));
  check(questions.min().item<int64_t>() >= 0 && questions.max().item<int64_t>() < embedding_.size(0),
        "questions hold numbers outside the vocabulary of {} words", embedding_.size(0));
  Trace trace;
  trace.record("fusion.*");
  auto real = questions.ne(0);
  std::vector<Encoding> encodings = {{{encode_map(map, nullptr)}},
                                     {{encode_words(at::embedding(embedding_, questions), real, nullptr)}}};
  auto output = fuse(encodings, &trace);
  RawOutputs out;
  out["scores"].tensor = output.logits;
  out["features"].tensor = output.features;
  std::vector<at::Tensor> attention;
  for (size_t i = 1; i <= hops_.size(); ++i) attention.push_back(trace.at(fmt::format("fusion.attention{}", i)));
  if (!attention.empty()) out["attention"] = raw_list(attention);
  return out;
}

}  // namespace multiviz
