#include "io/safetensors.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <cstring>
#include <vector>

#include "io/file.h"
#include "tests/scratch.h"

using namespace multiviz;

namespace {

// A file with this header and this many bytes of zeros behind it.
std::string with_header(const Scratch& scratch, const std::string& header, size_t data) {
  const uint64_t length = header.size();
  std::string bytes(reinterpret_cast<const char*>(&length), 8);
  write_file(scratch / "x", bytes + header + std::string(data, '\0'));
  return scratch / "x";
}

std::string refusal(const std::string& header, size_t data) {
  Scratch scratch;
  std::string path = with_header(scratch, header, data);
  return error_of([&] { load_safetensors(path); });
}

std::string one(const std::string& type, const std::string& shape, const std::string& offsets) {
  return fmt::format(R"({{"a": {{"dtype": {}, "shape": {}, "data_offsets": {}}}}})", type, shape, offsets);
}

}  // namespace

TEST_CASE("tensors of every dtype survive saving and loading") {
  Scratch scratch;
  std::map<std::string, at::Tensor> tensors;
  for (at::ScalarType type :
       {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16, at::kLong, at::kInt, at::kShort, at::kChar, at::kByte,
        at::kBool, at::kComplexFloat, at::kUInt16, at::kUInt32, at::kUInt64, at::kFloat8_e4m3fn, at::kFloat8_e5m2})
    tensors[at::toString(type)] = at::arange(6).reshape({2, 3}).to(type);
  tensors["scalar"] = at::scalar_tensor(2.5);
  tensors["empty"] = at::zeros({3, 0, 2});
  tensors["transposed"] = at::arange(6, at::kFloat).reshape({2, 3}).t();
  tensors["name with \"quotes\" and ümlaut"] = at::ones({1});
  save_safetensors(scratch / "x", tensors, {{"format", "pt"}, {"note", "a\nb"}});

  SafeTensors loaded = load_safetensors(scratch / "x");
  CHECK(loaded.metadata == std::map<std::string, std::string>{{"format", "pt"}, {"note", "a\nb"}});
  REQUIRE(loaded.tensors.size() == tensors.size());
  for (const auto& [name, tensor] : tensors) {
    CAPTURE(name);
    const at::Tensor& back = loaded.tensors.at(name);
    CHECK((back.scalar_type() == tensor.scalar_type()));
    CHECK(back.sizes() == tensor.sizes());
    CHECK(reinterpret_cast<uintptr_t>(back.data_ptr()) % tensor.element_size() == 0);
    at::Tensor same = tensor.contiguous();
    CHECK((same.nbytes() == 0 || std::memcmp(back.data_ptr(), same.data_ptr(), same.nbytes()) == 0));
  }
}

TEST_CASE("a file written by the safetensors package loads") {
  Scratch scratch;
  SafeTensors loaded = load_safetensors("tests/fixtures/io/python.safetensors");
  CHECK(loaded.metadata.at("made_by") == "python");
  CHECK(loaded.tensors.at("b.weight").equal(at::arange(6, at::kFloat).reshape({2, 3}) / 4));
  CHECK(loaded.tensors.at("a.half").equal(at::arange(3).to(at::kHalf)));
  CHECK(loaded.tensors.at("flags").equal(at::tensor({1, 0, 1}).to(at::kBool)));
  CHECK(loaded.tensors.at("index").equal(at::tensor(std::vector<int64_t>{-1, int64_t{1} << 40})));
  CHECK(loaded.tensors.at("bytes").equal(at::tensor({0, 255}, at::kByte)));
}

TEST_CASE("tensors outlive the file, and writing to one does not change it") {
  Scratch scratch;
  save_safetensors(scratch / "x", {{"a", at::ones({1000})}});
  at::Tensor a = load_safetensors(scratch / "x").tensors.at("a");
  a.add_(1);
  CHECK(a.sum().item<double>() == 2000);
  CHECK(load_safetensors(scratch / "x").tensors.at("a").sum().item<double>() == 1000);
  save_safetensors(scratch / "x", {{"b", at::zeros({1})}});
  CHECK(a.sum().item<double>() == 2000);
}

TEST_CASE("data at an odd offset is copied to an aligned place") {
  Scratch scratch;
  std::string header = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                       R"("b":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}})";
  at::Tensor b = load_safetensors(with_header(scratch, header, 9)).tensors.at("b");
  CHECK(reinterpret_cast<uintptr_t>(b.data_ptr()) % 4 == 0);
  CHECK(b.equal(at::zeros({2})));
}

TEST_CASE("data that we save starts at a cache line, whatever the names' length") {
  Scratch scratch;
  for (size_t length : {1, 17, 40, 100}) {
    save_safetensors(scratch / "x", {{std::string(length, 'n'), at::ones({3})}});
    at::Tensor tensor = load_safetensors(scratch / "x").tensors.begin()->second;
    CHECK(reinterpret_cast<uintptr_t>(tensor.data_ptr()) % 64 == 0);
  }
}

