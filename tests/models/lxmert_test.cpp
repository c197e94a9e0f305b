#include "models/lxmert.h"

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

constexpr const char* root = "tests/fixtures/lxmert/";

RawInputs inputs_of(const Reference& reference) {
  RawInputs out;
  for (const char* name :
       {"input_ids", "attention_mask", "token_type_ids", "visual_feats", "visual_pos", "visual_attention_mask"})
    out[name] = reference.at(name);
  return out;
}

std::vector<Leaf> leaves_of(const Model& model, const Reference& reference) {
  Leaf regions;
  regions.tensor = at::cat({reference.at("visual_feats"), reference.at("visual_pos")}, 2);
  regions.mask = reference.at("visual_attention_mask").to(at::kBool);
  return {regions, test::word_leaf(model, reference, "word_embeddings.weight")};
}

// The expected tensors are those of tests/fixtures/lxmert/make_lxmert.py.
TEST_CASE("LXMERT computes what transformers does") {
  at::NoGradGuard no_grad;
  for (std::string name : {"small", "deep", "shallow"}) {
    INFO(name);
    auto reference = test::read_reference(root + name);
    Lxmert model(reference.pretrained);
    auto out = model.forward_raw(inputs_of(reference));
    for (const char* key : {"question_answering_score", "features"})
      CHECK(difference(out[key].tensor, reference.at(key)) < 1e-4);
    auto words = reference.at("attention_mask").to(at::kBool);
    auto regions = reference.at("visual_attention_mask").to(at::kBool);
    for (std::string key : {"language_hidden_states", "vision_hidden_states", "language_attentions",
                            "vision_attentions", "cross_encoder_attentions"}) {
      CAPTURE(key);
      auto expected = reference.list(key);
      REQUIRE(out[key].items.size() == expected.size());
      const auto& real = key.starts_with("vision") ? regions : words;
      for (size_t i = 0; i < expected.size(); ++i)
        CHECK(difference_at(real, out[key].items[i].tensor, expected[i]) < 1e-4);
    }
  }
}

TEST_CASE("LXMERT's first and second derivatives are those of transformers, by fused and by plain attention") {
  for (std::string name : {"small", "deep"}) {
    auto reference = test::read_reference(root + name);
    Lxmert model(reference.pretrained);
    auto leaves = leaves_of(model, reference);
    int64_t width = reference.at("visual_feats").size(2);
    auto scale = [&](const char* key) { return 1e-3 * reference.at(key).abs().max().item<double>(); };
    for (bool announced : {false, true}) {
      INFO(name);
      CAPTURE(announced);
      auto found = test::derivatives(model, leaves, 1, {0}, model.signature().outputs() - 1, announced);
      CHECK(difference(found.first[1], reference.at("gradient.words")) < scale("gradient.words"));
      CHECK(difference(found.first[0].slice(2, 0, width), reference.at("gradient.pixels")) < scale("gradient.pixels"));
      CHECK(difference(found.second[0].slice(2, 0, width), reference.at("second.pixels")) < scale("second.pixels"));
    }
  }
}

TEST_CASE("LXMERT's pairs are those of single inputs, also across numbers of regions") {
  at::NoGradGuard no_grad;
  auto reference = test::read_reference(std::string(root) + "small");
  Lxmert model(reference.pretrained);
  auto leaves = leaves_of(model, reference);
  std::vector<Encoding> encodings = {model.encode(0, leaves[0], nullptr), model.encode(1, leaves[1], nullptr)};
  CHECK(test::grid_difference(model, encodings, 0, 1) < 1e-5);
  auto whole = model.forward(leaves).logits;
  // The third row alone, without the padding that the batch gave it: 2 regions, 3 words.
  std::vector<Leaf> alone = {{leaves[0].tensor.slice(0, 2).slice(1, 0, 2), {}, {}, {}},
                             {leaves[1].tensor.slice(0, 2).slice(1, 0, 3), {}, {}, {}}};
  CHECK(difference(model.forward(alone).logits[0], whole[2]) < 1e-5);
}

TEST_CASE("regions are a time series, padded to the most of a batch") {
  auto reference = test::read_reference(std::string(root) + "small");
  Lxmert model(reference.pretrained);
  auto frames = [](int64_t count, int64_t width) { return TimeSeries{at::ones({count, width}), {}, {}, {}}; };
  std::vector<Value> values = {frames(3, 24), frames(1, 24)}, narrow = {frames(3, 20)}, none = {frames(0, 24)};
  auto leaf = model.prepare(0, values);
  CHECK(leaf.tensor.sizes() == at::IntArrayRef({2, 3, 24}));
  CHECK(leaf.mask.sum(1).equal(at::tensor({3, 1}, at::kLong)));
  CHECK(error_of([&] { model.prepare(0, narrow); }) ==
        has("20 features and 4 numbers of its box, [R, 24], not [3, 20]"));
  CHECK(error_of([&] { model.prepare(0, none); }) == has("at least one region"));
  std::vector<Value> text = {Text{"red"}};
  CHECK(error_of([&] { model.prepare(0, text); }) == has("was given text"));
}

TEST_CASE("LXMERT's taps are all recorded; 16 bits agree with 32") {
  at::NoGradGuard no_grad;
  auto reference = test::read_reference(std::string(root) + "deep");
  Lxmert model(reference.pretrained);
  test::check_taps(model, leaves_of(model, reference));
  test::check_16_bits<Lxmert>(std::string(root) + "deep", inputs_of(reference), "question_answering_score", 0.02, 0.15);
}

TEST_CASE("LXMERT checkpoints that do not fit are errors, weights of pretraining are not") {
  auto reference = test::read_reference(std::string(root) + "small");
  auto broken = [&](auto change) { return test::complaint<Lxmert>(reference, change); };
  CHECK(broken([](auto& p) { p.tensors["cls.predictions.bias"] = at::zeros({9}); }) == "");
  CHECK(broken([](auto& p) { p.tensors.erase("answer_head.logit_fc.3.weight"); }) == has("no question answering head"));
  CHECK(broken([](auto& p) { p.tensors.erase("answer_head.logit_fc.3.bias"); }) == has("1 tensor is missing"));
  CHECK(broken([](auto& p) { p.config["x_layers"] = 100000; }) == has("give 0 to 1000"));
  CHECK(broken([](auto& p) { p.config["x_layers"] = 1; }) == has("are not part of the model"));
}

}  // namespace
}  // namespace multiviz
