#include "models/clip_openai.h"

#include <ATen/core/grad_mode.h>
#include <doctest/doctest.h>

#include "core/error.h"
#include "io/torch_file.h"
#include "models/clip.h"
#include "models/load.h"
#include "tests/models/parity.h"
#include "tests/models/recipe.h"
#include "tests/scratch.h"

namespace multiviz {
namespace {

using test::difference;
constexpr const char* root = "tests/fixtures/clip/";

// Weights of tests/fixtures/clip/make_openai.py in a file of torch.save, which also says what they compute.
struct OpenAi : Scratch {
  explicit OpenAi(const std::string& name)
      : weights(test::cook(root + name + ".recipe.safetensors")),
        checks(load_safetensors(root + name + ".check.safetensors").tensors) {
    checks["pixel_values"] = weights.at("pixel_values");
    weights.erase("pixel_values");
  }
  std::string write(bool half = false) const {
    NamedTensors named(weights.begin(), weights.end());
    if (half)
      for (auto& [_, tensor] : named) tensor = tensor.to(at::kHalf);
    named.emplace_back("visual.layer1.0.bn1.num_batches_tracked", at::zeros({}, at::kLong));
    save_state_dict(*this / "clip.pt", named);
    return *this / "clip.pt";
  }
  RawOutputs run(const Model& model) const {
    return dynamic_cast<const RawForward&>(model).forward_raw(
        {{"input_ids", checks.at("input_ids").to(at::kLong)}, {"pixel_values", checks.at("pixel_values")}});
  }
  std::map<std::string, at::Tensor> weights, checks;
};

TEST_CASE("CLIP in OpenAI's layout, ResNet and ViT, computes what OpenAI's does") {
  for (std::string name : {"openai_resnet", "openai_vit"}) {
    CAPTURE(name);
    OpenAi files(name);
    auto model = load_model(files.write(), "");
    for (auto& [key, output] : files.run(*model))
      if (files.checks.contains(key)) CHECK(difference(output.tensor, files.checks.at(key)) < 1e-4);
    auto half = load_model(files.write(true), "");
    CHECK(difference(files.run(*half)["image_embeds"].tensor, files.checks.at("image_embeds")) < 1e-2);

    auto pixels = files.checks.at("pixel_values").clone().set_requires_grad(true);
    auto logits = dynamic_cast<const RawForward&>(*model).forward_raw(
        {{"input_ids", files.checks.at("input_ids").to(at::kLong)}, {"pixel_values", pixels}})["logits_per_image"];
    auto gradient = torch::autograd::grad({logits.tensor[0][1]}, {pixels})[0];
    gradient = gradient.slice(2, 0, INT64_MAX, 4).slice(3, 0, INT64_MAX, 4);
    CHECK(difference(gradient, files.checks.at("gradient")) < 1e-3);
  }
}

TEST_CASE("CLIP in OpenAI's layout is saved in it") {
  for (std::string name : {"openai_resnet", "openai_vit"}) {
    CAPTURE(name);
    OpenAi files(name);
    auto model = load_model(files.write(), "");
    save_model(*model, files / "saved.pt");
    auto saved = load_state_dict(files / "saved.pt");
    CHECK(saved.size() == files.weights.size());
    for (const auto& [key, tensor] : files.weights) {
      CAPTURE(key);
      REQUIRE(saved.contains(key));
      CHECK(at::equal(saved.at(key), tensor));
    }
  }
}

TEST_CASE("a CLIP with a ResNet factorises, has its taps, and is saved and loaded") {
  at::NoGradGuard no_grad;
  OpenAi files("openai_resnet");
  auto model = load_model(files.write(), "", {{"tokenizer", std::string(root) + "patch4"}});
  CHECK(model->parameters().size() + model->buffers().size() ==
        files.weights.size() + 2 * 2 * 2);  // in_proj, weight and bias, of two layers become three
  for (const auto& [name, _] : model->buffers()) CHECK(name == has(".running_"));
  std::vector<Value> images = {Image{at::randint(0, 256, {40, 70, 3}, at::kByte)},
                               Image{at::randint(0, 256, {64, 64, 3}, at::kByte)}};
  std::vector<Value> texts = {Text{"a red cube"}, Text{"the blue sphere"}};
  std::vector<std::vector<Value>> values = {images, texts};
  Trace trace;
  trace.record("*");
  auto output = model->forward(values, &trace);
  for (const auto& tap : model->signature().taps) CHECK(trace.activations().contains(tap));
  CHECK(trace.at("image.pool.attention").sizes() == at::IntArrayRef({2, 2, 1, 5}));
  std::vector<Encoding> encodings;
  for (size_t m = 0; m < 2; ++m) encodings.push_back(model->encode(m, model->prepare(m, values[m]), nullptr));
  CHECK(test::grid_difference(*model, encodings, 0, 1) < 1e-5);

  save_model(*model, files / "saved");
  auto again = load_model(files / "saved", "", {{"tokenizer", std::string(root) + "patch4"}});
  CHECK(difference(again->forward(values).logits, output.logits) < 1e-6);
}

TEST_CASE("files that only look like OpenAI's are refused") {
  OpenAi files("openai_resnet");
  auto refusal = [&](const std::string& without, const std::string& name = "", const at::Tensor& tensor = {}) {
    auto weights = files.weights;
    weights.erase(without);
    if (!name.empty()) weights[name] = tensor;
    save_state_dict(files / "bad.pt", NamedTensors(weights.begin(), weights.end()));
    return error_of([&] { load_model(files / "bad.pt", ""); });
  };
  CHECK(refusal("text_projection") == has("has no 'text_projection'"));
  CHECK(refusal("visual.attnpool.positional_embedding") == has("has no 'visual.attnpool.positional_embedding'"));
  CHECK(refusal("", "visual.attnpool.positional_embedding", at::zeros({4, 128})) == has("those of a square"));
  CHECK(refusal("", "transformer.resblocks.0.attn.in_proj_weight", at::zeros({7, 128})) == has("not three matrices"));
  CHECK(refusal("visual.layer2.0.conv2.weight") == has("vision_model.layer2.0.conv2.weight"));
  CHECK(refusal("", "visual.extra", at::zeros({1})) == has("vision_model.extra"));
  CHECK(error_of([&] {
          auto model = load_model(files.write(), "");
          model->prepare(1, std::vector<Value>{Text{"a"}});
        }) == has("has no tokenizer files"));
  CHECK(error_of([&] {
          load_model(files.write(), "", {{"tokenizer", "tests/fixtures/regions"}});
        }) == has("'tests/fixtures/regions' has no tokenizer files"));
}

}  // namespace
}  // namespace multiviz
