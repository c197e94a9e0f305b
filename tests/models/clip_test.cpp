#include "models/clip.h"

#include <ATen/core/grad_mode.h>
#include <doctest/doctest.h>

#include "core/error.h"
#include "tests/models/parity.h"
#include "tests/scratch.h"

namespace multiviz {
namespace {

using test::difference;
using test::difference_at;
using test::Reference;

constexpr const char* root = "tests/fixtures/clip/";

RawInputs inputs_of(const Reference& reference) {
  RawInputs out;
  for (const char* name : {"attention_mask", "pixel_values"}) out[name] = reference.at(name);
  out["input_ids"] = reference.at("input_ids").to(at::kLong);
  return out;
}

std::vector<Leaf> leaves_of(const Model& model, const Reference& reference) {
  return {{reference.at("pixel_values"), {}, {}, {}}, test::word_leaf(model, reference, "token_embedding.weight")};
}

// The expected tensors are those of tests/fixtures/clip/make_clip.py.
TEST_CASE("CLIP computes what transformers does") {
  at::NoGradGuard no_grad;
  for (std::string name : {"patch4", "patch8"}) {
    INFO(name);
    auto reference = test::read_reference(root + name);
    Clip model(reference.pretrained);
    auto out = model.forward_raw(inputs_of(reference));
    for (const char* key : {"logits_per_image", "image_embeds", "text_embeds"}) {
      CAPTURE(key);
      CHECK(difference(out[key].tensor, reference.at(key)) < 1e-4);
    }
    for (std::string side : {"text", "vision"}) {
      auto& part = out[side + "_model_output"].fields;
      auto real = side == "text" ? reference.at("attention_mask").to(at::kBool)
                                 : at::ones(part["last_hidden_state"].tensor.sizes().slice(0, 2), at::kBool);
      CHECK(difference(part["pooler_output"].tensor, reference.at(side + ".pooler_output")) < 1e-4);
      CHECK(difference_at(real, part["last_hidden_state"].tensor, reference.at(side + ".last_hidden_state")) < 1e-4);
      for (const char* key : {"hidden_states", "attentions"}) {
        auto expected = reference.list(side + "." + key);
        REQUIRE(part[key].items.size() == expected.size());
        for (size_t i = 0; i < expected.size(); ++i)
          CHECK(difference_at(real, part[key].items[i].tensor, expected[i]) < 1e-4);
      }
    }
  }
}

TEST_CASE("CLIP's first and second derivatives are those of transformers, by fused and by plain attention") {
  for (std::string name : {"patch4", "patch8"}) {
    auto reference = test::read_reference(root + name);
    Clip model(reference.pretrained);
    auto leaves = leaves_of(model, reference);
    auto scale = [&](const char* key) { return 1e-3 * reference.at(key).abs().max().item<double>(); };
    for (bool announced : {false, true}) {
      INFO(name);
      CAPTURE(announced);
      auto found = test::derivatives(model, leaves, 1, {0}, 1, announced);
      CHECK(difference(found.first[1], reference.at("gradient.words")) < scale("gradient.words"));
      CHECK(difference(found.first[0], reference.at("gradient.pixels")) < scale("gradient.pixels"));
      CHECK(difference(found.second[0], reference.at("second.pixels")) < scale("second.pixels"));
    }
  }
}

TEST_CASE("CLIP's grid is that of single pairs, and its diagonal what the model says of each") {
  at::NoGradGuard no_grad;
  auto reference = test::read_reference(std::string(root) + "patch4");
  Clip model(reference.pretrained);
  auto leaves = leaves_of(model, reference);
  std::vector<Encoding> encodings = {model.encode(0, leaves[0], nullptr), model.encode(1, leaves[1], nullptr)};
  CHECK(test::grid_difference(model, encodings, 0, 1) < 1e-5);
  CHECK(test::grid_difference(model, encodings, 1, 0) < 1e-5);
  auto logits = model.forward(leaves).logits;
  CHECK(difference(logits.select(1, 1), reference.at("logits_per_image").diagonal()) < 1e-4);
  CHECK(logits.select(1, 0).abs().max().item<double>() == 0);
  // One image stands for all rows.
  std::vector<Encoding> one = {encodings[0].slice(1, 2), encodings[1]};
  CHECK(difference(model.fuse(one, nullptr).logits.select(1, 1), reference.at("logits_per_image")[1]) < 1e-4);
}

TEST_CASE("captions become CLIP's labels") {
  at::NoGradGuard no_grad;
  auto reference = test::read_reference(std::string(root) + "patch4");
  auto ids = reference.at("input_ids").to(at::kLong);
  auto mask = reference.at("attention_mask").to(at::kBool);
  reference.pretrained.options["captions"] = {"first", "second", "third"};
  CHECK(error_of([&] { Clip model(reference.pretrained); }) == has("no tokenizer files"));
  int64_t call = 0;
  reference.pretrained.tokenize = [&](std::span<const std::string> texts, int64_t) {
    CHECK(texts.size() == 1);
    auto row = call++;
    return TokenBatch{
        ids.slice(0, row, row + 1), {}, mask.slice(0, row, row + 1), at::zeros({1, ids.size(1)}, at::kLong)};
  };
  Clip model(reference.pretrained);
  CHECK(model.signature().labels == std::vector<std::string>{"first", "second", "third"});
  CHECK(model.signature().modalities.size() == 1);
  auto leaves = leaves_of(model, reference);
  leaves.pop_back();
  Trace trace;
  trace.record("*");
  auto output = model.forward(leaves, &trace);
  CHECK(difference(output.logits, reference.at("logits_per_image")) < 1e-4);
  CHECK(difference(output.features, reference.at("image_embeds")) < 1e-4);
  for (const auto& tap : model.signature().taps) CHECK(trace.activations().contains(tap));
  auto again = reference.pretrained;
  again.options.clear(), again.config = model.config(), call = 0;
  CHECK(Clip(again).signature().labels == model.signature().labels);
  reference.pretrained.options["captions"] = {"first", "first"};
  CHECK(error_of([&] { Clip twice(reference.pretrained); }) == has("give each of them once"));
}

TEST_CASE("CLIP's taps are all recorded; 16 bits agree with 32") {
  at::NoGradGuard no_grad;
  auto reference = test::read_reference(std::string(root) + "patch8");
  Clip model(reference.pretrained);
  test::check_taps(model, leaves_of(model, reference));
  test::check_16_bits<Clip>(std::string(root) + "patch8", inputs_of(reference), "logits_per_image", 0.02, 0.15);
}

TEST_CASE("CLIP checkpoints that do not fit, and images of another size, are errors") {
  auto reference = test::read_reference(std::string(root) + "patch4");
  auto broken = [&](auto change) { return test::complaint<Clip>(reference, change); };
  CHECK(broken([](auto& p) { p.tensors.erase("logit_scale"); }) == has("1 tensor is missing: 'logit_scale' []"));
  CHECK(broken([](auto& p) { p.config["vision_config"]["patch_size"] = 5; }) == has("do not fit"));
  CHECK(broken([](auto& p) { p.config["vision_config"]["patch_size"] = 500; }) == has("is smaller than a patch"));
  Clip model(reference.pretrained);
  auto inputs = inputs_of(reference);
  inputs["pixel_values"] = at::zeros({3, 3, 20, 16});
  CHECK(error_of([&] { model.forward_raw(inputs); }) == has("is [B, 3, 16, 16], not [3, 3, 20, 16]"));
  inputs.erase("pixel_values");
  CHECK(error_of([&] { model.forward_raw(inputs); }) == has("needs the input 'pixel_values'"));
}

}  // namespace
}  // namespace multiviz
