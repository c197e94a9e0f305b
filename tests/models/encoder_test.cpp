#include <ATen/core/grad_mode.h>
#include <doctest/doctest.h>

#include "core/error.h"
#include "models/bert.h"
#include "models/resnet.h"
#include "models/vgg.h"
#include "models/vit.h"
#include "tests/models/parity.h"
#include "tests/scratch.h"

namespace multiviz {
namespace {

using test::difference;
using test::difference_at;
using test::Reference;

const std::string root = "tests/fixtures/encoders/";

std::shared_ptr<EncoderModel> make(const std::string& name, Pretrained pretrained) {
  if (name.starts_with("vit")) return std::make_shared<VitEncoder>(std::move(pretrained));
  if (name.starts_with("resnet")) return std::make_shared<ResnetEncoder>(std::move(pretrained));
  return std::make_shared<BertEncoder>(std::move(pretrained));
}

bool is_text(const std::string& name) { return name.find("bert") != std::string::npos; }

const std::vector<std::string> names = {
    "bert_classifier",   "bert",        "roberta_classifier", "roberta", "vit_classifier", "vit", "resnet",
    "resnet_classifier", "resnet_early"};

RawInputs inputs_of(const Reference& reference) {
  RawInputs out;
  for (const char* name : {"input_ids", "attention_mask", "token_type_ids", "pixel_values"})
    if (reference.checks.contains(name)) out[name] = reference.at(name);
  return out;
}

// The expected tensors are those of tests/fixtures/encoders/make_encoders.py.
TEST_CASE("plain encoders compute what transformers does") {
  at::NoGradGuard no_grad;
  for (const auto& name : names) {
    CAPTURE(name);
    auto reference = test::read_reference(root + name);
    auto model = make(name, reference.pretrained);
    auto out = model->forward_raw(inputs_of(reference));
    for (const char* key : {"logits", "features", "pooler_output", "last_hidden_state"}) {
      if (!reference.checks.contains(key) || !out.contains(key)) continue;
      CAPTURE(key);
      auto expected = reference.at(key);
      CHECK(difference(out[key].tensor, expected) < 1e-4);
    }
    CHECK(out.contains("logits") == reference.checks.contains("logits"));
    for (const char* key : {"hidden_states", "attentions"}) {
      auto expected = reference.list(key);
      REQUIRE(out[key].items.size() == expected.size());
      for (size_t i = 0; i < expected.size(); ++i) {
        CAPTURE(i);
        CHECK(difference(out[key].items[i].tensor, expected[i]) < 1e-4);
      }
    }
  }
}

Leaf leaf_of(const Model& model, const Reference& reference, bool text) {
  if (!text) return {reference.at("pixel_values"), {}, {}, {}};
  Leaf leaf;
  for (const auto& [name, tensor] : model.parameters())
    if (name.ends_with("word_embeddings.weight"))
      leaf.tensor = at::embedding(tensor, reference.at("input_ids").to(at::kLong));
  leaf.mask = reference.at("attention_mask").to(at::kBool);
  return leaf;
}

TEST_CASE("plain encoders have transformers' gradients, by fused and by plain attention") {
  for (const auto& name : names) {
    CAPTURE(name);
    auto reference = test::read_reference(root + name);
    auto model = make(name, reference.pretrained);
    for (bool second_order : {false, true}) {
      std::vector<Leaf> leaves = {leaf_of(*model, reference, is_text(name))};
      leaves[0].tensor = leaves[0].tensor.detach().clone().set_requires_grad(true);
      Trace trace;
      trace.set_second_order(second_order);
      auto score = model->forward(leaves, &trace).logits.select(1, -1).sum();
      auto found = torch::autograd::grad({score}, {leaves[0].tensor})[0];
      CHECK(difference(found, reference.at("gradient")) < 1e-3 * reference.at("gradient").abs().max().item<double>());
    }
  }
}

TEST_CASE("positions of words can be given") {
  for (std::string name : {"bert", "roberta"}) {
    CAPTURE(name);
    auto reference = test::read_reference(root + name);
    BertEncoder model(reference.pretrained);
    auto ids = reference.at("input_ids").to(at::kLong), mask = reference.at("attention_mask").to(at::kLong);
    RawInputs inputs = {
        {"input_ids", ids}, {"attention_mask", mask}, {"token_type_ids", reference.at("token_type_ids")}};
    auto counted = at::arange(ids.size(1)).unsqueeze(0);
    inputs["position_ids"] = name == "bert" ? counted : (counted + 1) * mask + 1;
    const auto& expected = reference.at("last_hidden_state");
    CHECK(difference(model.forward_raw(inputs)["last_hidden_state"].tensor, expected) < 1e-4);
    inputs["position_ids"] = inputs["position_ids"].flip(1);
    CHECK(difference(model.forward_raw(inputs)["last_hidden_state"].tensor, expected) > 1e-2);
    for (const auto& wrong : {counted + 100, counted - 1, counted.slice(1, 1)}) {
      inputs["position_ids"] = wrong;
      CHECK(error_of([&] { model.forward_raw(inputs); }) == has("position_ids of"));
    }
  }
}

TEST_CASE("a row alone has the gradient that it has among others") {
  for (const auto& name : names) {
    CAPTURE(name);
    auto reference = test::read_reference(root + name);
    auto model = make(name, reference.pretrained);
    auto all = leaf_of(*model, reference, is_text(name));
    const auto& expected = reference.at("gradient");
    for (int64_t row = 0; row < expected.size(0); ++row) {
      std::vector<Leaf> leaves(1);
      leaves[0].tensor = all.tensor.slice(0, row, row + 1).detach().clone().set_requires_grad(true);
      if (all.mask.defined()) leaves[0].mask = all.mask.slice(0, row, row + 1);
      auto score = model->forward(leaves).logits.select(1, -1).sum();
      auto found = torch::autograd::grad({score}, {leaves[0].tensor})[0];
      CHECK(difference(found, expected.slice(0, row, row + 1)) < 1e-3 * expected.abs().max().item<double>());
    }
  }
}

TEST_CASE("plain encoders fill their signature and their taps") {
  at::NoGradGuard no_grad;
  for (const auto& name : names) {
    CAPTURE(name);
    auto reference = test::read_reference(root + name);
    auto model = make(name, reference.pretrained);
    Trace trace;
    trace.record("*");
    std::vector<Leaf> leaves = {leaf_of(*model, reference, is_text(name))};
    auto output = model->forward(leaves, &trace);
    for (const auto& tap : model->signature().taps) {
      CAPTURE(tap);
      CHECK(trace.activations().contains(tap));
    }
    CHECK(output.features.size(1) == model->signature().features);
    CHECK(output.logits.size(1) == model->signature().outputs());
    CHECK(model->signature().modalities.size() == 1);
    // What is only computed where nobody looks at the rest is the same.
    CHECK(difference(model->forward(leaves).logits, output.logits) < 1e-5);
  }
  auto labels = [&](const std::string& name) {
    return make(name, test::read_reference(root + name).pretrained)->signature().labels;
  };
  CHECK(labels("bert_classifier") == std::vector<std::string>{"bad", "good", "mixed"});
  CHECK(labels("vit_classifier") == std::vector<std::string>{"cat", "dog", "bird"});
  CHECK(labels("resnet").front() == "feature 1");
  CHECK(labels("resnet").size() == 8);
}

TEST_CASE("a text's padding changes nothing") {
  at::NoGradGuard no_grad;
  for (const char* name : {"bert_classifier", "roberta_classifier"}) {
    auto reference = test::read_reference(root + name);
    auto model = make(name, reference.pretrained);
    auto leaf = leaf_of(*model, reference, true);
    auto all = model->forward(std::span(&leaf, 1)).logits;
    auto length = leaf.mask[1].sum().item<int64_t>();
    Leaf alone{leaf.tensor.slice(0, 1, 2).slice(1, 0, length), {}, {}, {}};
    CHECK(difference(model->forward(std::span(&alone, 1)).logits, all.slice(0, 1, 2)) < 1e-5);
  }
}

// The names of a torchvision state dict for what transformers calls otherwise.
std::map<std::string, at::Tensor> torchvision_names(const std::map<std::string, at::Tensor>& tensors) {
  std::map<std::string, at::Tensor> out;
  for (const auto& [before, tensor] : tensors) {
    auto name = before;
    auto replace = [&name](const std::string& from, const std::string& to) {
      if (auto at = name.find(from); at != std::string::npos) name.replace(at, from.size(), to);
    };
    replace("resnet.", "");
    replace("embedder.embedder.convolution", "conv1");
    replace("embedder.embedder.normalization", "bn1");
    for (int i = 0; i < 4; ++i) replace(fmt::format("encoder.stages.{}.layers", i), fmt::format("layer{}", i + 1));
    for (int i = 0; i < 3; ++i) {
      replace(fmt::format("layer.{}.convolution", i), fmt::format("conv{}", i + 1));
      replace(fmt::format("layer.{}.normalization", i), fmt::format("bn{}", i + 1));
    }
    replace("shortcut.convolution", "downsample.0");
    replace("shortcut.normalization", "downsample.1");
    replace("classifier.1", "fc");
    out[name] = tensor;
  }
  return out;
}

TEST_CASE("plain encoders compute in half precision, close to the whole one") {
  at::NoGradGuard no_grad;
  for (const auto& name : names)
    for (auto dtype : {at::kHalf, at::kBFloat16}) {
      CAPTURE(name);
      auto reference = test::read_reference(root + name, dtype);
      auto out = make(name, reference.pretrained)->forward_raw(inputs_of(reference));
      const char* key = out.contains("logits") ? "logits" : "pooler_output";
      const auto expected = reference.at(key);
      CHECK(difference(out[key].tensor, expected) < 0.03 * expected.abs().max().item<double>());
    }
}

TEST_CASE("torchvision's names are read as well") {
  at::NoGradGuard no_grad;
  auto reference = test::read_reference(root + "resnet_classifier");
  reference.pretrained.tensors = torchvision_names(reference.pretrained.tensors);
  REQUIRE(reference.pretrained.tensors.contains("layer1.0.downsample.1.running_var"));
  auto model = make("resnet", reference.pretrained);
  CHECK(model->signature().labels == std::vector<std::string>{"cat", "dog"});
  auto out = model->forward_raw(inputs_of(reference));
  CHECK(difference(out["logits"].tensor, reference.at("logits")) < 1e-4);
}

// Of tests/fixtures/encoders/make_vgg.py.
TEST_CASE("a VGG computes what torchvision's does") {
  for (const char* name : {"vgg", "vgg_bn"}) {
    CAPTURE(name);
    auto file = load_safetensors(root + name + ".safetensors");
    Pretrained pretrained;
    pretrained.source = name;
    pretrained.config = {{"model_type", "vgg"}};
    std::map<std::string, at::Tensor> checks;
    for (const auto& [key, tensor] : file.tensors)
      (key.starts_with("check.") ? checks[key.substr(6)] : pretrained.tensors[key]) = tensor;
    VggEncoder model(pretrained);
    auto leaf = checks.at("pixels").clone().set_requires_grad(true);
    Leaf leaves[] = {{leaf, {}, {}, {}}};
    Trace trace;
    trace.record("*");
    auto output = model.forward(leaves, &trace);
    CHECK(difference(output.features, checks.at("features")) < 1e-4);
    CHECK(difference(output.logits, checks.at("logits")) < 1e-4);
    for (const auto& tap : model.signature().taps) CHECK(trace.activations().contains(tap));
    auto found = torch::autograd::grad({output.logits.select(1, -1).sum()}, {leaf})[0];
    CHECK(difference(found, checks.at("gradient")) < 1e-3 * checks.at("gradient").abs().max().item<double>());
    CHECK(model.forward_raw({{"pixel_values", checks.at("pixels")}}).at("logits").tensor.equal(output.logits.detach()));
    CHECK(model.parameters().size() + model.buffers().size() == pretrained.tensors.size());
    CHECK(model.prepare(0, std::vector<Value>{Image{at::zeros({40, 90, 3}, at::kByte)}}).tensor.size(3) == 224);
    Leaf small[] = {{at::zeros({1, 3, 2, 9}), {}, {}, {}}};
    CHECK(error_of([&] { model.forward(small); }) == has("9 x 2 is too small"));
    pretrained.tensors.erase("features.0.weight");
    CHECK(error_of([&] { VggEncoder{pretrained}; }) == has("does not hold the weights of a VGG"));
  }
}

TEST_CASE("running statistics are buffers, not parameters") {
  auto model = make("resnet", test::read_reference(root + "resnet").pretrained);
  int64_t statistics = 0;
  for (const auto& [name, tensor] : model->buffers()) statistics += name.find("running_") != std::string::npos;
  CHECK(statistics > 0);
  for (const auto& [name, tensor] : model->parameters()) CHECK(name.find("running_") == std::string::npos);
}

TEST_CASE("heads of other tasks are left out, and what does not fit is named") {
  auto bert = test::read_reference(root + "bert_classifier").pretrained;
  auto broken = [&](const std::string& name, auto change) {
    auto copy = test::read_reference(root + name).pretrained;
    change(copy);
    return error_of([&] { make(name, copy); });
  };
  bert.config["architectures"] = {"BertForTokenClassification"};
  bert.tensors["cls.predictions.bias"] = at::zeros({4});
  CHECK(make("bert", bert)->signature().labels.front() == "feature 1");
  CHECK(broken("bert", [](auto& p) { p.tensors.erase("encoder.layer.0.output.dense.bias"); }) ==
        has("'encoder.layer.0.output.dense.bias' [8]"));
  CHECK(broken("bert", [](auto& p) { p.config["num_attention_heads"] = 3; }) == has("not a multiple"));
  CHECK(broken("bert", [](auto& p) { p.config["is_decoder"] = true; }) == has("decoders cannot be loaded"));
  CHECK(broken("roberta", [](auto& p) { p.config["pad_token_id"] = 99; }) == has("pad_token_id is 99"));
  CHECK(broken("vit", [](auto& p) { p.config["image_size"] = {16, 16, 16}; }) == has("must be height and width"));
  CHECK(broken("vit", [](auto& p) { p.config["patch_size"] = 64; }) == has("from the patch size 64"));
  CHECK(broken("resnet", [](auto& p) { p.config["layer_type"] = "wide"; }) == has("must be bottleneck or basic"));
  CHECK(broken("resnet", [](auto& p) { p.config["depths"] = {1}; }) == has("one of each per stage"));
  auto model = make("roberta", test::read_reference(root + "roberta").pretrained);
  Leaf longer{at::zeros({1, 17, 8}), {}, {}, {}};
  CHECK(error_of([&] { model->encode(0, longer, nullptr); }) ==
        has("'text' has 17 tokens, and the model has positions for 16"));
}

}  // namespace
}  // namespace multiviz
