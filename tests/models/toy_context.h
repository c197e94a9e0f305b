#pragma once
#include "data/basic_dataset.h"
#include "models/target.h"
#include "tests/models/toy_model.h"

namespace multiviz::test {

// A data set of datapoints given in memory, for tests.
class ListedData : public BasicDataset {
 public:
  ListedData(std::vector<Modality> modalities, std::vector<std::string> labels, std::vector<Datapoint> datapoints)
      : BasicDataset(std::move(modalities), std::move(labels)), datapoints_(std::move(datapoints)) {
    name_ = fingerprint_ = "listed";
  }
  int64_t size() const override { return std::ssize(datapoints_); }
  Datapoint get(int64_t index) const override { return datapoints_.at(static_cast<size_t>(index)); }

 private:
  std::vector<Datapoint> datapoints_;
};

// n different pictures and questions of different lengths, for the toy model of an image and a question. The first is
// toy_datapoint() itself.
inline std::vector<Datapoint> toy_datapoints(int64_t n) {
  static constexpr std::array questions = {"what colour is the small cube?", "red?",
                                           "how many large spheres are there?", "is the cube left of the red sphere",
                                           "metal or rubber"};
  std::vector<Datapoint> out;
  for (int64_t i = 0; i < n; ++i) {
    auto one = toy_datapoint();
    one.id = fmt::format("toy-{}", i + 1);
    auto& pixels = std::get<Image>(one.values[0]).pixels;
    pixels = at::roll(pixels, {5 * i, 3 * i, i}, {0, 1, 2}).contiguous();
    one.values[1] = Text{questions[static_cast<size_t>(i) % questions.size()]};
    one.labels = {i % 3};
    out.push_back(std::move(one));
  }
  return out;
}

inline ListedData toy_data(int64_t n) {
  return {
      {{"image", ModalityKind::image}, {"question", ModalityKind::text}}, {"red", "green", "blue"}, toy_datapoints(n)};
}

// f(a_i, b_j) from a plain forward pass: the targets of datapoint `base` with two of its values replaced.
inline at::Tensor pair_value(const Model& model, const std::vector<Target>& targets, Datapoint base, size_t a,
                             const Value& first, size_t b, const Value& second) {
  base.values[a] = first;
  base.values[b] = second;
  auto trace = trace_for(targets);
  auto output = model.forward(base, trace.get());
  return evaluate(targets, model.signature(), output, trace.get())[0].to(at::kDouble);
}

}  // namespace multiviz::test
