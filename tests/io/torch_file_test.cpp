#include "io/torch_file.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "io/file.h"
#include "io/zip.h"
#include "tests/scratch.h"

namespace multiviz {
namespace {

std::string fixture(const std::string& name) { return "tests/fixtures/io/torch_" + name; }

bool same(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() && a.equal(b);
}

std::string entry(const std::string& path, const std::string& name) {
  auto bytes = std::make_shared<std::string>(read_file(path));
  return std::string(zip_entries({bytes, *bytes}, path).at(name).bytes);
}

}  // namespace

// The tensors are those of tests/fixtures/io/make_torch.py.
TEST_CASE("state dicts of both formats hold the same tensors") {
  for (const char* name : {"zip.pt", "legacy.pt"}) {
    CAPTURE(name);
    auto tensors = load_state_dict(fixture(name));
    CHECK(tensors.size() == 17);
    auto grid = at::arange(12, at::kFloat).reshape({3, 4});
    CHECK(same(tensors.at("weight"), grid));
    CHECK(same(tensors.at("transposed"), grid.t()));
    CHECK(same(tensors.at("part"), at::tensor({4.0f, 6.0f, 8.0f})));
    CHECK(tensors.at("tied").data_ptr() == tensors.at("weight").data_ptr());
    CHECK(tensors.at("transposed").data_ptr() == tensors.at("weight").data_ptr());
    CHECK(same(tensors.at("float64"), at::arange(5).to(at::kDouble)));
    CHECK(same(tensors.at("float16"), at::arange(5).to(at::kHalf)));
    CHECK(same(tensors.at("bfloat16"), at::arange(5).to(at::kBFloat16)));
    CHECK(same(tensors.at("int64"), at::arange(5)));
    CHECK(same(tensors.at("int32"), at::arange(5).to(at::kInt)));
    CHECK(same(tensors.at("int16"), at::arange(5).to(at::kShort)));
    CHECK(same(tensors.at("int8"), at::arange(5).to(at::kChar)));
    CHECK(same(tensors.at("uint8"), at::arange(5).to(at::kByte)));
    CHECK(same(tensors.at("complex64"), at::arange(5).to(at::kComplexFloat)));
    CHECK(same(tensors.at("bool"), at::arange(3) % 2 == 0));
    CHECK(same(tensors.at("scalar"), at::scalar_tensor(2.5)));
    CHECK(same(tensors.at("empty"), at::zeros({0, 3})));
    CHECK(same(tensors.at("parameter"), at::tensor({1.0f, 2.0f})));
  }
  CHECK(same(load_state_dict(fixture("wide.pt")).at("uint16"), at::arange(5).to(at::kUInt16)));
}

TEST_CASE("the weights in a checkpoint are found") {
  auto nested = load_state_dict(fixture("nested.pt"));
  CHECK(nested.size() == 2);
  CHECK(nested.contains("weight"));
  auto model = load_state_dict(fixture("model.pt"));
  CHECK(model.size() == 2);
  CHECK(model.at("encoder.a").equal(at::ones({2})));
  CHECK(error_of([] { load_state_dict(fixture("nothing.pt")); }) == has("holds no tensors by name"));
}

TEST_CASE("whole modules and TorchScript say how to export or load them") {
  for (const char* name : {"module.pt", "nested_module.pt"})
    CHECK(error_of([&] { load_state_dict(fixture(name)); }) ==
          has("whole module of class torch.nn.modules.container.Sequential, whose code is not in the file: in Python, "
              "save its weights with torch.save(model.state_dict(), path)"));
  CHECK(error_of([] { load_state_dict(fixture("script.pt")); }) == has("is a TorchScript archive"));
  CHECK(is_torch_script(fixture("script.pt")));
  CHECK_FALSE(is_torch_script(fixture("zip.pt")));
  CHECK_FALSE(is_torch_script(fixture("legacy.pt")));
}

TEST_CASE("tensors in a pickle of pickle.dump") {
  auto root = load_any_pickle(fixture("dump.pkl"));
  CHECK(same(root.at("x", "x").tensor("x"), at::tensor({1.5f, 2.5f})));
  CHECK(same(root.at("y", "x").tensor("x"), at::arange(4).reshape({2, 2}).t()));
}

TEST_CASE("weights in a pickle of NumPy arrays are a state dict") {
  auto weights = load_state_dict("tests/fixtures/io/pickle_weights.pkl");
  CHECK(weights.size() == 2);
  CHECK(same(weights.at("conv.weight"), at::arange(6, at::kFloat).reshape({2, 3})));
  CHECK(same(weights.at("conv.bias"), at::tensor({0.5f})));
  CHECK(error_of([] { load_state_dict("tests/fixtures/io/pickle_laughs.pkl"); }) != "");
}

TEST_CASE("tensors view the file, and writing to one leaves it alone") {
  auto tensors = load_state_dict(fixture("zip.pt"));
  tensors.at("weight").zero_();
  CHECK(tensors.at("tied").sum().item<double>() == 0);
  CHECK(load_state_dict(fixture("zip.pt")).at("weight").sum().item<double>() == 66);
}

TEST_CASE("a state dict that we wrote reads back, and its pickle is of the kind that weights_only allows") {
  Scratch scratch;
  auto grid = at::arange(6, at::kFloat).reshape({2, 3}).t();
  save_state_dict(scratch / "x.pt", {{"b", grid}, {"a", at::ones({2}, at::kBFloat16)}, {"empty", at::zeros({0, 2})}});
  auto root = load_torch_file(scratch / "x.pt");
  CHECK(root.key(0).text("x") == "b");
  auto tensors = load_state_dict(scratch / "x.pt");
  CHECK(same(tensors.at("b"), grid));
  CHECK(same(tensors.at("a"), at::ones({2}, at::kBFloat16)));
  CHECK(same(tensors.at("empty"), at::zeros({0, 2})));
  CHECK(entry(scratch / "x.pt", "archive/byteorder") == "little");
  CHECK(error_of([&] {
          save_state_dict(scratch / "x.pt", {{"x", at::zeros({2}).to(at::kFloat8_e5m2)}});
        }) == has("cannot be written as a state dict"));
}

TEST_CASE("damaged files of torch.save are refused") {
  Scratch scratch;
  auto said = [&](const std::string& bytes) {
    write_file(scratch / "x.pt", bytes);
    return error_of([&] { load_state_dict(scratch / "x.pt"); });
  };
  for (const char* name : {"zip.pt", "legacy.pt"}) {
    const std::string whole = read_file(fixture(name));
    CHECK(said(whole).empty());
    for (size_t length = 0; length < whole.size(); length += 61) CHECK(said(whole.substr(0, length)) != "");
  }
  CHECK(said("PK\x03\x04") == has("directory is missing"));
  CHECK(said("nothing at all") == has("no file of torch.save"));
}

// A tensor of this shape over a storage of 12 numbers.
TEST_CASE("tensors that reach outside their storage, or make much of little, are refused") {
  Scratch scratch;
  auto said = [&](int64_t offset, int64_t size, int64_t stride) {
    auto number = [](int64_t value) { return "\x8a\x08" + std::string(reinterpret_cast<const char*>(&value), 8); };
    std::string pickle = "\x80\x02}X\x01";
    pickle += std::string(3, '\0') + "wctorch._utils\n_rebuild_tensor_v2\n((X\x07";
    pickle += std::string(3, '\0') + "storagectorch\nFloatStorage\nX\x01" + std::string(3, '\0') + "0X\x03" +
              std::string(3, '\0') + "cpu" + number(12) + "tQ" + number(offset) + number(size) + "\x85" +
              number(stride) + "\x85\x89NtRs.";
    ZipWriter zip(scratch / "x.pt");
    zip.add("a/data.pkl", pickle);
    zip.add("a/data/0", std::string(48, '\0'));
    zip.commit();
    return error_of([&] { load_state_dict(scratch / "x.pt"); });
  };
  CHECK(said(0, 12, 1) == "");
  CHECK(said(4, 2, 7) == "");
  CHECK(said(0, 13, 1) == has("reaches outside its storage"));
  CHECK(said(4, 2, 8) == has("reaches outside its storage"));
  CHECK(said(13, 0, 1) == has("reaches outside its storage"));
  CHECK(said(-1, 1, 1) == has("damaged"));
  CHECK(said(0, 2, -1) == has("negative"));
  CHECK(said(0, INT64_MAX, 1) == has("too large"));
  CHECK(said(0, int64_t{1} << 40, 0) == has("repeats its storage beyond measure"));
}

TEST_CASE("a training script's checkpoint keeps what the script was run with") {
  Scratch scratch;
  const auto path = scratch / "checkpoint.pth";
  nlohmann::json arguments = {{"lr", 1e-4},
                              {"epochs", 40},
                              {"seed", -3},
                              {"masks", false},
                              {"ema", true},
                              {"frozen", nullptr},
                              {"sets", {"a", "b"}},
                              {"none", nlohmann::json::array()},
                              {"more", {{"deep", {1, 2}}}}};
  save_checkpoint(path, "model", {{"layer.weight", at::arange(6, at::kFloat)}}, {{"args", arguments}}, "args");
  CHECK(checkpoint_arguments(path) == arguments);
  CHECK(same(load_state_dict(path).at("layer.weight"), at::arange(6, at::kFloat)));
  CHECK(load_state_dict(path, "model").size() == 1);
  CHECK(error_of([&] { load_state_dict(path, "model_ema"); }) == has("has no weights under 'model_ema'"));
  CHECK(checkpoint_arguments(fixture("zip.pt")) == nlohmann::json::object());
}

}  // namespace multiviz
