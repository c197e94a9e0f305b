#include <ATen/ATen.h>

#include "bindings/tensor.h"

namespace multiviz::script {
namespace {

void check_sizes(lua_State* L, const at::Tensor& self, const std::vector<int64_t>& sizes) {
  int64_t known = 1, unknown = 0;
  for (auto size : sizes) size == -1 ? ++unknown : known *= size;
  bool fits = unknown == 0 ? known == self.numel() : unknown == 1 && known > 0 && self.numel() % known == 0;
  check(fits, "{}: the {} entries of shape {} do not fit into shape {}", function_name(L), self.numel(),
        shape_text(self.sizes()), shape_text(sizes));
}

int reshape(lua_State* L, at::Tensor& self) {
  int next = 0;
  auto sizes = arg_sizes(L, 2, next, true);
  check_sizes(L, self, sizes);
  return push(L, self.reshape(sizes));
}

int view(lua_State* L, at::Tensor& self) {
  int next = 0;
  auto sizes = arg_sizes(L, 2, next, true);
  check_sizes(L, self, sizes);
  return push(L, self.view(sizes));
}

int permute(lua_State* L, at::Tensor& self) {
  std::vector<int64_t> dims;
  if (lua_istable(L, 2)) {
    dims = arg_dims(L, 2, self.dim());
  } else {
    for (int i = 2; i <= lua_gettop(L); ++i) dims.push_back(arg_dim(L, i, self.dim()));
  }
  auto sorted = dims;
  std::sort(sorted.begin(), sorted.end());
  bool all =
      static_cast<int64_t>(dims.size()) == self.dim() && std::unique(sorted.begin(), sorted.end()) == sorted.end();
  check(all, "tensor:permute: name each of the {} dimensions of shape {} once", self.dim(), shape_text(self.sizes()));
  return push(L, self.permute(dims));
}

int transpose(lua_State* L, at::Tensor& self) {
  return push(L, self.transpose(arg_dim(L, 2, self.dim()), arg_dim(L, 3, self.dim())));
}

int matrix_transpose(lua_State* L, at::Tensor& self) {
  check(self.dim() <= 2, "tensor:t: only a matrix, this has shape {}: use t:transpose(a, b)", shape_text(self.sizes()));
  return push(L, self.t());
}

int squeeze(lua_State* L, at::Tensor& self) {
  return push(L, absent(L, 2) ? self.squeeze() : self.squeeze(arg_dim(L, 2, self.dim())));
}

int unsqueeze(lua_State* L, at::Tensor& self) { return push(L, self.unsqueeze(arg_dim(L, 2, self.dim() + 1))); }

int expand(lua_State* L, at::Tensor& self) {
  int next = 0;
  auto sizes = arg_sizes(L, 2, next, true);
  auto extra = static_cast<int64_t>(sizes.size()) - self.dim();
  bool fits = extra >= 0;
  for (int64_t d = 0; fits && d < self.dim(); ++d) {
    auto wanted = sizes[static_cast<size_t>(extra + d)];
    fits = wanted == -1 || self.size(d) == 1 || self.size(d) == wanted;
  }
  check(fits, "tensor:expand: only dimensions of size 1 can grow: shape {} does not fit {}", shape_text(self.sizes()),
        shape_text(sizes));
  return push(L, self.expand(sizes));
}

int flatten(lua_State* L, at::Tensor& self) {
  if (self.dim() == 0) return push(L, self.reshape({1}));
  auto first = absent(L, 2) ? 0 : arg_dim(L, 2, self.dim());
  auto last = absent(L, 3) ? self.dim() - 1 : arg_dim(L, 3, self.dim());
  check(first <= last, "tensor:flatten: the first dimension lies behind the last");
  return push(L, self.flatten(first, last));
}

int flip(lua_State* L, at::Tensor& self) { return push(L, self.flip(arg_dims(L, 2, self.dim()))); }

int repeat(lua_State* L, at::Tensor& self) {
  int next = 0;
  auto times = arg_sizes(L, 2, next);
  check(static_cast<int64_t>(times.size()) >= self.dim(), "tensor:tile: give one number for each dimension of shape {}",
        shape_text(self.sizes()));
  return push(L, self.repeat(times));
}

int split(lua_State* L, at::Tensor& self) {
  auto size = arg_integer(L, 2, "size", {.min = 1});
  auto dim = absent(L, 3) ? int64_t{0} : arg_dim(L, 3, self.dim());
  check(self.dim() > 0, "tensor:split: a tensor without dimensions cannot be split");
  lua_newtable(L);
  lua_Integer i = 0;
  for (auto& part : self.split(size, dim)) {
    push(L, part);
    lua_rawseti(L, -2, ++i);
  }
  return 1;
}

std::vector<at::Tensor> arg_tensors(lua_State* L, int index) {
  if (!lua_istable(L, index)) wrong_argument(L, index, "tensors", "a table of tensors");
  std::vector<at::Tensor> tensors(lua_rawlen(L, index));
  for (size_t i = 0; i < tensors.size(); ++i) {
    lua_rawgeti(L, index, static_cast<lua_Integer>(i) + 1);
    auto* tensor = test<at::Tensor>(L, -1);
    check(tensor, "{}: entry {} of 'tensors' must be a tensor, got {}", function_name(L), i + 1, type_name(L, -1));
    tensors[i] = *tensor;
    lua_pop(L, 1);
  }
  check(!tensors.empty(), "{}: 'tensors' is empty", function_name(L));
  return tensors;
}

int cat(lua_State* L) {
  auto tensors = arg_tensors(L, 1);
  auto dim = absent(L, 2) ? int64_t{0} : arg_dim(L, 2, tensors[0].dim());
  for (const auto& tensor : tensors) {
    bool fits = tensor.dim() == tensors[0].dim() && tensor.dim() > 0;
    for (int64_t d = 0; fits && d < tensor.dim(); ++d) fits = d == dim || tensor.size(d) == tensors[0].size(d);
    check(fits, "mv.cat: shapes {} and {} cannot be joined along dimension {}", shape_text(tensors[0].sizes()),
          shape_text(tensor.sizes()), dim + 1);
  }
  return push(L, at::cat(tensors, dim));
}

int stack(lua_State* L) {
  auto tensors = arg_tensors(L, 1);
  for (const auto& tensor : tensors)
    check(tensor.sizes() == tensors[0].sizes(), "mv.stack: shapes {} and {} differ", shape_text(tensors[0].sizes()),
          shape_text(tensor.sizes()));
  return push(L, at::stack(tensors, absent(L, 2) ? 0 : arg_dim(L, 2, tensors[0].dim() + 1)));
}

}  // namespace

void register_tensor_shape(Binder& binder, TensorType& type) {
  type.method("reshape", "t:reshape(size, ...) -> tensor", "Another shape with as many entries; one size may be -1.",
              reshape);
  type.method("view", "t:view(size, ...) -> tensor", "As reshape, but never copies.", view);
  type.method("permute", "t:permute(dim, ...) -> tensor", "The dimensions in another order.", permute);
  type.method("transpose", "t:transpose(a, b) -> tensor", "Two dimensions exchanged.", transpose);
  type.method("t", "t:t() -> tensor", "A matrix transposed.", matrix_transpose);
  type.method("squeeze", "t:squeeze([dim]) -> tensor", "Without dimensions of size 1, or without this one.", squeeze);
  type.method("unsqueeze", "t:unsqueeze(dim) -> tensor", "With a new dimension of size 1 there.", unsqueeze);
  type.method("expand", "t:expand(size, ...) -> tensor", "Dimensions of size 1 repeated without a copy; -1 leaves one.",
              expand);
  type.method("flatten", "t:flatten([first [, last]]) -> tensor", "These dimensions (all) as one.", flatten);
  type.method("flip", "t:flip(dim | {dim, ...}) -> tensor", "In reverse order along dimensions.", flip);
  type.method("tile", "t:tile(times, ...) -> tensor", "Copies along each dimension.", repeat);
  type.method("split", "t:split(size [, dim=1]) -> {tensor, ...}", "Parts of this size; the last may be smaller.",
              split);
  type.method("contiguous", "t:contiguous() -> tensor", "With its entries in order in memory.",
              [](lua_State* L, auto& self) { return push(L, self.contiguous()); });
  type.method("clone", "t:clone() -> tensor", "A copy; gradients flow through it.",
              [](lua_State* L, auto& self) { return push(L, self.clone()); });
  binder.function("cat", "mv.cat({tensor, ...} [, dim=1]) -> tensor", "Tensors joined along a dimension.", cat);
  binder.function("stack", "mv.stack({tensor, ...} [, dim=1]) -> tensor", "Tensors of one shape along a new dimension.",
                  stack);
}

}  // namespace multiviz::script