TEST_CASE("headers that lie are refused before anything is touched") {
  CHECK(refusal(one(R"("F32")", "[2]", "[0, 8]"), 8).empty());
  CHECK(refusal("not json", 0) == has("not a JSON object"));
  CHECK(refusal("{\"a\": ", 0) == has("not valid JSON"));
  CHECK(refusal("{\"a\": " + std::string(100000, '['), 0) == has("nested more than 200"));
  CHECK(refusal(R"({"a": 3})", 0) == has("tensor 'a' must be an object, not number"));
  CHECK(refusal(R"({"__metadata__": 3})", 0) == has("__metadata__ is not an object"));
  CHECK(refusal(R"({"__metadata__": {"k": 3}})", 0) == has("__metadata__ 'k' must be a string"));
  CHECK(refusal(one(R"("F33")", "[2]", "[0, 8]"), 8) == has("unknown dtype 'F33'"));
  CHECK(refusal(one("7", "[2]", "[0, 8]"), 8) == has("'dtype' must be a string"));
  CHECK(refusal(one(R"("F32")", "2", "[0, 8]"), 8) == has("'shape' must be a list"));
  CHECK(refusal(one(R"("F32")", "[2.0]", "[0, 8]"), 8) == has("'shape'[0] must be an integer"));
  CHECK(refusal(one(R"("F32")", "[-2]", "[0, 8]"), 8) == has("is negative"));
  CHECK(refusal(one(R"("F32")", "[3]", "[0, 8]"), 8) == has("its shape needs 12 bytes, its data_offsets give 8"));
  CHECK(refusal(one(R"("F32")", "[4294967296, 4294967296]", "[0, 0]"), 0) == has("shape is too large"));
  CHECK(refusal(one(R"("F32")", "[0, 9223372036854775807, 2]", "[0, 0]"), 0) == has("shape is too large"));
  CHECK(refusal(one(R"("F32")", "[18446744073709551615]", "[0, 0]"), 0) == has("too large"));
  CHECK(refusal(one(R"("F32")", "[2]", "[0, 16]"), 8) == has("ends at byte 16 of 8"));
  CHECK(refusal(one(R"("F32")", "[2]", "[8, 0]"), 8) == has("not a range"));
  CHECK(refusal(one(R"("F32")", "[2]", "[-8, 0]"), 8) == has("not a range"));
  CHECK(refusal(one(R"("F32")", "[2]", "[0]"), 8) == has("not a range"));
  CHECK(refusal(one(R"("F32")", "[2]", "[4, 12]"), 12) == has("4 bytes before tensor 'a' belong to no tensor"));
  CHECK(refusal(one(R"("F32")", "[2]", "[0, 8]"), 9) == has("1 bytes after the last tensor"));
  std::string many;
  for (int i = 0; i < 65; ++i) many += i ? ",1" : "1";
  CHECK(refusal(one(R"("F32")", "[" + many + "]", "[0, 4]"), 4) == has("65 dimensions"));
  CHECK(refusal(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],)"
                R"("data_offsets":[1,3]}})",
                3) == has("overlaps"));
  CHECK(refusal(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"a":{"dtype":"U8","shape":[2],)"
                R"("data_offsets":[0,2]}})",
                2) == has("the key 'a' is there twice"));
}

TEST_CASE("files that are no safetensors, or only the start of one, are refused") {
  Scratch scratch;
  for (const std::string& bytes : {std::string(), std::string("1234567"), std::string(8, '\xff') + "{}",
                                   std::string("\x10\0\0\0\0\0\0\0{}", 10)}) {
    write_file(scratch / "x", bytes);
    CHECK(error_of([&] { load_safetensors(scratch / "x"); }) == has("not a safetensors file"));
  }
  save_safetensors(scratch / "x", {{"a", at::ones({100})}});
  std::string whole = read_file(scratch / "x");
  for (size_t kept : {whole.size() - 1, whole.size() - 400, size_t{20}, size_t{9}}) {
    write_file(scratch / "y", std::string_view(whole).substr(0, kept));
    CHECK(error_of([&] { load_safetensors(scratch / "y"); }) == has("truncated"));
  }
  CHECK(error_of([&] { load_safetensors(scratch / "none"); }) == has("no such file"));
  CHECK(error_of([&] { load_safetensors(scratch.folder().string()); }) == has("it is not a file"));
}

TEST_CASE("a BOOL tensor holds only 0 and 1") {
  Scratch scratch;
  std::string path = with_header(scratch, one(R"("BOOL")", "[2]", "[0, 2]"), 2);
  std::string bytes = read_file(path);
  bytes.back() = 2;
  write_file(path, bytes);
  CHECK(error_of([&] { load_safetensors(path); }) == has("neither 0 nor 1"));
}

TEST_CASE("what cannot be saved is said by name") {
  Scratch scratch;
  auto save = [&](const std::string& name, const at::Tensor& tensor) {
    return error_of([&] { save_safetensors(scratch / "x", {{name, tensor}}); });
  };
  CHECK(save("__metadata__", at::ones({1})) == has("cannot be the name of a tensor"));
  CHECK(save("a", at::Tensor()) == has("'a' is not a dense tensor"));
  CHECK(save("a", at::ones({1}, at::kComplexDouble)) == has("tensor 'a' has dtype ComplexDouble"));
  CHECK(save("\xff", at::ones({1})) == has("cannot be written as JSON"));
  CHECK(error_of([&] { save_safetensors(scratch / "no/x", {{"a", at::ones({1})}}); }) == has("no such file"));
}
