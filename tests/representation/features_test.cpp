#include "representation/features.h"

#include <ATen/ATen.h>

#include <cstdlib>
#include <filesystem>

#include "core/cancel.h"
#include "data/basic_dataset.h"
#include "representation/analysis.h"
#include "representation/fingerprint.h"
#include "tests/models/toy_model.h"
#include "tests/scratch.h"

using namespace multiviz;
using test::ToyModel;
using test::ToyOptions;

namespace {

// `size` datapoints; every second one shows the picture of the one before.
class Pictures : public BasicDataset {
 public:
  // The toy model's order of the labels is red, green, blue.
  explicit Pictures(int64_t size, const std::string& version = "1")
      : BasicDataset({{"question", ModalityKind::text}, {"image", ModalityKind::image}}, {"green", "red"}),
        size_(size) {
    name_ = "pictures";
    fingerprint_ = "pictures-" + version;
    for (int64_t i = 0; i < (size + 1) / 2; ++i)
      pixels_.push_back(
          at::randint(0, 256, {16, 16, 3}, make_generator(static_cast<uint64_t>(i)), at::TensorOptions(at::kByte)));
  }
  int64_t size() const override { return size_; }
  Datapoint get(int64_t index) const override {
    ++reads;
    if (index >= fail_at) fail("cannot read datapoint {}", index);
    Datapoint datapoint;
    datapoint.id = fmt::format("picture-{}", index);
    datapoint.values = {Text{fmt::format("is thing {} red?", index)}, Image{pixels_[static_cast<size_t>(index / 2)]}};
    datapoint.labels = {index % 2};
    return datapoint;
  }
  mutable int64_t reads = 0;
  int64_t fail_at = INT64_MAX;

 private:
  int64_t size_;
  std::vector<at::Tensor> pixels_;
};

// The toy model with weights to show, so that features of it can be stored.
class Weighted : public ToyModel {
 public:
  explicit Weighted(double weight = 1) : weight_(at::full({3}, weight)) {}
  std::vector<std::pair<std::string, at::Tensor>> parameters() const override { return {{"weight", weight_}}; }

 private:
  at::Tensor weight_;
};

at::Tensor one_by_one(const Model& model, const Dataset& data) {
  std::vector<at::Tensor> parts;
  for (int64_t i = 0; i < data.size(); ++i)
    parts.push_back(model.forward(adapt(model.signature(), data, data.get(i))).features.squeeze(0));
  return at::stack(parts);
}

}  // namespace

TEST_CASE("features are the model's, batch by batch, stored or not") {
  Scratch scratch;
  Weighted model;
  Pictures data(11);
  at::Tensor expected = one_by_one(model, data);
  for (bool store : {true, false}) {
    Features z = compute_features(model, data, {"", scratch / "store", store, 4});
    CHECK(at::allclose(z.z, expected));
    CHECK(z.folder.empty() != store);
    CHECK(z.rows[3].id == "picture-3");
    CHECK(z.rows[3].labels == std::vector<int64_t>{0});  // red
    CHECK(z.find("picture-10") == 10);
    CHECK(z.names == model.signature().labels);
    int64_t best = model.forward(adapt(model.signature(), data, data.get(5))).logits.argmax(1).item<int64_t>();
    CHECK(z.rows[5].prediction == best);
    CHECK(error_of([&] { z.find("picture-11"); }) == has("there are no features of datapoint 'picture-11'"));
  }
}

TEST_CASE("stored features are not computed again, and go on where they stopped") {
  Scratch scratch;
  Weighted model;
  Pictures data(20);
  FeaturesOptions options{"", scratch / "store", true, 4};
  data.fail_at = 10;
  CHECK(error_of([&] { compute_features(model, data, options); }) == "cannot read datapoint 10");
  data.fail_at = INT64_MAX;
  data.reads = 0;
  Features z = compute_features(model, data, options);
  CHECK(data.reads == 12);  // 8 were stored
  CHECK(at::allclose(z.z, one_by_one(model, data)));
  data.reads = 0;
  CHECK(at::equal(compute_features(model, data, options).z, z.z));
  CHECK(data.reads == 0);
  CHECK(error_of([&] { compute_features(Weighted(2), data, options); }) == has("other weights"));
  CHECK(error_of([&] { compute_features(model, Pictures(20, "2"), options); }) == has("another data set"));
}

TEST_CASE("without a path features lie in the user's cache, apart for each model and data set") {
  Scratch scratch;
  ::setenv("XDG_CACHE_HOME", scratch.folder().c_str(), 1);
  Pictures data(3);
  Features first = compute_features(Weighted(), data, {});
  Features second = compute_features(Weighted(2), data, {});
  CHECK(first.folder == has(scratch / "multiviz/features/toy-pictures-"));
  CHECK(first.folder != second.folder);
  CHECK(compute_features(ToyModel(), data, {}).folder.empty());  // nothing to tell its versions apart
  ::unsetenv("XDG_CACHE_HOME");
}

