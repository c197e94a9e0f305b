#include "models/clevr_baseline.h"

#include <ATen/core/grad_mode.h>
#include <doctest/doctest.h>

#include "core/error.h"
#include "io/file.h"
#include "io/json.h"
#include "io/torch_file.h"
#include "models/load.h"
#include "tests/models/parity.h"
#include "tests/models/recipe.h"
#include "tests/scratch.h"

namespace multiviz {
namespace {

using test::difference;
const std::string root = "tests/fixtures/clevr_baselines/";  // the numbers are of its make_clevr_baselines.py

// The ResNet in front of the models, in a file as torchvision's.
struct Trunk : Scratch {
  Trunk() {
    auto weights = test::cook(root + "trunk.recipe.safetensors");
    NamedTensors named(weights.begin(), weights.end());
    named.emplace_back("layer4.0.conv1.weight", at::zeros({2, 2, 1, 1}));  // what is not needed
    named.emplace_back("fc.weight", at::zeros({10, 4}));
    named.emplace_back("fc.bias", at::zeros({10}));
    save_state_dict(*this / "resnet.pth", named);
  }
  ModelPtr load(const std::string& name) const {
    return load_model(root + name + ".pt", "", {{"cnn", *this / "resnet.pth"}});
  }
};

std::vector<std::vector<Value>> inputs() {
  std::vector<std::vector<Value>> out(2);
  for (int64_t i = 0; i < 3; ++i) out[0].push_back(Image{test::picture(40, 60, 200 + i)});
  for (const char* question : {"Are there any red cubes?", "what color is the sphere, dear?", "How many"})
    out[1].push_back(Text{question});
  return out;
}

TEST_CASE("CLEVR's baselines compute what clevr-iep's do, from pixels and from maps") {
  Trunk trunk;
  auto map = load_safetensors(root + "cnn_lstm_sa.check.safetensors").tensors.at("feats");
  for (std::string name : {"cnn_lstm_sa", "cnn_lstm"}) {
    CAPTURE(name);
    auto checks = load_safetensors(root + name + ".check.safetensors").tensors;
    auto model = trunk.load(name);
    CHECK(model->signature().labels[4] == "no");
    RawInputs raw = {{"questions", checks.at("questions").to(at::kLong)}, {"feats", map}};
    {
      at::NoGradGuard no_grad;
      auto out = dynamic_cast<const RawForward&>(*model).forward_raw(raw);
      CHECK(difference(out["scores"].tensor, checks.at("scores")) < 1e-4);
      for (size_t i = 0; i < out["attention"].items.size(); ++i)
        CHECK(difference(out["attention"].items[i].tensor, checks.at(fmt::format("attention.{}", i))) < 1e-4);
      CHECK(out["attention"].items.size() == (name == "cnn_lstm" ? 0 : 2));
    }
    Trace trace;
    trace.record("*");
    std::vector<Leaf> leaves;
    for (size_t m = 0; m < 2; ++m) leaves.push_back(model->prepare(m, inputs()[m]));
    leaves[0].tensor.set_requires_grad(true);
    auto output = model->forward(leaves, &trace);
    for (const auto& tap : model->signature().taps) CHECK(trace.activations().contains(tap));
    CHECK(difference(trace.at("image.features"), map) < 1e-4);
    CHECK(difference(output.logits, checks.at("scores")) < 1e-4);
    CHECK(output.features.size(1) == model->signature().features);
    auto gradient = torch::autograd::grad({output.logits[0][5]}, {leaves[0].tensor})[0];
    gradient = gradient.slice(0, 0, 1).slice(2, 0, INT64_MAX, 4).slice(3, 0, INT64_MAX, 4);
    CHECK(difference(gradient, checks.at("gradient")) < 1e-3);
  }
}

TEST_CASE("rows of a baseline do not depend on padding, and pairs are those of single inputs") {
  at::NoGradGuard no_grad;
  Trunk trunk;
  for (std::string name : {"cnn_lstm_sa", "cnn_lstm"}) {
    auto model = trunk.load(name);
    auto values = inputs();
    auto all = model->forward(values).logits;
    std::vector<std::vector<Value>> last = {{values[0][2]}, {values[1][2]}};
    CHECK(difference(model->forward(last).logits[0], all[2]) < 1e-5);
    std::vector<Encoding> encodings;
    for (size_t m = 0; m < 2; ++m) encodings.push_back(model->encode(m, model->prepare(m, values[m]), nullptr));
    CHECK(test::grid_difference(*model, encodings, 0, 1) < 1e-5);
  }
}

TEST_CASE("a map that is not projected is one that the identity projects") {
  at::NoGradGuard no_grad;
  auto file = *read_clevr_baseline(root + "cnn_lstm.pt");
  auto& settings = file.config["baseline_kwargs"];
  const int64_t channels = settings["cnn_res_block_dim"], side = settings["cnn_feat_dim"][1].get<int64_t>() / 2;
  const auto answers = std::ssize(file.config["vocab"]["answer_token_to_idx"]);
  std::erase_if(file.tensors, [](const auto& entry) { return entry.first.starts_with("classifier."); });
  const int64_t joined = settings["rnn_dim"].get<int64_t>() + channels * side * side;
  file.tensors["classifier.0.weight"] = test::hashed(answers * joined, 5).to(at::kFloat).view({answers, joined});
  file.tensors["classifier.0.bias"] = at::zeros({answers});
  settings.update({{"fc_dims", nlohmann::json::array()}, {"fc_use_batchnorm", false}, {"fc_dropout", 0}});
  settings["cnn_proj_dim"] = channels;
  file.tensors["cnn.4.weight"] = at::eye(channels).view({channels, channels, 1, 1});
  file.tensors["cnn.4.bias"] = at::zeros({channels});
  auto scores = [&] {
    auto checks = load_safetensors(root + "cnn_lstm.check.safetensors").tensors;
    auto map = load_safetensors(root + "cnn_lstm_sa.check.safetensors").tensors.at("feats");
    const ClevrBaseline model(file, nlohmann::json::object());
    return model.forward_raw({{"questions", checks.at("questions").to(at::kLong)}, {"feats", map}}).at("scores").tensor;
  };
  const auto expected = scores();
  settings["cnn_proj_dim"] = 0;
  CHECK(error_of(scores) == has("cnn.4.weight"));
  for (const char* name : {"cnn.4.weight", "cnn.4.bias"}) file.tensors.erase(name);
  CHECK(difference(scores(), expected) < 1e-5);
}

TEST_CASE("words of a question are atoms") {
  Trunk trunk;
  auto leaf = trunk.load("cnn_lstm_sa")->prepare(1, std::vector<Value>{Text{"what  color, dear?"}});
  // <START> what "" color , "" dear <END>: the question mark is the last word, and no token stands for it.
  CHECK(at::equal(leaf.atoms, at::tensor({-1, 0, -1, 1, 2, 3, -1}, at::kLong).view({1, 7})));
}

TEST_CASE("second-order gradients of the attention model") {
  Trunk trunk;
  auto model = trunk.load("cnn_lstm_sa");
  std::vector<Leaf> leaves;
  for (size_t m = 0; m < 2; ++m) leaves.push_back(model->prepare(m, inputs()[m]));
  auto derivatives = test::derivatives(*model, leaves, 1, {0}, 4, true);
  CHECK(derivatives.second[0].abs().max().item<double>() > 0);
}

TEST_CASE("a baseline is saved and loaded, with its words and its ResNet") {
  at::NoGradGuard no_grad;
  Trunk trunk;
  auto model = trunk.load("cnn_lstm");
  auto expected = model->forward(inputs()).logits;
  for (const char* name : {"saved", "saved.safetensors"}) {
    save_model(*model, trunk / name);
    CHECK(difference(load_model(trunk / name, "")->forward(inputs()).logits, expected) < 1e-6);
  }
  CHECK(model->buffers().size() == 2 * (2 * 2 + 3));  // of two residual blocks and three norms of the classifier
}

TEST_CASE("a baseline is saved as clevr-iep does") {
  at::NoGradGuard no_grad;
  Trunk trunk;
  for (const char* name : {"cnn_lstm", "cnn_lstm_sa"}) {
    auto model = trunk.load(name);
    save_model(*model, trunk / "saved.pt");
    auto saved = read_clevr_baseline(trunk / "saved.pt");
    REQUIRE(saved);
    CHECK(saved->tensors.size() == model->parameters().size() + model->buffers().size());
    const auto words = load_torch_file(trunk / "saved.pt").at("baseline_kwargs", "x").at("vocab", "x");
    CHECK(words.at("question_token_to_idx", "x").at("<UNK>", "x").integer("x") == 3);
    CHECK(words.at("answer_idx_to_token", "x")[4].text("x") == "no");
    auto settings = model->config();
    settings.erase("cnn");
    CHECK(saved->config == settings);
    auto again = load_model(trunk / "saved.pt", "", {{"cnn", model->config()["cnn"]}});
    CHECK(difference(again->forward(inputs()).logits, model->forward(inputs()).logits) == 0);
  }
}

TEST_CASE("baselines that cannot be loaded are told") {
  Trunk trunk;
  auto refusal = [&](const nlohmann::json& options) {
    return error_of([&] { load_model(root + "cnn_lstm_sa.pt", "", options); });
  };
  CHECK(refusal({{"cn", "a"}}) == has("did you mean 'cnn'?"));
  CHECK(refusal({{"cnn", "none.pth"}}) == has("there is no file of weights 'none.pth'"));
  write_file(trunk / "vocab.json", R"({"question_token_to_idx": {"a": 0}, "answer_token_to_idx": {"b": 0}})");
  CHECK(refusal({{"vocab", trunk / "vocab.json"}}) == has("<NULL> must be word 0"));
  save_state_dict(trunk / "small.pth", {{"conv1.weight", at::zeros({8, 3, 7, 7})}});
  CHECK(refusal({{"cnn", trunk / "small.pth"}}) == has("has no stage of 128 channels"));
  CHECK(
      error_of([] {
        load_model(root + "cnn_lstm_sa.pt", "")->prepare(0, std::vector<Value>{Image{at::zeros({4, 4, 3}, at::kByte)}});
      }) == has("load it with the option cnn"));

  auto file = *read_clevr_baseline(root + "cnn_lstm_sa.pt");
  auto changed = [&](const char* key, const nlohmann::json& value) {
    auto other = file;
    other.config["baseline_kwargs"][key] = value;
    return error_of([&] { ClevrBaseline model(other, nlohmann::json::object()); });
  };
  CHECK(changed("rnn_dim", 9) == has("rnn.rnn.weight_ih_l0"));
  CHECK(changed("rnn_dim", 0) == has("'rnn_dim' is 0"));
  CHECK(changed("rnn_num_layers", 1000) == has("is more than"));
  CHECK(changed("cnn_feat_dim", {1, 2}) == has("channels, height and width"));
  CHECK(changed("fc_dims", {-3}) == has("fc_dims holds -3"));
  file.config["baseline_type"] = "LSTM";
  CHECK(error_of([&] { ClevrBaseline model(file, nlohmann::json::object()); }) == has("of the type 'LSTM'"));
  auto bytes = read_file(root + "cnn_lstm_sa.pt");
  write_file(trunk / "cut.pt", bytes.substr(0, bytes.size() / 2));
  CHECK(!error_of([&] { read_clevr_baseline(trunk / "cut.pt"); }).empty());
  CHECK(!read_clevr_baseline(root + "trunk.recipe.safetensors").has_value());
}

}  // namespace
}  // namespace multiviz
