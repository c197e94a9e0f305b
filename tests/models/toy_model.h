#pragma once
#include <ATen/ATen.h>

#include <array>
#include <utility>

#include "core/error.h"
#include "core/random.h"
#include "models/model.h"

namespace multiviz::test {

struct ToyOptions {
  double additive = 1, multiplicative = 1;  // weight of the parts of fuse that do and do not factor over modalities
  at::ScalarType dtype = at::kFloat;        // kDouble where a test takes finite differences
  Task task = Task::classification;
  bool differentiable = true;
  bool poisoned = false;  // NaN weights in the first modality's encoder
  int64_t classes = 3, width = 6;
};

// A small deterministic model for tests, twice differentiable in every leaf. Each modality m is encoded to a row e_m of
// `width` numbers: the image from the means of a 4 x 4 grid of patches, text from hashed word embeddings, a time series
// from its frames, a table from its columns. Features are [additive * sum_m e_m, multiplicative * prod_m e_m], logits a
// linear map of them.
class ToyModel : public Model {
 public:
  explicit ToyModel(std::vector<Modality> modalities = {{"image", ModalityKind::image}, {"question", ModalityKind::text}},
                    ToyOptions options = {})
      : options_(options) {
    signature_ = {"toy", std::move(modalities), {}, options.task, 2 * options.width, {}, options.differentiable};
    static constexpr std::array names = {"red", "green", "blue", "yellow", "purple", "cyan"};
    if (options.task != Task::regression)
      for (int64_t c = 0; c < options.classes; ++c)
        signature_.labels.push_back(c < std::ssize(names) ? names[c] : fmt::format("label {}", c + 1));
    for (const auto& modality : signature_.modalities) signature_.taps.push_back(modality.name + ".encoded");
    signature_.taps.push_back("fusion.features");
    head_ = weights({2 * options.width, signature_.outputs()}, 99);
  }

  const Signature& signature() const override { return signature_; }

  Leaf prepare(size_t modality, std::span<const Value> values) const override {
    check(!values.empty(), "the toy model needs at least one value");
    for (const auto& value : values)
      check(kind_of(value) == signature_.modalities[modality].kind, "the toy model cannot take this kind of value");
    switch (signature_.modalities[modality].kind) {
      case ModalityKind::image: return prepare_images(values);
      case ModalityKind::text: return prepare_texts(values);
      case ModalityKind::time_series:
        return stacked(values, [](const Value& value) { return std::get<TimeSeries>(value).frames; });
      case ModalityKind::tabular:
        return stacked(values, [](const Value& value) { return std::get<Table>(value).columns; });
    }
    return {};
  }

  Encoding encode(size_t modality, const Leaf& leaf, Trace* trace) const override {
    at::Tensor out;
    uint64_t stream = modality + 1;
    switch (signature_.modalities[modality].kind) {
      case ModalityKind::image:
        out = at::adaptive_avg_pool2d(leaf.tensor, {4, 4}).flatten(1).matmul(weights({48, options_.width}, stream));
        break;
      case ModalityKind::text: out = masked_mean(leaf).matmul(weights({options_.width, options_.width}, stream)); break;
      case ModalityKind::time_series:
        out = at::tanh(leaf.tensor.matmul(weights({leaf.tensor.size(2), options_.width}, stream))).mean(1);
        break;
      case ModalityKind::tabular: out = leaf.tensor.matmul(weights({leaf.tensor.size(1), options_.width}, stream)); break;
    }
    out = at::tanh(out);
    if (options_.poisoned && modality == 0) out = out * std::numeric_limits<double>::quiet_NaN();
    return {{tap(trace, signature_.modalities[modality].name + ".encoded", out)}};
  }

  Output fuse(std::span<const Encoding> encodings, Trace* trace) const override {
    at::Tensor sum = encodings[0].tensors[0], product = sum;
    for (const auto& encoding : encodings.subspan(1)) {
      sum = sum + encoding.tensors[0];
      product = product * encoding.tensors[0];
    }
    auto features = at::cat({options_.additive * sum, options_.multiplicative * product}, 1);
    features = tap(trace, "fusion.features", features);
    return {features.matmul(head_), features};
  }

  void to(at::Device) override {}
  at::Device device() const override { return at::kCPU; }

 private:
  // Uniform in [-1, 1], the same on every machine.
  at::Tensor weights(std::vector<int64_t> shape, uint64_t stream) const {
    auto out = at::empty(shape, at::kDouble);
    Random random(7, stream);
    auto* data = out.data_ptr<double>();
    for (int64_t i = 0; i < out.numel(); ++i) data[i] = random.uniform(-1, 1);
    return out.to(options_.dtype);
  }