TEST_CASE("features of a tap") {
  ToyModel model;
  Pictures data(6);
  Features z = compute_features(model, data, {"image.encoded", "", false, 4});
  CHECK(z.width() == 6);
  CHECK(at::equal(z.z[0], z.z[1]));  // they show one picture
  Target target = feature_target(z, 4);
  CHECK(target.kind == Target::Kind::unit);
  CHECK(target.position == std::vector<int64_t>{4});
  z.shape = {2, 3};
  CHECK(feature_target(z, 4).position == std::vector<int64_t>{1, 1});
  CHECK(error_of([&] {
          compute_features(model, data, {"image.encode", "", false, 0});
        }) == has("did you mean 'image.encoded'"));
}

TEST_CASE("the strongest datapoints of a feature") {
  Features z;
  z.z = at::tensor(std::vector<float>{1, 5, 3, 9, 2, 9}).view({3, 2});
  auto top = top_activating(z, 1, 2);
  CHECK((top == std::vector<std::pair<int64_t, double>>{{1, 9.0}, {2, 9.0}}));
  CHECK(error_of([&] { top_activating(z, 1, 4); }) == "4 datapoints were asked for: there are 3");
  CHECK(error_of([&] { top_activating(z, 2, 1); }) == has("feature 3 is out of range"));
}

TEST_CASE("responses are labels, predictions, targets or values") {
  Features z;
  z.z = at::zeros({2, 2});
  z.names = {"red", "green", "blue"};
  z.rows = {{"a", {2, 0}, 0.5, 1}, {"b", {}, 1.5, 2}};
  CHECK(at::equal(response_of(z).labels, at::tensor(std::vector<int64_t>{2, -1})));
  CHECK(at::equal(response_of(z, true).labels, at::tensor(std::vector<int64_t>{1, 2})));
  z.task = Task::multilabel;
  CHECK(at::equal(response_of(z).targets, at::tensor(std::vector<double>{1, 0, 1, 0, 0, 0}, at::kDouble).view({2, 3})));
  z.task = Task::regression;
  CHECK(at::equal(response_of(z).targets, at::tensor(std::vector<double>{0.5, 1.5}, at::kDouble).view({2, 1})));
  z.rows[0].value.reset();
  CHECK(error_of([&] { response_of(z); }) == "datapoint 'a' has no value to predict");
  z.task = Task::classification;
  z.rows[0].labels = {-1};
  CHECK(error_of([&] { response_of(z); }) == has("fit to its predictions instead"));
}

TEST_CASE("features that are not finite, and no data, are errors") {
  Pictures data(4);
  ToyOptions poisoned;
  poisoned.poisoned = true;
  ToyModel model({{"image", ModalityKind::image}, {"question", ModalityKind::text}}, poisoned);
  CHECK(error_of([&] { compute_features(model, data, {"", "", false, 0}); }) == has("datapoint picture-0: "));
  CHECK(error_of([&] { compute_features(ToyModel(), Pictures(0), {}); }) == has("is empty"));
}

TEST_CASE("computing features can be cancelled") {
  Pictures data(4);
  request_cancel();
  CHECK_THROWS_AS(compute_features(ToyModel(), data, {"", "", false, 0}), Cancelled);
  clear_cancel();
}

TEST_CASE("local and global analysis run the method towards the feature") {
  ToyModel model;
  Pictures data(8);
  Features z = compute_features(model, data, {"", "", false, 0});
  std::vector<std::string> seen;
  Method method = [&](const Datapoint& datapoint, const Target& target) {
    seen.push_back(datapoint.id);
    CHECK(target.kind == Target::Kind::feature);
    CHECK(target.index == 2);
    CHECK(kind_of(datapoint.values[0]) == ModalityKind::image);  // the model's order
    Explanation explanation;
    explanation.method = "probe";
    return std::vector{explanation};
  };
  FeatureEntry local = local_feature(model, adapt(model.signature(), data, data.get(3)), 2, method);
  CHECK(local.activation == doctest::Approx(z.z[3][2].item<double>()));
  CHECK(local.datapoint == "picture-3");
  CHECK(local.local.at(0).method == "probe");
  seen.clear();
  FeatureEntry global = global_feature(model, data, z, 2, 3, method);
  auto top = top_activating(z, 2, 3);
  REQUIRE(global.examples.size() == 3);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(global.examples[i].example.datapoint.id == fmt::format("picture-{}", top[i].first));
    CHECK(global.examples[i].activation == top[i].second);
    CHECK(seen[i] == global.examples[i].example.datapoint.id);
  }
  CHECK(global.dataset == "pictures");
  CHECK(error_of([&] { local_feature(model, adapt(model.signature(), data, data.get(3)), 99, method); }) != "");
  CHECK(error_of([&] { global_feature(model, data, z, 2, 9, method); }) == "9 datapoints were asked for: there are 8");
  z.rows[static_cast<size_t>(top[0].first)].id = "other";
  CHECK(error_of([&] { global_feature(model, data, z, 2, 1, method); }) ==
        has("give the data that they were computed from"));
}

TEST_CASE("fingerprints tell weights apart") {
  CHECK(fingerprint(Weighted(1)) == fingerprint(Weighted(1)));
  CHECK(fingerprint(Weighted(1)) != fingerprint(Weighted(1 + 1e-6)));
  CHECK(fingerprint(ToyModel()).empty());
}
