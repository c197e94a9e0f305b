#include "prediction/prediction_entry.h"

#include <ATen/ATen.h>

#include "core/random.h"
#include "prediction/elastic_net.h"
#include "tests/scratch.h"

using namespace multiviz;

TEST_CASE("the prediction graph of a datapoint adds up to the linear model's score") {
  Features features;
  features.model = "toy";
  features.names = {"cat", "dog", "hen"};
  features.z = at::randn({60, 5}, make_generator(1), at::TensorOptions(at::kFloat));
  at::Tensor labels = features.z.slice(1, 0, 3).argmax(1);
  for (int64_t i = 0; i < 60; ++i)
    features.rows.push_back(
        {fmt::format("x{}", i), {labels[i].item<int64_t>()}, {}, (labels[i].item<int64_t>() + (i < 6)) % 3});
  auto path = std::make_shared<SparsePath>(elastic_net(features.z, response_of(features), {}, {}));
  Selection selection = at_nonzeros(path, 3);
  PredictionEntry entry = prediction_entry(selection, features, "x2", {0}, 5);
  CHECK(entry.datapoint == "x2");
  CHECK(entry.dense_accuracy == doctest::Approx(0.9));  // 6 of 60 are predicted wrong
  CHECK(entry.curve.size() == 100);
  CHECK(entry.accuracy == path->heldout[static_cast<size_t>(selection.index)]);
  REQUIRE(entry.classes.size() >= 2);  // predicted and true differ
  CHECK(entry.classes[0].label == features.rows[2].prediction);
  at::Tensor scores = selection.scores(features.z[2]);
  for (const ClassGraph& graph : entry.classes) {
    double sum = graph.bias;
    for (const FeatureWeight& one : graph.features) sum += one.contribution;
    CHECK(sum == doctest::Approx(scores[0][graph.label].item<double>()));
    CHECK(graph.name == features.names[static_cast<size_t>(graph.label)]);
  }
  auto all = prediction_entry(selection, features, "x20", {2, 1, 0, 2, -1, 9}).classes;
  REQUIRE(all.size() == 3);  // each once, that of the prediction first
  CHECK(all[0].label == features.rows[20].prediction);
  CHECK(all[1].label != all[2].label);
  CHECK(error_of([&] { prediction_entry(selection, features, "y"); }) == has("there are no features of datapoint 'y'"));
  features.z = features.z.slice(1, 0, 4);
  CHECK(error_of([&] { prediction_entry(selection, features, "x2"); }) == has("over 5 features and these are 4"));
}
