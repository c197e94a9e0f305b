#include <ATen/ATen.h>
#include <ATen/ExpandUtils.h>
#include <ATen/TensorIndexing.h>

#include "bindings/tensor.h"

namespace multiviz::script {
namespace {

using at::indexing::Slice;
using at::indexing::TensorIndex;

int64_t position(lua_State* L, int index, int64_t n, int64_t dim) {
  int valid = 0;
  auto value = lua_tointegerx(L, index, &valid);
  check(valid, "position {} of a tensor must be a whole number", lua_tonumber(L, index));
  return to_zero_based(value, n, fmt::format("position {} in dimension {}", value, dim + 1));
}

// {first, last [, step]}, both included; {} is everything.
TensorIndex range(lua_State* L, int index, int64_t n, int64_t dim) {
  auto numbers = to_integers(L, index);
  check(
      numbers && (numbers->empty() || numbers->size() == 2 || numbers->size() == 3),
      "a range of positions is {{first, last}} or {{first, last, step}}, or {{}} for all; for a list of positions use "
      "mv.tensor{{...}}");
  if (numbers->empty()) return Slice();
  auto first = (*numbers)[0], last = (*numbers)[1];
  auto step = numbers->size() == 3 ? (*numbers)[2] : 1;
  auto what = [&](int64_t at) { return fmt::format("position {} in dimension {}", at, dim + 1); };
  auto begin = first == n + 1 && last == n ? n : to_zero_based(first, n, what(first));
  auto end = last == begin ? begin : to_zero_based(last, n, what(last)) + 1;
  check(step >= 1, "the step of a range must be 1 or more, got {}", step);
  check(end >= begin, "the range {{{}, {}}} runs backwards: use t:flip(dim)", first, last);
  return Slice(begin, end, step);
}

// One entry of t[{...}] for the dimensions from `dim` on; advances `dim` past those it uses.
TensorIndex entry(lua_State* L, int index, const at::Tensor& self, int64_t& dim) {
  if (auto* tensor = test<at::Tensor>(L, index); tensor && tensor->scalar_type() == at::kBool) {
    auto mask = *tensor;
    for (int64_t d = 0; d < mask.dim(); ++d)
      check(dim + d < self.dim() && mask.size(d) == self.size(dim + d),
            "a mask of shape {} does not fit a tensor of shape {}", shape_text(mask.sizes()), shape_text(self.sizes()));
    dim += mask.dim();
    return mask;
  }
  check(dim < self.dim(), "too many positions for a tensor of shape {}", shape_text(self.sizes()));
  auto n = self.size(dim), at = dim++;
  if (auto* tensor = test<at::Tensor>(L, index)) return zero_based(L, *tensor, n, "position");
  switch (lua_type(L, index)) {
    case LUA_TNUMBER:
      return position(L, index, n, at);
    case LUA_TTABLE:
      return range(L, index, n, at);
    case LUA_TSTRING:
      check(std::string(lua_tostring(L, index)) == "all",
            "a tensor has no position '{}': use a number, {{first, last}} or \"all\"", lua_tostring(L, index));
      return Slice();
    default:
      fail("a tensor cannot be indexed with {}", type_name(L, index));
  }
}

std::vector<TensorIndex> read_key(lua_State* L, int index, const at::Tensor& self) {
  std::vector<TensorIndex> indices;
  int64_t dim = 0;
  check(self.dim() > 0, "a tensor without dimensions cannot be indexed: use t:item()");
  if (!lua_istable(L, index)) {
    indices.push_back(entry(L, index, self, dim));
    return indices;
  }
  auto n = static_cast<lua_Integer>(lua_rawlen(L, index));
  for (lua_Integer i = 1; i <= n; ++i) {
    lua_rawgeti(L, index, i);
    indices.push_back(entry(L, lua_gettop(L), self, dim));
    lua_pop(L, 1);
  }
  return indices;
}

int get(lua_State* L, at::Tensor& self) {
  if (lua_type(L, 2) == LUA_TSTRING || lua_isnil(L, 2)) return 0;
  auto indices = read_key(L, 2, self);
  return push(L, indices.empty() ? self : self.index(indices));
}

int set(lua_State* L, at::Tensor& self) {
  if (lua_type(L, 2) == LUA_TSTRING) {
    check(std::string(lua_tostring(L, 2)) == "requires_grad", "the field '{}' of a tensor cannot be set",
          lua_tostring(L, 2));
    set_requires_grad(self, arg_boolean(L, 3, "requires_grad"));
    return 0;
  }
  auto indices = read_key(L, 2, self);
  auto value = to_tensor(L, 3, "the assigned value");
  if (!value) fail("a tensor's entries are set from a number, a tensor or a table, not from {}", type_name(L, 3));
  auto entries = indices.empty() ? self : self.index(indices);
  check(at::is_expandable_to(value->sizes(), entries.sizes()),
        "a value of shape {} does not fit the entries of shape {}", shape_text(value->sizes()),
        shape_text(entries.sizes()));
  if (indices.empty()) indices.push_back(Slice());
  self.index_put_(indices, value->to(self.options()));
  return 0;
}

int narrow(lua_State* L, at::Tensor& self) {
  auto dim = arg_dim(L, 2, self.dim());
  auto first = arg_integer(L, 3, "first"), length = arg_integer(L, 4, "length", {.min = 0});
  auto begin = to_zero_based(first, self.size(dim) + (length == 0), fmt::format("tensor:narrow: position {}", first));
  check(begin + length <= self.size(dim), "tensor:narrow: {} entries from {} on are more than dimension {} has ({})",
        length, first, dim + 1, self.size(dim));
  return push(L, self.narrow(dim, begin, length));
}

int select(lua_State* L, at::Tensor& self) {
  auto dim = arg_dim(L, 2, self.dim());
  auto at = arg_integer(L, 3, "position");
  return push(L, self.select(dim, to_zero_based(at, self.size(dim), fmt::format("tensor:select: position {}", at))));
}

int index_select(lua_State* L, at::Tensor& self) {
  auto dim = arg_dim(L, 2, self.dim());
  auto positions = zero_based(L, arg_tensor(L, 3, "positions"), self.size(dim), "positions");
  check(positions.dim() <= 1, "tensor:index_select: 'positions' must have one dimension, got shape {}",
        shape_text(positions.sizes()));
  return push(L, self.index_select(dim, positions.to(self.device())));
}

int gather(lua_State* L, at::Tensor& self) {
  auto dim = arg_dim(L, 2, self.dim());
  auto positions = zero_based(L, arg_tensor(L, 3, "positions"), self.size(dim), "positions");
  return push(L, self.gather(dim, positions.to(self.device())));
}

at::Tensor arg_mask(lua_State* L, int index, const at::Tensor& self) {
  auto mask = arg_tensor(L, index, "mask");
  check(mask.scalar_type() == at::kBool,
        "{}: 'mask' must be a tensor of booleans, got {}: compare first, as in t:gt(0)", function_name(L),
        dtype_name(mask.scalar_type()));
  check(at::is_expandable_to(mask.sizes(), self.sizes()), "{}: a mask of shape {} does not fit a tensor of shape {}",
        function_name(L), shape_text(mask.sizes()), shape_text(self.sizes()));
  return mask.to(self.device());
}

int masked_select(lua_State* L, at::Tensor& self) { return push(L, self.masked_select(arg_mask(L, 2, self))); }

int masked_fill(lua_State* L, at::Tensor& self) {
  return push(L, self.masked_fill(arg_mask(L, 2, self), arg_number(L, 3, "value")));
}

}  // namespace

void register_tensor_index(TensorType& type) {
  type.index(get);
  type.newindex(set);
  type.method("narrow", "t:narrow(dim, first, length) -> tensor", "A view of `length` positions of one dimension.",
              narrow);
  type.method("select", "t:select(dim, position) -> tensor", "A view of one position; the dimension goes.", select);
  type.method("index_select", "t:index_select(dim, positions) -> tensor",
              "The positions of one dimension, in this order.", index_select);
  type.method("gather", "t:gather(dim, positions) -> tensor",
              "For each entry of positions, the entry at that position.", gather);
  type.method("masked_select", "t:masked_select(mask) -> tensor",
              "The entries where the mask is true, in one dimension.", masked_select);
  type.method("masked_fill", "t:masked_fill(mask, value) -> tensor", "The value where the mask is true.", masked_fill);
}

}  // namespace multiviz::script
