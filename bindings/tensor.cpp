#include <ATen/ATen.h>

#include "bindings/register.h"

namespace multiviz::script {
namespace {

int tensor(lua_State* L) { return push(L, arg_tensor(L, 1, "values").clone()); }

}  // namespace

void register_tensor(Binder& binder) {
  auto type = binder.type<at::Tensor>("tensor", "An array of numbers with LibTorch's names and semantics; counts from 1.");
  type.property("shape", "Size of each dimension.", [](lua_State* L, auto& self) { return push(L, self.sizes().vec()); });
  type.property("dtype", "Type of the entries: \"float32\", ...",
                [](lua_State* L, auto& self) { return push(L, dtype_name(self.scalar_type())); });
  type.method("tolist", "t:tolist() -> table", "Nested tables of numbers.",
              [](lua_State* L, at::Tensor& self) { return push_table(L, self); });
  binder.function("tensor", "mv.tensor(values) -> tensor", "A tensor from nested tables of numbers.", tensor);
}

}  // namespace multiviz::script
