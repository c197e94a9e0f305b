#include <ATen/ATen.h>

#include <algorithm>

#include "io/pickle_arena.h"

namespace multiviz {
namespace {

std::vector<int64_t> strides_of(const PickleArray& array) {
  std::vector<int64_t> strides(array.shape.size());
  int64_t stride = 1;
  for (size_t i = 0; i < strides.size(); ++i) {
    const size_t axis = array.fortran ? i : strides.size() - 1 - i;
    strides[axis] = stride;
    stride *= std::max<int64_t>(array.shape[axis], 1);
  }
  return strides;
}

at::Tensor blob(const PickleArray& array, std::vector<int64_t> shape, const std::vector<int64_t>& strides,
                at::ScalarType type, std::shared_ptr<const void> owner) {
  auto* data = const_cast<char*>(array.data.data());  // a private mapping: writing changes this process's copy
  return at::from_blob(
      data, shape, strides, [owner = std::move(owner)](void*) {}, at::TensorOptions().dtype(type));
}

// The array as bytes [..., itemsize], which may lie anywhere.
at::Tensor byte_view(const PickleArray& array, std::shared_ptr<const void> owner) {
  const auto item = static_cast<int64_t>(at::elementSize(array.type));
  auto shape = array.shape;
  auto strides = strides_of(array);
  for (int64_t& stride : strides) stride *= item;
  shape.push_back(item);
  strides.push_back(1);
  return blob(array, std::move(shape), strides, at::kByte, std::move(owner));
}

// Bytes [..., itemsize] -> numbers [...], a copy.
at::Tensor decode(const PickleArray& array, const at::Tensor& bytes, const std::string& where) {
  at::Tensor copy = bytes.contiguous();
  if (copy.is_same(bytes)) copy = bytes.clone();
  if (array.swapped) {
    const int64_t parts = at::isComplexType(array.type) ? 2 : 1, item = copy.size(-1);
    auto split = copy.sizes().vec();
    split.back() = parts;
    split.push_back(item / parts);
    copy = copy.reshape(split).flip(-1).reshape(copy.sizes()).contiguous();
  }
  if (array.type == at::kBool)
    check(!copy.gt(1).any().item<bool>(), "{}: a boolean in the array is neither 0 nor 1", where);
  return copy.view(array.type).squeeze(-1);
}

bool in_place(const PickleArray& array) {
  return !array.swapped && array.type != at::kBool &&
         reinterpret_cast<uintptr_t>(array.data.data()) % at::elementSize(array.type) == 0;
}

}  // namespace

bool Pickle::is_tensor() const { return is(PickleKind::array) && !node_->content->array->elements; }

std::vector<int64_t> Pickle::shape(const std::string& where) const {
  return expect(PickleKind::array, where).content->array->shape;
}

at::ScalarType Pickle::dtype(const std::string& where) const {
  const PickleArray& array = *expect(PickleKind::array, where).content->array;
  check(!array.elements, "{}: it is an array of objects or strings, not of numbers", where);
  return array.type;
}

at::Tensor Pickle::tensor(const std::string& where) const {
  dtype(where);
  const PickleArray& array = *node_->content->array;
  if (array.tensor.defined()) return array.tensor;
  if (array.data.empty()) return at::empty(array.shape, at::TensorOptions().dtype(array.type));
  if (in_place(array)) return blob(array, array.shape, strides_of(array), array.type, arena_);
  return decode(array, byte_view(array, arena_), where);
}

at::Tensor Pickle::rows(int64_t begin, int64_t end, const std::string& where) const {
  dtype(where);
  const PickleArray& array = *node_->content->array;
  const int64_t count = array.shape.empty() ? -1 : array.shape[0];
  check(0 <= begin && begin <= end && end <= count, "{}: rows {} to {} of an array [{}] were asked for", where, begin,
        end, fmt::join(array.shape, ", "));
  if (array.tensor.defined()) return array.tensor.slice(0, begin, end).contiguous();
  if (array.data.empty()) return tensor(where).slice(0, begin, end).contiguous();
  return decode(array, byte_view(array, arena_).slice(0, begin, end), where);
}

}  // namespace multiviz
