#include <ATen/ATen.h>

#include <algorithm>

#include "core/error.h"
#include "core/suggest.h"
#include "io/json.h"
#include "models/clevr_baseline.h"
#include "models/weight_files.h"

namespace multiviz {
namespace {

constexpr int64_t most_layers = 64;

int64_t size_of(const nlohmann::json& settings, const char* key, int64_t otherwise, int64_t least,
                const std::string& where) {
  constexpr int64_t largest = 1 << 20;
  auto value = get_or<int64_t>(settings, key, otherwise, where);
  check(value >= least && value <= largest, "{}: '{}' is {}: it must be {} to {}", where, key, value, least, largest);
  return value;
}

}  // namespace

ClevrBaseline::ClevrBaseline(ClevrBaselineFile from, const nlohmann::json& options) : config_(std::move(from.config)) {
  const std::string where = "'" + from.source + "'";
  const std::vector<std::string> known = {"cnn", "vocab"};
  for (const auto& [key, _] : options.items())
    check(std::find(known.begin(), known.end(), key) != known.end(), "{} has no option '{}'{}", where, key,
          suggestion(key, known));
  if (auto vocabulary = get_or<std::string>(options, "vocab", "", "the options"); !vocabulary.empty()) {
    const auto table = load_json(vocabulary);
    for (const char* key : {"question_token_to_idx", "answer_token_to_idx"})
      config_["vocab"][key] = require(table, key, vocabulary);
  }
  const auto type = require<std::string>(config_, "baseline_type", where);
  check(type == "CNN+LSTM" || type == "CNN+LSTM+SA",
        "{} is a baseline of the type '{}': CNN+LSTM and CNN+LSTM+SA can be loaded", where, type);
  attends_ = type == "CNN+LSTM+SA";
  read_vocabulary(where);
  const auto& settings = require(config_, "baseline_kwargs", where);
  const auto place = where + ": baseline_kwargs";
  std::erase_if(from.tensors, [](const auto& entry) { return entry.first.ends_with(".num_batches_tracked"); });
  WeightReader weights(std::move(from.tensors), from.source);
  read_question(weights, settings, place);
  auto shape = settings.contains("cnn_feat_dim") ? as<std::vector<int64_t>>(settings["cnn_feat_dim"], place)
                                                 : std::vector<int64_t>{1024, 14, 14};
  check(shape.size() == 3 && std::all_of(shape.begin(), shape.end(), [](int64_t n) { return n > 0 && n <= 1 << 16; }),
        "{}: cnn_feat_dim must be channels, height and width", place);
  channels_ = shape[0], height_ = shape[1], width_ = shape[2];
  auto joined = state_;
  if (attends_)
    read_hops(weights, settings, place);
  else
    joined += read_image(weights, settings, place) * (height_ / (halves_ ? 2 : 1)) * (width_ / (halves_ ? 2 : 1));
  read_classifier(weights, settings, joined, place);
  weights_ = weights.finish();
  const auto cnn = get_or<std::string>(options, "cnn", get_or<std::string>(config_, "cnn", "", where), "the options");
  if (!cnn.empty()) read_trunk(cnn);
  make_signature(classifier_.back().linear.weight.size(1));
}

void ClevrBaseline::read_vocabulary(const std::string& where) {
  const auto& vocabulary = require(config_, "vocab", where);
  const auto& questions = require(vocabulary, "question_token_to_idx", where);
  check(questions.is_object() && !questions.empty(), "{}: question_token_to_idx is no table of numbers by word", where);
  for (const auto& [word, number] : questions.items()) {
    const auto n = as<int64_t>(number, where + ": question_token_to_idx");
    check(n >= 0 && n < std::ssize(questions), "{}: the word '{}' has the number {} of {}", where, word, n,
          questions.size());
    words_[word] = n;
  }
  const std::pair<const char*, int64_t> fixed[] = {{"<NULL>", 0}, {"<START>", 1}, {"<END>", 2}, {"<UNK>", 3}};
  for (const auto& [word, number] : fixed)
    check(words_.contains(word) && words_.at(word) == number, "{}: {} must be word {} of the vocabulary", where, word,
          number);
  const auto& answers = require(vocabulary, "answer_token_to_idx", where);
  check(answers.is_object() && !answers.empty(), "{}: answer_token_to_idx is no table of numbers by answer", where);
  auto& labels = signature_.labels;
  labels.assign(answers.size(), "");
  for (const auto& [answer, number] : answers.items()) {
    const auto n = as<int64_t>(number, where + ": answer_token_to_idx");
    check(n >= 0 && n < std::ssize(labels) && labels[static_cast<size_t>(n)].empty() && !answer.empty(),
          "{}: the answer '{}' has the number {} of {}, or one that another has", where, answer, n, labels.size());
    labels[static_cast<size_t>(n)] = answer;
  }
}

void ClevrBaseline::read_question(WeightReader& weights, const nlohmann::json& settings, const std::string& where) {
  words_width_ = size_of(settings, "rnn_wordvec_dim", 300, 1, where);
  state_ = size_of(settings, "rnn_dim", 256, 1, where);
  const auto layers = size_of(settings, "rnn_num_layers", 2, 1, where);
  check(layers <= most_layers, "{}: an LSTM of {} layers is more than the {} that are allowed", where, layers,
        most_layers);
  embedding_ = weights.take("rnn.embed.weight", {std::ssize(words_), words_width_});
  for (int64_t l = 0; l < layers; ++l) {
    const auto in = l == 0 ? words_width_ : state_;
    auto take = [&](const char* name, at::IntArrayRef shape) {
      return weights.take(fmt::format("rnn.rnn.{}_l{}", name, l), shape);
    };
    lstm_.push_back({take("weight_ih", {4 * state_, in}), take("weight_hh", {4 * state_, state_}),
                     take("bias_ih", {4 * state_}), take("bias_hh", {4 * state_})});
  }
}

ClevrBaseline::Norm ClevrBaseline::read_norm(WeightReader& weights, const std::string& name, int64_t width) {
  return {weights.take(name + ".weight", {width}), weights.take(name + ".bias", {width}),
          weights.take(name + ".running_mean", {width}), weights.take(name + ".running_var", {width})};
}

int64_t ClevrBaseline::read_image(WeightReader& weights, const nlohmann::json& settings, const std::string& where) {
  auto convolution = [&](const std::string& name, int64_t in, int64_t out, int64_t kernel) -> LinearWeights {
    return {weights.take(name + ".weight", {out, in, kernel, kernel}), weights.take(name + ".bias", {out})};
  };
  const auto blocks = size_of(settings, "cnn_num_res_blocks", 0, 0, where);
  const auto narrow = size_of(settings, "cnn_res_block_dim", 128, 1, where);
  const auto wide = size_of(settings, "cnn_proj_dim", 512, 0, where);
  const auto pooling = get_or<std::string>(settings, "cnn_pooling", "maxpool2", where);
  check(pooling == "maxpool2" || pooling == "none", "{}: cnn_pooling is '{}': it must be maxpool2 or none", where,
        pooling);
  check(blocks <= most_layers, "{}: {} residual blocks are more than the {} that are allowed", where, blocks,
        most_layers);
  halves_ = pooling == "maxpool2";
  auto in = channels_;
  int64_t place = 0;  // in the sequence of modules, relus counted
  if (blocks > 0) {
    convolutions_.push_back({convolution("cnn.0", in, narrow, 3), {}});
    in = narrow;
    place = 2;
  }
  for (int64_t b = 0; b < blocks; ++b, ++place)
    for (int part : {1, 2})
      convolutions_.push_back({convolution(fmt::format("cnn.{}.conv{}", place, part), in, in, 3),
                               read_norm(weights, fmt::format("cnn.{}.bn{}", place, part), in)});
  if (wide == 0) return in;
  projection_ = convolution(fmt::format("cnn.{}", place), in, wide, 1);
  check(projection_.weight.defined(), "{}: the state has no 'cnn.{}.weight' [{}, {}, 1, 1]", where, place, wide, in);
  return wide;
}

void ClevrBaseline::read_hops(WeightReader& weights, const nlohmann::json& settings, const std::string& where) {
  const auto hops = size_of(settings, "num_stacked_attn", 2, 1, where);
  const auto inner = size_of(settings, "stacked_attn_dim", 512, 1, where);
  check(hops <= most_layers, "{}: {} hops are more than the {} that are allowed", where, hops, most_layers);
  projection_ = {weights.take("image_proj.weight", {state_, channels_, 1, 1}),
                 weights.take("image_proj.bias", {state_})};
  for (int64_t i = 0; i < hops; ++i) {
    const auto name = fmt::format("stacked-attn-{}.", i);
    hops_.push_back({{weights.take(name + "Wv.weight", {inner, state_, 1, 1}), weights.take(name + "Wv.bias", {inner})},
                     weights.linear(name + "Wu", state_, inner),
                     {weights.take(name + "Wp.weight", {1, inner, 1, 1}), weights.take(name + "Wp.bias", {1})}});
  }
}

void ClevrBaseline::read_classifier(WeightReader& weights, const nlohmann::json& settings, int64_t in,
                                    const std::string& where) {
  std::vector<int64_t> widths = {1024};
  if (auto found = settings.find("fc_dims"); found != settings.end())
    widths = found->is_number_integer() ? std::vector<int64_t>{found->get<int64_t>()}
                                        : as<std::vector<int64_t>>(*found, where + ": fc_dims");
  check(std::ssize(widths) <= most_layers, "{}: fc_dims has {} layers", where, widths.size());
  for (int64_t width : widths)
    check(width > 0 && width <= 1 << 16, "{}: fc_dims holds {}: it must hold numbers from 1 to 65536", where, width);
  const bool dropout = get_or<double>(settings, "fc_dropout", 0, where) > 0;
  const auto flag = settings.find("fc_use_batchnorm");  // argparse made it 0 or 1
  const bool norms = flag != settings.end() && (*flag == true || *flag == 1);
  widths.push_back(signature_.outputs());
  int64_t place = 0;  // in the sequence of modules, relus and dropouts counted
  auto name = [&] { return fmt::format("classifier.{}", place++); };
  for (size_t i = 0; i < widths.size(); ++i) {
    Step step;
    if (i == 0 && dropout) ++place;
    if (norms) step.norm = read_norm(weights, name(), in);
    if (i > 0) {
      step.relu = true;
      place += dropout ? 2 : 1;
    }
    step.linear = weights.linear(name(), in, widths[i]);
    classifier_.push_back(std::move(step));
    in = widths[i];
  }
}

void ClevrBaseline::read_trunk(const std::string& path) {
  auto tensors = load_weight_files(path).tensors;
  for (const char* unused : {"fc.weight", "fc.bias"}) tensors.erase(unused);
  WeightReader weights(tensors, path);
  const auto first = weights.size("conv1.weight", 0);
  check(first > 0, "'{}' holds no ResNet of torchvision's: it has no conv1.weight", path);
  stem_ = read_resnet_stem(weights, "", 3, first, trunk_options_);
  int64_t in = first, reduction = 4;
  for (int stage = 1; in != channels_ || stage == 1; ++stage) {
    const auto out = weights.size(fmt::format("layer{}.0.conv3.weight", stage), 0);
    check(out > 0 && stage <= 4, "'{}' has no stage of {} channels, which the model reads", path, channels_);
    int64_t layers = 0;
    while (weights.has(fmt::format("layer{}.{}.conv1.weight", stage, layers))) ++layers;
    stages_.emplace_back(weights, "", stage, ResnetShape{in, out, layers, stage == 1 ? 1 : 2, 1}, trunk_options_);
    if (stage > 1) reduction *= 2;
    in = out;
  }
  for (int stage = static_cast<int>(stages_.size()) + 1; stage <= 4; ++stage)
    weights.ignore(fmt::format("layer{}.", stage));
  weights.ignore_ending(".num_batches_tracked");
  trunk_weights_ = weights.finish();
  ImageProcessorOptions options;
  options.resize = ImageProcessorOptions::Resize::fixed;
  options.height = reduction * height_, options.width = reduction * width_;
  options.resample = Resample::bicubic;
  options.mean = {0.485, 0.456, 0.406};
  options.deviation = {0.229, 0.224,
                       0.224};  // the last is not ImageNet's 0.225, and is what the models were trained with
  process_ = ImageProcessor(options);
  config_["cnn"] = path;
}

void ClevrBaseline::make_signature(int64_t features) {
  signature_.name = attends_ ? "cnn-lstm-sa" : "cnn-lstm";
  signature_.modalities = {{"image", ModalityKind::image}, {"question", ModalityKind::text}};
  signature_.features = features;
  auto& taps = signature_.taps;
  taps = {"image.features", "image.map", "question.lstm"};
  for (size_t i = 1; i <= hops_.size(); ++i)
    for (const char* part : {"attention", "hop"}) taps.push_back(fmt::format("fusion.{}{}", part, i));
  taps.insert(taps.end(), {"features", "logits"});
}

}  // namespace multiviz