  Leaf prepare_images(std::span<const Value> values) const {
    std::vector<at::Tensor> pixels;
    Leaf leaf;
    for (const auto& value : values) {
      pixels.push_back(std::get<Image>(value).pixels);
      leaf.areas.push_back({0, 0, static_cast<double>(pixels.back().size(1)), static_cast<double>(pixels.back().size(0))});
    }
    leaf.tensor = at::stack(pixels).permute({0, 3, 1, 2}).to(options_.dtype).div(127.5).sub(1);
    return leaf;
  }

  Leaf prepare_texts(std::span<const Value> values) const {
    std::vector<std::vector<std::string>> lists;
    int64_t longest = 0, batch = std::ssize(values);
    for (const auto& value : values) {
      lists.push_back(word_list(std::get<Text>(value).string));
      check(!lists.back().empty(), "the question is empty: give at least one word");
      longest = std::max<int64_t>(longest, std::ssize(lists.back()));
    }
    Leaf leaf;
    leaf.tensor = at::zeros({batch, longest, options_.width}, options_.dtype);
    leaf.mask = at::zeros({batch, longest}, at::kBool);
    leaf.atoms = at::full({batch, longest}, -1, at::kLong);
    for (int64_t b = 0; b < batch; ++b)
      for (int64_t t = 0; t < std::ssize(lists[b]); ++t) {
        leaf.tensor[b][t].copy_(weights({options_.width}, 1000 + std::hash<std::string>{}(lists[b][t]) % 4096));
        leaf.mask[b][t] = true;
        leaf.atoms[b][t] = t;
      }
    return leaf;
  }

  template <typename Get>
  Leaf stacked(std::span<const Value> values, Get get) const {
    std::vector<at::Tensor> tensors;
    for (const auto& value : values) tensors.push_back(get(value));
    Leaf leaf;
    leaf.tensor = at::stack(tensors).to(options_.dtype);
    return leaf;
  }

  // A position weighs in by its own content too, so that the model is not linear in the embeddings before the tanh.
  static at::Tensor masked_mean(const Leaf& leaf) {
    auto mask = leaf.mask.unsqueeze(2).to(leaf.tensor.scalar_type());
    auto bent = leaf.tensor + 0.5 * leaf.tensor * leaf.tensor;
    return (bent * mask).sum(1) / mask.sum(1);
  }

  ToyOptions options_;
  Signature signature_;
  at::Tensor head_;
};

// A 32 x 24 picture with four differently coloured quarters, and a question of six words.
inline Datapoint toy_datapoint() {
  auto pixels = at::empty({24, 32, 3}, at::kByte);
  static constexpr std::array<std::array<int64_t, 3>, 4> colours = {
      std::array<int64_t, 3>{230, 20, 40}, {30, 200, 60}, {20, 60, 220}, {240, 230, 90}};
  for (int64_t q = 0; q < 4; ++q) {
    auto quarter = pixels.slice(0, q / 2 * 12, q / 2 * 12 + 12).slice(1, q % 2 * 16, q % 2 * 16 + 16);
    for (int64_t c = 0; c < 3; ++c) quarter.select(2, c).fill_(colours[q][c]);
  }
  Datapoint datapoint;
  datapoint.id = "toy-1";
  datapoint.values = {Image{pixels}, Text{"what colour is the small cube?"}};
  datapoint.labels = {0};
  datapoint.regions = {{"red quarter", {0, 0, 16, 12}, {}, true}, {"blue quarter", {0, 12, 16, 24}, {}, false}};
  return datapoint;
}

// Modalities of toy_signals(): eight frames of three channels, and five columns.
inline std::vector<Modality> signal_modalities() {
  return {{"signal", ModalityKind::time_series}, {"record", ModalityKind::tabular}};
}

inline Datapoint toy_signals() {
  auto frames = at::sin(at::arange(24, at::kFloat)).reshape({8, 3}) * 1.5;
  auto columns = at::cos(at::arange(5, at::kFloat) * 2);
  Datapoint datapoint;
  datapoint.id = "signals-1";
  datapoint.values = {TimeSeries{frames, {"x", "y", "z"}, {{"plane", 0, 2}, {"height", 2, 3}}, {}},
                      Table{columns, {"age", "weight", "pulse", "fever", "oxygen"}}};
  datapoint.labels = {1};
  return datapoint;
}

}  // namespace multiviz::test
