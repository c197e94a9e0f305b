#include "models/vilt.h"

#include <ATen/core/grad_mode.h>
#include <doctest/doctest.h>

#include "core/error.h"
#include "tests/models/parity.h"
#include "tests/scratch.h"

namespace multiviz {
namespace {

using test::difference;
using test::Reference;

constexpr const char* root = "tests/fixtures/vilt/";

RawInputs inputs_of(const Reference& reference) {
  RawInputs out;
  for (const char* name : {"input_ids", "attention_mask", "token_type_ids", "pixel_values", "pixel_mask"})
    out[name] = reference.at(name);
  return out;
}

void check_layers(const RawOutput& got, const std::vector<at::Tensor>& expected) {
  REQUIRE(got.items.size() == expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i);
    CHECK(difference(got.items[i].tensor, expected[i]) < 1e-4);
  }
}

// The expected tensors are those of tests/fixtures/vilt/make_vilt.py.
TEST_CASE("ViLT with one image computes what transformers does") {
  at::NoGradGuard no_grad;
  for (std::string name : {"question_answering", "retrieval"}) {
    INFO(name);
    auto reference = test::read_reference(root + name);
    Vilt model(reference.pretrained);
    auto out = model.forward_raw(inputs_of(reference));
    CHECK(difference(out["logits"].tensor, reference.at("logits")) < 1e-4);
    CHECK(difference(out["features"].tensor, reference.at("features")) < 1e-4);
    check_layers(out["hidden_states"], reference.list("hidden_states"));
    check_layers(out["attentions"], reference.list("attentions"));
  }
}

TEST_CASE("ViLT with two images computes what transformers does") {
  at::NoGradGuard no_grad;
  auto reference = test::read_reference(std::string(root) + "nlvr2");
  Vilt model(reference.pretrained);
  auto out = model.forward_raw(inputs_of(reference));
  CHECK(difference(out["logits"].tensor, reference.at("logits")) < 1e-4);
  CHECK(difference(out["features"].tensor, reference.at("features")) < 1e-4);
  for (int64_t i = 0; i < 2; ++i) {
    auto prefix = fmt::format("image{}.", i + 1);
    check_layers(out["hidden_states"].items[i], reference.list(prefix + "hidden_states"));
    check_layers(out["attentions"].items[i], reference.list(prefix + "attentions"));
  }
}

std::vector<Leaf> leaves_of(const Model& model, const Reference& reference) {
  std::vector<Leaf> leaves(model.signature().modalities.size());
  leaves.back() = test::word_leaf(model, reference, "word_embeddings.weight");
  auto pixels = reference.at("pixel_values"), mask = reference.at("pixel_mask").to(at::kBool);
  for (size_t i = 0; i + 1 < leaves.size(); ++i) {
    bool several = pixels.dim() == 5;
    leaves[i].tensor = several ? pixels.select(1, static_cast<int64_t>(i)) : pixels;
    leaves[i].mask = several ? mask.select(1, static_cast<int64_t>(i)) : mask;
  }
  return leaves;
}

TEST_CASE("ViLT's first and second derivatives are those of transformers, by fused and by plain attention") {
  for (std::string name : {"question_answering", "retrieval", "nlvr2"}) {
    auto reference = test::read_reference(root + name);
    Vilt model(reference.pretrained);
    auto leaves = leaves_of(model, reference);
    size_t words = leaves.size() - 1;
    std::vector<size_t> images(words);
    for (size_t i = 0; i < words; ++i) images[i] = i;
    for (bool announced : {false, true}) {
      INFO(name);
      CAPTURE(announced);
      auto found = test::derivatives(model, leaves, words, images, model.signature().outputs() - 1, announced);
      CHECK(difference(found.first[words], reference.at("gradient.words")) <
            1e-3 * reference.at("gradient.words").abs().max().item<double>());
      for (size_t i = 0; i < words; ++i) {
        auto pick = [&](const char* what) {
          auto whole = reference.at(what);
          return words > 1 ? whole.select(1, static_cast<int64_t>(i)) : whole;
        };
        auto first = pick("gradient.pixels"), second = pick("second.pixels");
        CHECK(difference(found.first[i], first) < 1e-3 * first.abs().max().item<double>());
        CHECK(difference(found.second[i], second) < 1e-3 * second.abs().max().item<double>());
      }
    }
  }
}

TEST_CASE("ViLT's pairs are those of single inputs, also across batches of other lengths") {
  at::NoGradGuard no_grad;
  auto reference = test::read_reference(std::string(root) + "question_answering");
  Vilt model(reference.pretrained);
  auto leaves = leaves_of(model, reference);
  auto images = model.encode(0, leaves[0], nullptr), questions = model.encode(1, leaves[1], nullptr);
  std::vector<Encoding> encodings = {images, questions};
  CHECK(test::grid_difference(model, encodings, 0, 1) < 1e-5);
  CHECK(test::grid_difference(model, encodings, 1, 0) < 1e-5);
  // The second image alone, without the padding that the batch gave it: [12, 20] pixels.
  Leaf alone{leaves[0].tensor.slice(0, 1, 2).slice(2, 0, 12).slice(3, 0, 20), {}, {}, {}};
  std::vector<Encoding> parts = {model.encode(0, alone, nullptr), images.slice(2, 3)};
  CHECK(parts[0].tensors[0].size(1) != parts[1].tensors[0].size(1));
  std::vector<Encoding> joined = {concatenate(parts), questions.slice(1, 3)};
  auto whole = model.forward(leaves).logits;
  CHECK(difference(model.fuse(joined, nullptr).logits, whole.slice(0, 1, 3)) < 1e-5);
}

TEST_CASE("ViLT takes max_image_length patches of an image") {
  at::NoGradGuard no_grad;
  auto reference = test::read_reference(std::string(root) + "question_answering");
  reference.pretrained.config["max_image_length"] = 10;
  Vilt model(reference.pretrained);
  auto leaves = leaves_of(model, reference);
  CHECK(model.encode(0, leaves[0], nullptr).tensors[0].size(1) == 11);
  CHECK(model.forward(leaves).logits.isfinite().all().item<bool>());
}

TEST_CASE("ViLT in 16 bits agrees with 32") {
  at::NoGradGuard no_grad;
  const std::string folder = std::string(root) + "question_answering";
  test::check_16_bits<Vilt>(folder, inputs_of(test::read_reference(folder)), "logits", 0.01, 0.08);
}

TEST_CASE("ViLT's taps are all recorded, and labels come from the configuration") {
  at::NoGradGuard no_grad;
  for (std::string name : {"question_answering", "retrieval", "nlvr2"}) {
    auto reference = test::read_reference(root + name);
    Vilt model(reference.pretrained);
    test::check_taps(model, leaves_of(model, reference));
  }
  Vilt model(test::read_reference(std::string(root) + "question_answering").pretrained);
  CHECK(model.signature().labels == std::vector<std::string>{"yes", "no", "red", "blue", "2"});
  CHECK(model.signature().modalities[1].name == "question");
}

TEST_CASE("raw values are tokenised and processed by what the folder says") {
  auto reference = test::read_reference(std::string(root) + "question_answering");
  std::vector<Value> texts = {Text{"red cube"}}, images = {Image{at::zeros({16, 16, 3}, at::kByte)}};
  {
    Vilt model(reference.pretrained);
    CHECK(error_of([&] { model.prepare(1, texts); }) == has("no tokenizer files"));
    CHECK(error_of([&] { model.prepare(0, images); }) == has("no preprocessor_config.json"));
  }
  int64_t most = 0;
  reference.pretrained.tokenize = [&](std::span<const std::string>, int64_t max_length) {
    most = max_length;
    return TokenBatch{at::tensor({2, 9, 10, 3}, at::kLong).view({1, 4}),
                      {},
                      at::ones({1, 4}, at::kBool),
                      at::tensor({-1, 0, 1, -1}, at::kLong).view({1, 4})};
  };
  Vilt model(reference.pretrained);
  auto leaf = model.prepare(1, texts);
  CHECK(most == 40);
  CHECK(leaf.tensor.sizes() == at::IntArrayRef({1, 4, 16}));
  CHECK(leaf.atoms[0][2].item<int64_t>() == 1);
  CHECK(error_of([&] { model.prepare(1, images); }) == "'question' takes text, and was given image");
}

TEST_CASE("checkpoints that do not fit, and inputs that make no sense, are errors") {
  auto reference = test::read_reference(std::string(root) + "question_answering");
  auto broken = [&](auto change) { return test::complaint<Vilt>(reference, change); };
  CHECK(broken([](auto& p) { p.tensors.erase("vilt.layernorm.bias"); }) ==
        has("1 tensor is missing: 'vilt.layernorm.bias' [16]"));
  CHECK(broken([](auto& p) { p.tensors["vilt.extra"] = at::zeros({1}); }) ==
        has("1 are not part of the model: vilt.extra"));
  CHECK(broken([](auto& p) { p.config["hidden_size"] = 32; }) == has("do not fit"));
  CHECK(broken([](auto& p) { p.config["hidden_size"] = -1; }) == has("'hidden_size' is -1"));
  CHECK(broken([](auto& p) { p.config["num_attention_heads"] = 5; }) == has("not a multiple"));
  CHECK(broken([](auto& p) { p.config["hidden_act"] = "gelo"; }) == has("did you mean 'gelu'?"));
  CHECK(broken([](auto& p) { p.tensors.erase("classifier.3.weight"); }) == has("has no head"));
  Vilt model(reference.pretrained);
  auto inputs = inputs_of(reference);
  inputs["pixel_value"] = inputs["pixel_values"];
  CHECK(error_of([&] { model.forward_raw(inputs); }) ==
        has("has no input 'pixel_value'; did you mean 'pixel_values'?"));
  inputs.erase("pixel_value");
  inputs["input_ids"] = at::zeros({3, 41}, at::kLong);
  inputs["attention_mask"] = at::ones({3, 41}, at::kLong);
  inputs.erase("token_type_ids");
  CHECK(error_of([&] { model.forward_raw(inputs); }) == has("has 41 tokens, and the model has positions for 40"));
  inputs["pixel_values"] = at::zeros({3, 1, 16, 16});
  CHECK(error_of([&] { model.forward_raw(inputs); }) == has("the image leaf"));
}

}  // namespace
}  // namespace multiviz
