#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <doctest/doctest.h>

#include <filesystem>

#include "io/json.h"
#include "io/safetensors.h"
#include "io/torch_file.h"
#include "models/load.h"
#include "tests/scratch.h"

namespace multiviz {
namespace {

namespace fs = std::filesystem;

const std::string root = "tests/fixtures/";
const std::vector<std::string> families = {"vilt/question_answering",
                                           "vilt/retrieval",
                                           "vilt/nlvr2",
                                           "clip/patch8",
                                           "lxmert/small",
                                           "encoders/bert_classifier",
                                           "encoders/bert",
                                           "encoders/roberta_classifier",
                                           "encoders/vit_classifier",
                                           "encoders/vit",
                                           "encoders/resnet_classifier",
                                           "encoders/resnet_early"};

void check_same(const std::map<std::string, at::Tensor>& found, const std::map<std::string, at::Tensor>& expected) {
  CHECK(found.size() == expected.size());
  for (const auto& [name, tensor] : expected) {
    CAPTURE(name);
    REQUIRE(found.contains(name));
    CHECK((found.at(name).scalar_type() == tensor.scalar_type()));
    CHECK(found.at(name).equal(tensor));
  }
}

TEST_CASE("checkpoints are saved with the names, tensors and files that they came with") {
  for (const auto& family : families) {
    CAPTURE(family);
    Scratch scratch;
    const auto saved = scratch / "saved";
    save_model(*load_model(root + family, ""), saved);
    check_same(load_safetensors(saved + "/model.safetensors").tensors,
               load_safetensors(root + family + "/model.safetensors").tensors);
    CHECK(load_json(saved + "/config.json") == load_json(root + family + "/config.json"));
    for (const auto& entry : fs::directory_iterator(root + family))
      if (const auto name = entry.path().filename().string(); name != "check.safetensors")
        CHECK(fs::exists(saved + "/" + name));
  }
}

TEST_CASE("what a checkpoint holds beside the network is saved with it, and training leaves it alone") {
  Scratch scratch;
  const auto folder = scratch / "pretrained", saved = scratch / "saved";
  fs::copy(root + "encoders/bert", folder, fs::copy_options::recursive);
  auto tensors = load_safetensors(root + "encoders/bert/model.safetensors").tensors;
  tensors["cls.predictions.bias"] = at::arange(4, at::kFloat);
  tensors["embeddings.position_ids"] = at::arange(16).unsqueeze(0);
  save_safetensors(folder + "/model.safetensors", tensors);
  auto model = load_model(folder, "");
  CHECK(model->parameters().size() == tensors.size() - 2);
  save_model(*model, saved);
  check_same(load_safetensors(saved + "/model.safetensors").tensors, tensors);
  save_model(*model, saved, /*half=*/true);
  auto half = load_safetensors(saved + "/model.safetensors").tensors;
  CHECK((half.at("cls.predictions.bias").scalar_type() == at::kHalf));
  CHECK((half.at("embeddings.position_ids").scalar_type() == at::kLong));
}

TEST_CASE("a checkpoint of torch.save is saved as one") {
  Scratch scratch;
  const auto folder = scratch / "bin", saved = scratch / "saved";
  fs::copy(root + "encoders/resnet", folder, fs::copy_options::recursive);
  const auto tensors = load_safetensors(folder + "/model.safetensors").tensors;
  save_state_dict(folder + "/pytorch_model.bin", {tensors.begin(), tensors.end()});
  fs::remove(folder + "/model.safetensors");
  save_model(*load_model(folder, ""), saved);
  CHECK_FALSE(fs::exists(saved + "/model.safetensors"));
  check_same(load_state_dict(saved + "/pytorch_model.bin"), tensors);
}

}  // namespace
}  // namespace multiviz
