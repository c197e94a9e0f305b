#include "prediction/sparse_path.h"

#include <ATen/ATen.h>

#include "io/file.h"
#include "io/safetensors.h"
#include "tests/scratch.h"

using namespace multiviz;

namespace {

// Two classes, three features, three lambdas; class 0: {}, {1: 2}, {0: -1, 1: 3}; class 1: {}, {}, {2: 0.5}.
SparsePathPtr toy() {
  auto path = std::make_shared<SparsePath>();
  path->alpha = 0.9;
  path->features = 3;
  path->names = {"cat", "dog"};
  path->lambdas = {1, 0.1, 0.01};
  path->offsets = at::tensor(std::vector<int64_t>{0, 0, 1, 3, 3, 3, 4}, at::kLong);
  path->columns = at::tensor(std::vector<int32_t>{1, 0, 1, 2}, at::kInt);
  path->values = at::tensor(std::vector<double>{2, -1, 3, 0.5}, at::kDouble);
  path->intercepts = at::tensor(std::vector<double>{0, 0, 1, 0.5, 0, 0}, at::kDouble).view({2, 3});
  path->train = {0.5, 0.8, 0.9};
  path->heldout = {0.5, 0.79, 0.8};
  path->deviance = {0, 0.3, 0.5};
  path->gap = {0, 1e-6, 1e-6};
  return path;
}

}  // namespace

TEST_CASE("selections from a path") {
  auto path = toy();
  CHECK(at_nonzeros(path, 0.9).index == 1);
  CHECK(at_nonzeros(path, 3).index == 2);
  CHECK(at_nonzeros(path, 0).index == 0);
  CHECK(at_drop(path, 0).index == 2);
  CHECK(at_drop(path, 0.05).index == 1);
  CHECK(at_drop(path, 1).index == 0);
  CHECK(at_lambda(path, 0.09).index == 1);
  CHECK(error_of([&] { at_nonzeros(path, 4); }) == "nonzeros_per_class is 4: the model has 3 features");
  CHECK(error_of([&] { at_drop(path, -1); }) == has("drop is -1"));
  CHECK(error_of([&] { at_lambda(path, 5); }) == has("runs from 0.01 to 1"));
}

TEST_CASE("top features, contributions and scores of a selection") {
  Selection last{toy(), 2};
  at::Tensor z = at::tensor(std::vector<float>{5, 1, 2});
  auto by_weight = last.top(0, 3);
  REQUIRE(by_weight.size() == 2);
  CHECK(by_weight[0].feature == 1);
  CHECK(by_weight[0].weight == 3);
  auto by_contribution = last.top(0, z, 1);
  REQUIRE(by_contribution.size() == 1);
  CHECK(by_contribution[0].feature == 0);  // -1 * 5 against 3 * 1
  CHECK(by_contribution[0].contribution == -5);
  CHECK(by_contribution[0].value == 5);
  at::Tensor expected = at::tensor(std::vector<double>{-5, 3, 0}, at::kDouble);
  CHECK(at::equal(last.contributions(0, z), expected));
  CHECK(at::equal(last.scores(z), at::tensor(std::vector<double>{-1, 1}, at::kDouble).view({1, 2})));
  CHECK(last.predict(z).item<int64_t>() == 1);
  CHECK(last.accuracy(at::stack({z, z, z}), at::tensor(std::vector<int64_t>{1, 0, -1})) == 0.5);
  CHECK(last.nonzeros_per_class() == 1.5);
  CHECK(error_of([&] { last.top(0, 4); }) == "4 features were asked for: the model has 3");
  CHECK(error_of([&] { last.top(0, z, 0); }) == has("0 features were asked for"));
  CHECK(error_of([&] { last.top(2, 1); }) == has("label 3 is out of range"));
  CHECK(error_of([&] { last.top(0, at::ones({2}), 1); }) == has("the path is over 3 features"));
  CHECK(error_of([&] { last.scores(at::ones({2, 2})); }) == has("the path is over 3 features"));
}

TEST_CASE("the curve is printed with its ends") {
  std::string text = summary(*toy(), 2);
  CHECK(text == has("2 classes x 3 features, 3 lambdas"));
  CHECK(text == has("           1             0.0           0.500           0.500"));
  CHECK(text == has("        0.01             1.5           0.900           0.800"));
  CHECK(summary(Selection{toy(), 1}) ==
        has("lambda 0.1 (2 of 3), 0.5 nonzeros per class of 3 features, accuracy 0.790 held out"));
}

TEST_CASE("a path saves and loads") {
  Scratch scratch;
  auto path = std::make_shared<SparsePath>(*toy());
  path->options = {{"seed", 7}};
  save(*path, scratch / "path.safetensors");
  SparsePath loaded = load_sparse_path(scratch / "path.safetensors");
  CHECK(loaded.names == path->names);
  CHECK(loaded.lambdas == path->lambdas);
  CHECK(loaded.heldout == path->heldout);
  CHECK(loaded.options == path->options);
  CHECK(at::equal(loaded.dense(2), path->dense(2)));
  CHECK(at::equal(loaded.intercepts, path->intercepts));
}

TEST_CASE("a damaged path is an error") {
  Scratch scratch;
  std::string file = scratch / "path.safetensors";
  auto path = toy();
  auto damaged = [&](auto change) {
    auto copy = std::make_shared<SparsePath>(*path);
    change(*copy);
    save(*copy, file);
    return error_of([&] { load_sparse_path(file); });
  };
  CHECK(damaged([](SparsePath& p) { p.columns = p.columns + 2; }) == has("a feature is out of range"));
  CHECK(damaged([](SparsePath& p) { p.offsets = p.offsets * 2; }) == has("offsets do not fit"));
  CHECK(damaged([](SparsePath& p) { p.values = p.values.slice(0, 1); }) == has("tensor 'values'"));
  CHECK(damaged([](SparsePath& p) { p.train.pop_back(); }) == has("tensor 'train'"));
  CHECK(damaged([](SparsePath& p) { p.names.clear(); }) == has("empty"));
  save_safetensors(file, {{"x", at::ones({1})}});
  CHECK(error_of([&] { load_sparse_path(file); }) == has("this is not a sparse path"));
  CHECK(error_of([&] { load_sparse_path(scratch / "missing"); }) == has("missing"));
}
