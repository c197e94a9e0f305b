#include "io/npy.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "io/file.h"
#include "tests/scratch.h"

using namespace multiviz;

namespace {

at::Tensor fixture(const std::string& name) { return load_npy("tests/fixtures/io/" + name + ".npy"); }

bool same(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() && a.equal(b);
}

// What is said of a version 1 file with this header and this many bytes of zeros.
std::string refusal(const std::string& header, size_t data) {
  Scratch scratch;
  const auto length = static_cast<uint16_t>(header.size());
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes.append(reinterpret_cast<const char*>(&length), 2);
  write_file(scratch / "x", bytes + header + std::string(data, '\0'));
  return error_of([&] { load_npy(scratch / "x"); });
}

std::string with_shape(const std::string& shape) {
  return "{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }";
}

}  // namespace

// The arrays are those of tests/fixtures/io/make_npy.py.
TEST_CASE("arrays that NumPy wrote load in either order and every version") {
  at::Tensor grid = at::arange(24).reshape({2, 3, 4});
  CHECK(same(fixture("c_f4"), grid.to(at::kFloat) / 4));
  CHECK(same(fixture("fortran_f8"), grid.to(at::kDouble)));
  CHECK(fixture("fortran_f8").is_contiguous());
  CHECK(same(fixture("i2"), -grid.to(at::kShort)));
  CHECK(same(fixture("u1"), grid.to(at::kByte)));
  CHECK(same(fixture("bool"), grid % 3 == 0));
  CHECK(same(fixture("scalar_i8"), at::scalar_tensor(-7, at::kLong)));
  CHECK(same(fixture("empty_f4"), at::zeros({0, 5})));
  CHECK(same(fixture("vector_f2"), at::arange(3).to(at::kHalf)));
  CHECK(at::view_as_real(fixture("complex_c8")).equal(at::tensor({1.0f, 2.0f}).reshape({1, 2})));
  CHECK(same(fixture("version2"), at::arange(3, at::kInt)));
  CHECK(same(fixture("version3"), at::arange(3, at::kInt)));
}

TEST_CASE("tensors survive saving and loading") {
  Scratch scratch;
  for (const at::Tensor& tensor :
       {at::arange(6, at::kFloat).reshape({2, 3}).t(), at::scalar_tensor(3.5, at::kDouble), at::zeros({0, 2}),
        at::ones({3}, at::kBool), at::arange(4).to(at::kUInt16), at::ones({2}, at::kComplexDouble)}) {
    save_npy(scratch / "x", tensor);
    at::Tensor back = load_npy(scratch / "x");
    CHECK((back.scalar_type() == tensor.scalar_type()));
    CHECK(back.sizes() == tensor.sizes());
    CHECK(back.to(at::kComplexDouble).equal(tensor.to(at::kComplexDouble)));
  }
  CHECK(error_of([&] { save_npy(scratch / "x", at::ones({1}, at::kBFloat16)); }) == has("no dtype for BFloat16"));
  CHECK(error_of([&] { save_npy(scratch / "x", at::Tensor()); }) == has("not a dense tensor"));
}

TEST_CASE("what NumPy can hold and we cannot is said") {
  CHECK(error_of([] { fixture("big_f4"); }) == has("not little-endian ('>f4'): save array.astype('<f4')"));
  CHECK(error_of([] { fixture("string"); }) == has("dtype '<U2' is not a number"));
  CHECK(error_of([] { fixture("record"); }) == has("structured array"));
  CHECK(refusal("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 8) == has("dtype '|O' is not a number"));
}

TEST_CASE("headers that lie are refused before memory is taken") {
  CHECK(refusal(with_shape("(2,)"), 8).empty());
  CHECK(refusal(with_shape("(2)"), 8).empty());
  CHECK(refusal(with_shape("(2L, 1L)"), 8).empty());
  CHECK(refusal(with_shape("(3,)"), 8) == has("truncated: its shape needs 12 bytes and 8 are there"));
  CHECK(refusal(with_shape("(1,)"), 8) == has("4 bytes after the array"));
  CHECK(refusal(with_shape("(-1,)"), 8) == has("negative"));
  CHECK(refusal(with_shape("(4294967296, 4294967296)"), 8) == has("too large"));
  CHECK(refusal(with_shape("(0, 9223372036854775807, 9)"), 0) == has("too large"));
  CHECK(refusal(with_shape("(99999999999999999999,)"), 8) == has("damaged"));
  CHECK(refusal(with_shape("(2,"), 8) == has("damaged"));
  CHECK(refusal(with_shape("(x,)"), 8) == has("damaged"));
  CHECK(refusal(with_shape("__import__('os').system('true')"), 8) == has("damaged"));
  CHECK(refusal("", 0) == has("not an npy file"));
  CHECK(refusal("{}", 8) == has("damaged"));
  CHECK(refusal("{'descr': '<f4', 'descr': '<f4', 'shape': (2,)}", 8) == has("damaged"));
  CHECK(refusal("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2,)}", 8) == has("damaged"));
  CHECK(refusal("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} 1", 8) == has("damaged"));
  CHECK(refusal("{'descr': '', 'fortran_order': False, 'shape': (2,)}", 8) == has("dtype '' is unknown"));
  std::string many;
  for (int i = 0; i < 65; ++i) many += "1,";
  CHECK(refusal(with_shape("(" + many + ")"), 4) == has("65 dimensions"));
}

TEST_CASE("files that are no npy, or only the start of one, are refused") {
  Scratch scratch;
  std::string whole = read_file("tests/fixtures/io/c_f4.npy");
  auto said = [&](const std::string& bytes) {
    write_file(scratch / "x", bytes);
    return error_of([&] { load_npy(scratch / "x"); });
  };
  CHECK(said("") == has("not an npy file"));
  CHECK(said("PK\x03\x04 and so on, a zip") == has("not an npy file"));
  CHECK(said(whole.substr(0, 11)) == has("not an npy file"));
  CHECK(said(whole.substr(0, 60)) == has("truncated"));
  CHECK(said(whole.substr(0, whole.size() - 1)) == has("truncated"));
  whole[6] = 9;
  CHECK(said(whole) == has("version 9"));
  CHECK(error_of([&] { load_npy(scratch / "none"); }) == has("no such file"));
}
