#include "models/mdetr.h"

#include <ATen/core/grad_mode.h>
#include <doctest/doctest.h>

#include "core/error.h"
#include "io/torch_file.h"
#include "models/load.h"
#include "models/mdetr_checkpoint.h"
#include "tests/models/mdetr_fixture.h"
#include "tests/models/parity.h"
#include "tests/scratch.h"

namespace multiviz {
namespace {

using test::difference;
using test::find;
using test::mdetr_root;
using test::pixels_of;

struct Fixture {
  std::shared_ptr<Mdetr> model;
  test::Reference reference;  // its checks alone
  std::vector<std::pair<int64_t, int64_t>> sizes;
};

nlohmann::json options_of(const std::string& name) {
  auto options = nlohmann::json::object();
  if (name != "clevr") options["tokenizer"] = std::string(mdetr_root) + "clevr";
  return options;
}

std::vector<std::pair<int64_t, int64_t>> sizes_of(const std::string& name) {
  if (name == "clevr") return {{40, 70}, {64, 33}};
  if (name == "gqa") return {{65, 40}, {30, 66}};
  return {{66, 30}, {50, 80}};
}

Fixture fixture(const std::string& name, nlohmann::json more = nlohmann::json::object()) {
  auto options = options_of(name);
  options.update(more);
  Fixture out;
  out.model = std::dynamic_pointer_cast<Mdetr>(load_model(mdetr_root + name + "/checkpoint.pth", "", options));
  out.reference.checks = load_safetensors(mdetr_root + name + "/check.safetensors").tensors;
  out.sizes = sizes_of(name);
  return out;
}

RawInputs inputs_of(const Fixture& from) {
  auto [samples, mask] = pixels_of(from.sizes);
  return {{"samples", samples},
          {"mask", mask},
          {"input_ids", from.reference.at("input_ids")},
          {"attention_mask", from.reference.at("attention_mask")}};
}

// Leaves of the given words, images without padding.
std::vector<Leaf> leaves_of(const Mdetr& model, const Fixture& from) {
  at::Tensor table;
  for (const auto& [name, tensor] : model.parameters())
    if (name.ends_with("word_embeddings.weight")) table = tensor;
  auto ids = from.reference.at("gradient.input_ids").to(at::kLong);
  std::vector<Leaf> leaves(2);
  leaves[0].tensor = pixels_of({from.sizes[0], from.sizes[0]}).first;
  leaves[1].tensor = at::embedding(table, ids);
  leaves[1].mask = ids.ne(1);
  return leaves;
}

int64_t label_of(const std::string& name) { return name == "clevr" ? 5 : name == "gqa" ? 0 : 2; }

// The expected tensors are those of tests/fixtures/mdetr/make_mdetr.py, which runs the authors' code.
TEST_CASE("MDETR computes what its authors' code does, with padding, from their checkpoints") {
  at::NoGradGuard no_grad;
  for (std::string name : {"clevr", "gqa", "detection"}) {
    INFO(name);
    auto from = fixture(name);
    auto out = from.model->forward_raw(inputs_of(from));
    auto words = from.reference.at("attention_mask").to(at::kBool);
    auto cells = find(out, "mask").tensor.logical_not();
    size_t compared = 0;
    for (const auto& [key, expected] : from.reference.checks) {
      CAPTURE(key);
      auto dot = key.rfind('.');
      auto list = key.substr(0, dot);
      if (key.starts_with("gradient.") || key.starts_with("second.") || key == "input_ids" || key == "attention_mask")
        continue;
      ++compared;
      if (key == "label") {
        CHECK(difference(find(out, "logits").tensor.select(1, label_of(name)), expected) < 1e-4);
      } else if (list == "aux_boxes") {
        auto layer = std::stoul(key.substr(dot + 1));
        CHECK(difference(find(out, "aux_outputs").items.at(layer).fields.at("pred_boxes").tensor, expected) < 1e-4);
      } else if (key == "img_memory") {
        CHECK(test::difference_at(cells, find(out, key).tensor.transpose(0, 1), expected.transpose(0, 1)) < 1e-4);
      } else if (key == "text_memory_resized") {
        CHECK(test::difference_at(words, find(out, key).tensor.transpose(0, 1), expected.transpose(0, 1)) < 1e-4);
      } else if (key == "proj_tokens") {
        CHECK(test::difference_at(words, find(out, key).tensor, expected) < 1e-4);
      } else if (dot == std::string::npos) {
        CHECK(difference(find(out, key).tensor, expected) < 1e-4);
      } else {
        const auto& tensor = find(out, list).items.at(std::stoul(key.substr(dot + 1))).tensor;
        if (list.starts_with("text_"))
          CHECK(test::difference_at(words, tensor, expected) < 1e-4);
        else if (list.starts_with("encoder_"))
          CHECK(test::difference_at(cells, tensor, expected) < 1e-4);
        else
          CHECK(difference(tensor, expected) < 1e-4);
      }
    }
    CHECK(compared > 20);
  }
}

TEST_CASE("EfficientNets do not heed the setting for dilation, as in the authors' code") {
  at::NoGradGuard no_grad;
  auto plain = fixture("gqa"), dilated = fixture("gqa", {{"config", {{"dilation", true}}}});
  CHECK(find(dilated.model->forward_raw(inputs_of(plain)), "logits")
            .tensor.equal(find(plain.model->forward_raw(inputs_of(plain)), "logits").tensor));
}

TEST_CASE("MDETR's first and second derivatives are those of its authors' code, by fused and by plain attention") {
  for (std::string name : {"clevr", "gqa", "detection"}) {
    INFO(name);
    auto from = fixture(name);
    auto scale = [&](const char* key) { return 1e-3 * from.reference.at(key).abs().max().item<double>(); };
    auto some = [](const at::Tensor& x) { return x.slice(2, 0, {}, 8).slice(3, 0, {}, 8); };
    auto leaves = leaves_of(*from.model, from);
    CHECK(difference(from.model->forward(leaves).logits.select(1, label_of(name)),
                     from.reference.at("gradient.label")) < 1e-4);
    for (bool announced : {false, true}) {
      CAPTURE(announced);
      auto found = test::derivatives(*from.model, leaves, 1, {0}, label_of(name), announced);
      CHECK(difference(found.first[1], from.reference.at("gradient.words")) < scale("gradient.words"));
      CHECK(difference(some(found.first[0]), from.reference.at("gradient.pixels")) < scale("gradient.pixels"));
      CHECK(difference(some(found.second[0]), from.reference.at("second.pixels")) < scale("second.pixels"));
    }
  }
}

TEST_CASE("MDETR's pairs are those of single inputs; rows depend on no padding of image or words") {
  at::NoGradGuard no_grad;
  for (std::string name : {"clevr", "gqa"}) {
    INFO(name);
    auto from = fixture(name);
    auto leaves = leaves_of(*from.model, from);
    auto [samples, mask] = pixels_of(from.sizes);
    leaves[0] = {samples.slice(0, 0, 2), mask.slice(0, 0, 2).logical_not(), {}, {}};
    std::vector<Encoding> encodings;
    for (size_t m : {0, 1}) encodings.push_back(from.model->encode(m, leaves[m], nullptr));
    CHECK(test::grid_difference(*from.model, encodings, 0, 1) < 1e-5);
    auto whole = from.model->forward(leaves);
    for (int64_t row : {0, 1}) {
      auto [h, w] = from.sizes[static_cast<size_t>(row)];
      int64_t words = leaves[1].mask[row].sum().item<int64_t>();
      std::vector<Leaf> alone = {{samples.slice(0, row, row + 1).slice(2, 0, h).slice(3, 0, w), {}, {}, {}},
                                 {leaves[1].tensor.slice(0, row, row + 1).slice(1, 0, words), {}, {}, {}}};
      auto one = from.model->forward(alone);
      CHECK(difference(one.logits[0], whole.logits[row]) < 1e-4);
      CHECK(difference(one.features[0], whole.features[row]) < 1e-4);
    }
  }
}

TEST_CASE("MDETR's taps are all recorded, also of images that differ in size; 16 bits agree with 32") {
  at::NoGradGuard no_grad;
  for (std::string name : {"clevr", "detection"}) {
    INFO(name);
    auto from = fixture(name);
    auto leaves = leaves_of(*from.model, from);
    auto [samples, mask] = pixels_of(from.sizes);
    leaves[0] = {samples.slice(0, 0, 2), mask.slice(0, 0, 2).logical_not(), {}, {}};
    Trace trace;
    trace.record("*");
    auto output = from.model->forward(leaves, &trace);
    for (const auto& tap : from.model->signature().taps) {
      INFO(tap);
      CHECK(trace.activations().contains(tap));
    }
    CHECK(output.logits.size(1) == from.model->signature().outputs());
    CHECK(output.features.size(1) == from.model->signature().features);
    CHECK(difference(output.logits, from.model->forward(leaves).logits) < 1e-4);
    auto half = fixture(name, {{"dtype", "bfloat16"}});
    CHECK(difference(half.model->forward(leaves).features, output.features) < 0.3);
  }
}

TEST_CASE("labels are answers: CLEVR's, and GQA's over all heads, each once") {
  auto clevr = fixture("clevr").model->signature();
  CHECK(clevr.name == "mdetr-clevr");
  CHECK(clevr.labels.size() == 37);
  CHECK(clevr.labels[0] == "yes");
  CHECK(clevr.labels[5] == "red");
  CHECK(clevr.labels[36] == "19");
  CHECK(clevr.features == 4 * 12);
  auto gqa = fixture("gqa");
  CHECK(gqa.model->signature().labels ==
        std::vector<std::string>{"yes", "no", "unknown", "red", "man", "left", "indoors", "dog", "chair"});
  at::NoGradGuard no_grad;
  auto logits = gqa.model->forward(leaves_of(*gqa.model, gqa)).logits;
  CHECK(difference(logits.exp().sum(1), at::ones({2})) < 1e-5);
  auto unnamed = fixture("gqa", {{"config", {{"answers", nullptr}}}}).model->signature();
  CHECK(unnamed.labels.size() == 17);
  CHECK(unnamed.labels[3] == "attr 1");
  auto detection = fixture("detection").model->signature();
  CHECK((detection.task == Task::multilabel));
  CHECK(detection.labels == std::vector<std::string>{"slot 1", "slot 2", "slot 3", "slot 4"});
}

TEST_CASE("images are prepared as their data sets are: CLEVR's as they are, others by their shorter side") {
  auto image = [](int64_t h, int64_t w) { return Image{at::full({h, w, 3}, 255, at::kByte)}; };
  auto clevr = fixture("clevr");
  std::vector<Value> two = {image(40, 60), image(50, 30)};
  auto leaf = clevr.model->prepare(0, two);
  CHECK(leaf.tensor.sizes() == at::IntArrayRef({2, 3, 50, 60}));
  CHECK(leaf.tensor[0][0][0][0].item<float>() == doctest::Approx((1 - 0.485) / 0.229));
  CHECK(leaf.mask[1].sum().item<int64_t>() == 50 * 30);
  auto gqa = fixture("gqa");
  std::vector<Value> one = {image(40, 60)}, long_one = {image(20, 60)};
  CHECK(gqa.model->prepare(0, one).tensor.sizes() == at::IntArrayRef({1, 3, 800, 1200}));
  CHECK(gqa.model->prepare(0, long_one).tensor.size(3) == 1332);  // 444 x 1332: both are rounded down
}

TEST_CASE("what is found is in pixels of the original image, with the share of each word") {
  at::NoGradGuard no_grad;
  auto from = fixture("detection");
  std::vector<Value> images = {Image{at::randint(0, 255, {30, 45, 3}, at::kByte)},
                               Image{at::randint(0, 255, {40, 20, 3}, at::kByte)}};
  std::vector<Value> texts = {Text{"a red cube"}, Text{"the small sphere on the left"}};
  std::vector<Leaf> leaves = {from.model->prepare(0, images), from.model->prepare(1, texts)};
  auto found = from.model->detect(leaves, 0);
  REQUIRE(found.size() == 2);
  Trace trace;
  trace.record("*");
  from.model->forward(leaves, &trace);
  auto places = trace.at("boxes"), all = trace.at("alignment").to(at::kDouble).softmax(2);
  for (size_t row : {0, 1}) {
    REQUIRE(found[row].size() == 4);
    double width = row == 0 ? 45 : 20, height = row == 0 ? 30 : 40;
    auto scores = 1 - all[static_cast<int64_t>(row)].select(1, -1);
    int64_t best = scores.argmax().item<int64_t>();
    auto place = places[static_cast<int64_t>(row)][best];
    const auto& first = found[row][0];
    CHECK(first.score == doctest::Approx(scores[best].item<double>()));
    CHECK((first.box.x0 + first.box.x1) / 2 == doctest::Approx(place[0].item<double>() * width).epsilon(1e-3));
    CHECK(first.box.y1 - first.box.y0 == doctest::Approx(place[3].item<double>() * height).epsilon(1e-3));
    CHECK(first.words.size() == (row == 0 ? 3u : 6u));
    // The tokens of a word, wherever they are, give it their shares.
    auto atoms = leaves[1].atoms[static_cast<int64_t>(row)];
    auto share = all[static_cast<int64_t>(row)][best].slice(0, 0, atoms.size(0)).masked_select(atoms.eq(1)).sum();
    CHECK(first.words[1] == doctest::Approx(share.item<double>()));
    CHECK(first.referred.has_value());
    CHECK(found[row][0].score >= found[row][3].score);
  }
  CHECK(from.model->detect(leaves, 1.0)[0].empty());
}

TEST_CASE("an MDETR is saved as its training script does, or as a folder, and loads again") {
  at::NoGradGuard no_grad;
  Scratch folder;
  for (std::string name : {"clevr", "gqa"}) {
    INFO(name);
    auto from = fixture(name);
    auto leaves = leaves_of(*from.model, from);
    auto expected = from.model->forward(leaves).logits;
    save_model(*from.model, folder / "saved.pth");
    auto arguments = checkpoint_arguments(folder / "saved.pth");
    CHECK(arguments["nheads"] == (name == "gqa" ? 3 : 2));
    CHECK(arguments["lr"] == 1e-4);
    auto again = load_model(folder / "saved.pth", "");
    CHECK(again->forward(leaves).logits.equal(expected));
    CHECK(again->signature().labels == from.model->signature().labels);
    save_model(*from.model, folder / name);
    auto whole = load_model(folder / name, "");
    CHECK(whole->forward(leaves).logits.equal(expected));
    std::vector<Value> text = {Text{"a red cube"}};
    CHECK(whole->prepare(1, text).tensor.equal(from.model->prepare(1, text).tensor));
  }
  auto ema = fixture("detection", {{"weights", "model_ema"}}), plain = fixture("detection");
  auto at_end = [](const Fixture& from) { return from.model->forward_raw(inputs_of(from))["pred_logits"].tensor; };
  CHECK(difference(at_end(ema), at_end(plain) + 1) < 1e-3);
}

TEST_CASE("MDETR checkpoints that do not fit are errors") {
  const std::string path = std::string(mdetr_root) + "clevr/checkpoint.pth";
  auto weights = load_weight_files(path);
  Pretrained whole;
  whole.source = path;
  whole.config = mdetr_config(weights, {std::string(mdetr_root) + "clevr"}, nlohmann::json::object());
  whole.tensors = weights.tensors;
  auto broken = [&](auto change) {
    auto copy = whole;
    change(copy);
    return error_of([&] { Mdetr model(copy); });
  };
  CHECK(broken([](auto&) {}) == "");
  CHECK(broken([](auto& p) { p.config["backbone"] = "swin_t"; }) ==
        has("backbone 'swin_t', which this version does not"));
  CHECK(broken([](auto& p) { p.config["backbone"] = "resnet50-gn"; }) == has("does not know"));
  CHECK(broken([](auto& p) { p.config["backbone"] = "timm_tf_efficientnet_b3_ns"; }) == has("conv_stem.weight"));
  CHECK(broken([](auto& p) { p.config.erase("backbone"); }) == "");
  CHECK(broken([](auto& p) { p.config["nheads"] = 5; }) == has("not a multiple of 4 and of the 5 attention heads"));
  CHECK(broken([](auto& p) { p.config["enc_layers"] = 3; }) == has("are missing: 'transformer.encoder.layers.2."));
  CHECK(broken([](auto& p) { p.config["dec_layers"] = 1; }) == has("are not part of the model"));
  CHECK(broken([](auto& p) { p.config["pre_norm"] = true; }) == has("cannot run either"));
  CHECK(broken([](auto& p) { p.config["dilation"] = 1; }) == has("dilation is for backbones with bottlenecks"));
  CHECK(broken([](auto& p) { p.config.erase("text_encoder"); }) == has("num_attention_heads"));
  CHECK(broken([](auto& p) { p.tensors.erase("answer_attr_head.weight"); }) == has("'answer_attr_head.weight'"));
  CHECK(broken([](auto& p) { p.tensors["class_embed.bias"] = at::zeros({3}); }) ==
        has("'class_embed.bias' is Float [3]"));
  CHECK(broken([](auto& p) { p.tensors["more"] = at::zeros({3}); }) == has("not part of the model: more"));
  CHECK(broken([](auto& p) { p.tensors["detr.query_embed.weight"] = at::zeros({3}); }) ==
        has("with and without 'detr.'"));
  auto headless = [](Pretrained& p) {
    std::erase_if(p.tensors, [](auto& e) { return e.first.starts_with("answer_"); });
  };
  CHECK(broken(headless) == has("slots for answers and no heads"));
  CHECK(broken([&](auto& p) { headless(p), p.tensors.erase("qa_embed.weight"); }) == has("has no heads for answers"));
  auto gqa = [&](nlohmann::json answers) {
    return error_of([&] { fixture("gqa", {{"config", {{"answers", answers}}}}); });
  };
  CHECK(gqa({{"answer_obj", {{"yes", 0}}}}) == has("has 1 answers, and the model's head gives 3"));
  CHECK(gqa({{"answer_obj", {{"yes", 0}, {"no", 0}, {"red", 2}}}}) == has("must be 0 to 2, each once"));
  CHECK(error_of([&] { load_model(path, "", {{"weights", "model_emma"}}); }) == has("no weights under 'model_emma'"));
  CHECK(error_of([&] { load_model(path, "", {{"tokenizer", "/nowhere"}}); }) == has("no folder '/nowhere'"));
  CHECK(error_of([&] { load_model(path, "", {{"tokeniser", "x"}}); }) == has("did you mean 'tokenizer'"));
}

}  // namespace
}  // namespace multiviz
