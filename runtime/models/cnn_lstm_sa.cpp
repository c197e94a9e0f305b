#include "models/cnn_lstm_sa.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "core/batch.h"
#include "core/error.h"
#include "core/random.h"
#include "nn/modulated_score.h"

namespace multiviz {
namespace {

const Image& as_image(const Value& value, const std::string& modality) {
  check(std::holds_alternative<Image>(value), "'{}' takes an image, and was given {}", modality,
        kind_name(kind_of(value)));
  const auto& image = std::get<Image>(value);
  check(image.pixels.defined() && image.pixels.dim() == 3 && image.pixels.size(2) == 3 && image.pixels.numel() > 0,
        "'{}' takes RGB pixels [H, W, 3] of at least one pixel", modality);
  return image;
}

const Text& as_text(const Value& value, const std::string& modality) {
  check(std::holds_alternative<Text>(value), "'{}' takes text, and was given {}", modality, kind_name(kind_of(value)));
  return std::get<Text>(value);
}

LinearWeights make_linear(int64_t in, int64_t out, const at::Generator& generator, double gain = 1) {
  return {uniform_fan({out, in}, in, generator) * gain, at::zeros({out})};
}

// uint8 or floating pixels in [0, 255] -> float [1, 3, height, width] in [0, 1].
at::Tensor resized(const at::Tensor& pixels, int64_t height, int64_t width, at::Device device) {
  auto planes = pixels.to(device).permute({2, 0, 1}).unsqueeze(0).to(at::kFloat).div(255);
  if (planes.size(2) == height && planes.size(3) == width) return planes;
  return at::_upsample_bilinear2d_aa(planes.contiguous(), {height, width}, /*align_corners=*/false);
}

}  // namespace

CnnLstmSa::CnnLstmSa(CnnLstmSaOptions options) : options_(std::move(options)), tokenizer_(options_.vocabulary) {
  check(!options_.labels.empty(), "cnn_lstm_sa needs labels: give the names of the answers");
  check(!options_.vocabulary.empty(), "cnn_lstm_sa needs a vocabulary: give the words of the questions");
  check(!options_.channels.empty() && options_.channels.size() == options_.strides.size(),
        "cnn_lstm_sa has {} channels and {} strides: give one of each per convolution", options_.channels.size(),
        options_.strides.size());
  auto positive = [](int64_t value, const char* what) {
    constexpr int64_t largest = 65536;
    check(value > 0 && value <= largest, "cnn_lstm_sa: {} is {}: give a number from 1 to {}", what, value, largest);
  };
  for (auto c : options_.channels) positive(c, "a number of channels");
  for (auto s : options_.strides) positive(s, "a stride");
  positive(options_.width, "width"), positive(options_.height, "height"), positive(options_.keys, "keys");
  positive(options_.embedding, "embedding"), positive(options_.hidden, "hidden"), positive(options_.hops, "hops");
  positive(options_.glimpses, "glimpses"), positive(options_.features, "features");

  rows_ = options_.height, columns_ = options_.width;
  for (auto s : options_.strides) rows_ = (rows_ + s - 1) / s, columns_ = (columns_ + s - 1) / s;
  signature_ = {options_.name,
                {{options_.image, ModalityKind::image}, {options_.question, ModalityKind::text}},
                options_.labels,
                Task::classification,
                options_.features,
                {},
                true};
  auto& taps = signature_.taps;
  for (size_t i = 1; i <= options_.channels.size(); ++i) taps.push_back(fmt::format("image.conv{}", i));
  taps.insert(taps.end(), {"image.features", "question.lstm"});
  for (int64_t i = 1; i <= options_.hops; ++i) {
    taps.push_back(fmt::format("fusion.attention{}", i));
    taps.push_back(fmt::format("fusion.hop{}", i));
  }
  taps.insert(taps.end(), {"fusion.features", "logits"});

  auto generator = make_generator(options_.seed);
  make_image_weights(generator);
  make_fusion_weights(generator);
}

void CnnLstmSa::make_image_weights(at::Generator generator) {
  int64_t in = 3;
  for (size_t i = 0; i < options_.channels.size(); ++i) {
    int64_t out = options_.channels[i];
    if (i + 1 == options_.channels.size()) in += 2;  // coordinates
    convs_.push_back({he_normal({out, in, 3, 3}, in * 9, generator).contiguous(at::MemoryFormat::ChannelsLast),
                      at::ones({out}), at::zeros({out}), at::zeros({out}), at::ones({out})});
    in = out;
  }
  projection_ = make_linear(in + 2, options_.keys, generator, 2);
}

void CnnLstmSa::make_fusion_weights(at::Generator generator) {
  int64_t width = options_.hidden, keys = options_.keys, glimpses = options_.glimpses;
  embedding_ = at::empty({tokenizer_.size(), options_.embedding}).normal_(0, 1, generator);
  embedding_[WordTokenizer::pad].zero_();
  lstm_ = {uniform_fan({4 * width, options_.embedding}, width, generator),
           uniform_fan({4 * width, width}, width, generator), at::zeros({4 * width})};
  lstm_.bias.slice(0, width, 2 * width).fill_(1);  // remember, at first
  for (int64_t i = 0; i < options_.hops; ++i) {
    Hop hop{make_linear(width, 2 * keys, generator, 2), make_linear(keys, glimpses, generator),
            make_linear(width + glimpses * (keys + 2), width, generator, 2), make_linear(width, width, generator)};
    hop.modulation.bias.slice(0, 0, keys).fill_(1);
    hops_.push_back(std::move(hop));
  }
  hidden_ = make_linear(width, options_.features, generator, 2);
  classifier_ = make_linear(options_.features, signature_.outputs(), generator);
}

template <typename Self, typename Visit>
void CnnLstmSa::visit_weights(Self& self, const Visit& visit) {
  auto pair = [&](const std::string& name, auto& weights) {
    visit(name + ".weight", weights.weight, false);
    visit(name + ".bias", weights.bias, false);
  };
  for (size_t i = 0; i < self.convs_.size(); ++i) {
    auto name = fmt::format("image.conv{}", i + 1);
    visit(name + ".weight", self.convs_[i].weight, false);
    visit(name + ".norm.weight", self.convs_[i].scale, false);
    visit(name + ".norm.bias", self.convs_[i].shift, false);
    visit(name + ".norm.running_mean", self.convs_[i].running_mean, true);
    visit(name + ".norm.running_var", self.convs_[i].running_var, true);
  }
  pair("image.projection", self.projection_);
  visit("question.embedding.weight", self.embedding_, false);
  visit("question.lstm.weight_ih", self.lstm_.weight_ih, false);
  visit("question.lstm.weight_hh", self.lstm_.weight_hh, false);
  visit("question.lstm.bias", self.lstm_.bias, false);
  for (size_t i = 0; i < self.hops_.size(); ++i) {
    auto name = fmt::format("fusion.hop{}", i + 1);
    pair(name + ".modulation", self.hops_[i].modulation);
    pair(name + ".score", self.hops_[i].score);
    pair(name + ".update1", self.hops_[i].update1);
    pair(name + ".update2", self.hops_[i].update2);
  }
  pair("fusion.hidden", self.hidden_);
  pair("fusion.classifier", self.classifier_);
}

NamedTensors CnnLstmSa::parameters() const {
  NamedTensors out;
  visit_weights(*this, [&](const std::string& name, const at::Tensor& tensor, bool buffer) {
    if (!buffer) out.emplace_back(name, tensor);
  });
  return out;
}

NamedTensors CnnLstmSa::buffers() const {
  NamedTensors out;
  visit_weights(*this, [&](const std::string& name, const at::Tensor& tensor, bool buffer) {
    if (buffer) out.emplace_back(name, tensor);
  });
  return out;
}

void CnnLstmSa::to(at::Device device) {
  at::NoGradGuard no_grad;
  visit_weights(*this, [&](const std::string&, at::Tensor& tensor, bool) { tensor = tensor.to(device); });
}

Leaf CnnLstmSa::prepare(size_t modality, std::span<const Value> values) const {
  check(modality < 2, "{} has two modalities", options_.name);
  check(!values.empty(), "{}: no value of '{}' was given", options_.name, signature_.modalities[modality].name);
  return modality == 0 ? prepare_image(values) : prepare_question(values);
}

Leaf CnnLstmSa::prepare_image(std::span<const Value> values) const {
  Leaf leaf;
  std::vector<at::Tensor> planes;
  for (const auto& value : values) {
    const auto& pixels = as_image(value, options_.image).pixels;
    leaf.areas.push_back({0, 0, static_cast<double>(pixels.size(1)), static_cast<double>(pixels.size(0))});
    planes.push_back(pixels);
  }
  bool alike = std::all_of(planes.begin(), planes.end(), [&](const auto& p) {
    return p.size(0) == options_.height && p.size(1) == options_.width && p.scalar_type() == planes[0].scalar_type();
  });
  if (alike) {
    leaf.tensor = at::stack(planes).to(device()).permute({0, 3, 1, 2}).to(at::kFloat).div_(255);
    return leaf;
  }
  for (auto& p : planes) p = resized(p, options_.height, options_.width, device());
  leaf.tensor = at::cat(planes);
  return leaf;
}

Leaf CnnLstmSa::prepare_question(std::span<const Value> values) const {
  std::vector<std::vector<int64_t>> rows;
  size_t longest = 0;
  for (const auto& value : values) {
    rows.push_back(tokenizer_.encode(as_text(value, options_.question).string));
    check(!rows.back().empty(), "'{}' is empty: give it at least one word", options_.question);
    longest = std::max(longest, rows.back().size());
  }
  auto shape = std::vector<int64_t>{static_cast<int64_t>(rows.size()), static_cast<int64_t>(longest)};
  auto numbers = at::full(shape, WordTokenizer::pad, at::kLong), atoms = at::full(shape, -1, at::kLong);
  for (size_t i = 0; i < rows.size(); ++i) {
    std::copy(rows[i].begin(), rows[i].end(), numbers.data_ptr<int64_t>() + i * longest);
    for (size_t t = 0; t < rows[i].size(); ++t) atoms.data_ptr<int64_t>()[i * longest + t] = static_cast<int64_t>(t);
  }
  return {at::embedding(embedding_, numbers.to(device())), atoms.ge(0).to(device()), atoms.to(device()), {}};
}

Encoding CnnLstmSa::encode(size_t modality, const Leaf& leaf, Trace* trace) const {
  if (modality == 0) return {{encode_image(leaf.tensor, trace)}};
  check(leaf.tensor.dim() == 3 && leaf.tensor.size(1) > 0 && leaf.tensor.size(2) == options_.embedding,
        "the {} leaf of {} is [B, T, {}], not [{}]", options_.question, options_.name, options_.embedding,
        fmt::join(leaf.tensor.sizes(), ", "));
  return {{tap(trace, "question.lstm", lstm_last(leaf.tensor, leaf.mask, lstm_))}};
}

at::Tensor CnnLstmSa::encode_image(at::Tensor pixels, Trace* trace) const {
  check(
      pixels.dim() == 4 && pixels.size(1) == 3 && pixels.size(2) == options_.height && pixels.size(3) == options_.width,
      "the image leaf of {} is [B, 3, {}, {}], not [{}]", options_.name, options_.height, options_.width,
      fmt::join(pixels.sizes(), ", "));
  auto x = for_convolutions(pixels - 0.5);
  for (size_t i = 0; i < convs_.size(); ++i) {
    if (i + 1 == convs_.size()) x = append_coordinates(x);
    x = tap(trace, fmt::format("image.conv{}", i + 1), conv_norm_relu(x, convs_[i], options_.strides[i], training_));
  }
  auto map = linear(append_coordinates(x).permute({0, 2, 3, 1}), projection_);  // [B, H', W', K]
  map = tap(trace, "image.features", map.permute({0, 3, 1, 2})).permute({0, 2, 3, 1});
  return map.reshape({map.size(0), rows_ * columns_, options_.keys});
}

at::Tensor CnnLstmSa::hop(size_t number, const at::Tensor& query, const at::Tensor& map, Trace* trace) const {
  const auto& weights = hops_[number];
  int64_t batch = query.size(0), cells = rows_ * columns_, glimpses = options_.glimpses;
  auto score = modulated_score(linear(query, weights.modulation), map, weights.score);  // [B, G, N]
  auto attention = tap(trace, fmt::format("fusion.attention{}", number + 1),
                       score.softmax(2).reshape({batch, glimpses, rows_, columns_}));
  auto read = map.size(0) == 1 ? attention.reshape({batch * glimpses, cells}).mm(map[0]).view({batch, -1})
                               : attention.reshape({batch, glimpses, cells}).matmul(map).flatten(1);  // [B, G K]
  auto mass = score.logsumexp(2) - std::log(static_cast<double>(cells));                              // [B, G]
  constexpr double cells_per_object = 8;                   // about, which keeps the count near one
  auto count = score.sigmoid().sum(2) / cells_per_object;  // [B, G]
  auto input = at::cat({query, read, mass, count}, 1);
  auto next = query + linear(linear(input, weights.update1).relu(), weights.update2);
  return tap(trace, fmt::format("fusion.hop{}", number + 1), next);
}

Output CnnLstmSa::fuse(std::span<const Encoding> encodings, Trace* trace) const {
  check(encodings.size() == 2 && encodings[0].tensors.size() == 1 && encodings[1].tensors.size() == 1,
        "{} fuses one image encoding and one question encoding", options_.name);
  const auto &map = encodings[0].tensors[0], &question = encodings[1].tensors[0];
  check(map.dim() == 3 && map.size(1) == rows_ * columns_ && map.size(2) == options_.keys && question.dim() == 2 &&
            question.size(1) == options_.hidden,
        "{} fuses an image encoding [B, {}, {}] and a question encoding [B, {}], not [{}] and [{}]", options_.name,
        rows_ * columns_, options_.keys, options_.hidden, fmt::join(map.sizes(), ", "),
        fmt::join(question.sizes(), ", "));
  int64_t batch = std::max(map.size(0), question.size(0));
  check((map.size(0) == batch || map.size(0) == 1) && (question.size(0) == batch || question.size(0) == 1),
        "{} fuses encodings of the same batch, not {} images and {} questions", options_.name, map.size(0),
        question.size(0));
  auto query = question.expand({batch, options_.hidden});
  for (size_t i = 0; i < hops_.size(); ++i) query = hop(i, query, map, trace);
  auto features = tap(trace, "fusion.features", linear(query, hidden_).relu());
  return {tap(trace, "logits", linear(features, classifier_)), features};
}

void CnnLstmSa::fuse_grid(std::span<const Encoding> encodings, size_t a, size_t b,
                          const std::function<void(const GridBlock&)>& consumer, int64_t chunk) const {
  constexpr int64_t default_chunk = 128;
  check(a < 2 && b < 2 && a != b && encodings.size() == 2, "{} has one pair of modalities", options_.name);
  if (chunk <= 0) chunk = default_chunk;
  for (int64_t image = 0; image < encodings[0].batch(); ++image)
    for_each_batch(encodings[1].batch(), chunk, [&](int64_t begin, int64_t end) {
      std::vector<Encoding> pair = {encodings[0].slice(image, image + 1), encodings[1].slice(begin, end)};
      auto output = fuse(pair, nullptr);
      if (a == 0)
        consumer({image, image + 1, begin, end, std::move(output)});
      else
        consumer({begin, end, image, image + 1, std::move(output)});
    });
}

}  // namespace multiviz
