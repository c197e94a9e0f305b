#include "models/mdetr_masks.h"

#include <ATen/core/grad_mode.h>
#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>

#include <set>

#include "core/error.h"
#include "io/json.h"
#include "models/load.h"
#include "models/mdetr.h"
#include "models/weight_files.h"
#include "tests/models/mdetr_fixture.h"
#include "tests/models/parity.h"
#include "tests/scratch.h"

namespace multiviz {
namespace {

using test::difference;
using test::find;

// Numbers in [-1, 1], and weights made of them, as make_mdetr.py's noise and settle_by_formula have them.
at::Tensor noise(at::IntArrayRef shape, int64_t number) {
  auto far = at::arange(c10::multiply_integers(shape), at::kDouble).mul(12.9898).add(number).sin().mul(43758.5453);
  return (2 * (far - far.floor()) - 1).view(shape);
}

Pretrained segmentation() {
  Pretrained out;
  auto settings = load_json(std::string(test::mdetr_root) + "phrasecut/settings.json");
  out.source = "phrasecut";
  out.config = settings["config"];
  int64_t number = 0;
  for (const auto& [name, size] : settings["shapes"].items()) {
    auto shape = size.get<std::vector<int64_t>>();
    auto values = noise(shape, number++);
    bool about_one = name.ends_with("weight") || name.ends_with("running_var");
    if (shape.size() > 1)
      values = values * std::sqrt(3.0 * static_cast<double>(shape[0]) / static_cast<double>(values.numel()));
    else
      values = about_one ? 1 + 0.2 * values : 0.3 * values;
    out.tensors[name] = values.to(at::kFloat);
  }
  return out;
}

TEST_CASE("a model for segmentation, its backbone dilated, draws and finds what its authors' code does") {
  auto checks = load_safetensors(std::string(test::mdetr_root) + "phrasecut/check.safetensors").tensors;
  auto model = std::make_shared<Mdetr>(segmentation());
  auto [samples, mask] = test::pixels_of({{40, 70}, {64, 33}});
  samples.requires_grad_();
  RawInputs inputs = {{"samples", samples},
                      {"mask", mask},
                      {"input_ids", checks.at("input_ids")},
                      {"attention_mask", checks.at("attention_mask")}};
  auto out = model->forward_raw(inputs);
  const auto& drawn = find(out, "pred_masks").tensor;
  CHECK(drawn.sizes() == at::IntArrayRef({2, 2, 16, 18}));
  for (const char* name : {"pred_logits", "pred_boxes", "pred_masks"}) {
    CAPTURE(name);
    CHECK(difference(find(out, name).tensor, checks.at(name)) < 1e-4);
  }
  auto slope = torch::autograd::grad({(drawn * noise(drawn.sizes(), 0)).sum()}, {samples})[0];
  const auto& expected = checks.at("gradient");
  CHECK(difference(slope.slice(2, 0, {}, 8).slice(3, 0, {}, 8), expected) < 1e-3 * expected.abs().max().item<double>());

  at::NoGradGuard no_grad;
  std::set<std::string> names, saved;
  for (const auto& [name, _] : segmentation().tensors) names.insert(name);
  Scratch folder;
  save_model(*model, folder / "saved.pth");
  for (const auto& [name, _] : load_weight_files(folder / "saved.pth").tensors) saved.insert(name);
  CHECK(saved == names);
  auto again = std::dynamic_pointer_cast<Mdetr>(load_model(folder / "saved.pth", ""));
  CHECK(again->signature().labels == std::vector<std::string>{"slot 1", "slot 2"});
  CHECK(find(again->forward_raw(inputs), "pred_masks").tensor.equal(drawn));

  auto narrow = segmentation();
  narrow.dtype = at::kBFloat16;
  auto in_16_bits = find(Mdetr(narrow).forward_raw(inputs), "pred_masks").tensor;
  CHECK((in_16_bits - drawn).norm().item<double>() < 0.2 * drawn.norm().item<double>());
}

TEST_CASE("models for segmentation that do not fit are errors") {
  auto whole = segmentation();
  auto broken = [&](auto change) {
    auto copy = whole;
    change(copy);
    return error_of([&] { Mdetr model(copy); });
  };
  CHECK(broken([](auto& p) { p.config["nheads"] = 4; }) == has("heads in multiples of 8, not 128 and 4"));
  CHECK(broken([](auto& p) { p.tensors.erase("mask_head.gn2.bias"); }) == has("is missing: 'mask_head.gn2.bias'"));
  CHECK(broken([](auto& p) {
          p.tensors["mask_head.adapter1.weight"] = at::zeros({64, 3, 1, 1});
        }) == has("instead of [64, 24, 1, 1]"));
  CHECK(broken([](auto& p) {
          p.tensors["detr.transformer.CLS.weight"] = at::zeros({1, 128});
        }) == has("is for segmentation and for answers or the contrastive loss"));
  CHECK(broken([](auto& p) {
          p.tensors["detr.qa_embed.weight"] = at::zeros({1, 128});
          p.tensors["detr.answer_head.weight"] = at::zeros({3, 128});
          p.tensors["detr.answer_head.bias"] = at::zeros({3});
        }) == has("is for segmentation and for answers"));
}

}  // namespace
}  // namespace multiviz
