#include "bindings/complete.h"

#include <doctest/doctest.h>

#include <cstdlib>

#include "bindings/binder.h"
#include "bindings/state.h"

using namespace multiviz;
using Words = std::vector<std::string>;

namespace {

script::State prepared() {
  setenv("MULTIVIZ_STDLIB", MULTIVIZ_STDLIB_SOURCE, 1);
  auto state = script::make_state();
  luaL_loadstring(state.get(), R"(
    mv = require "multiviz.core"
    tensor_of_test = mv.zeros(2)
    nested = { field = { inner = 1, other = 2 }, ["not a name"] = 1 }
    trap = setmetatable({}, { __index = function() error "must not run" end })
  )");
  script::run(state.get(), 0, 0);
  return state;
}

}  // namespace

TEST_CASE("names are completed without running code") {
  auto state = prepared();
  auto* L = state.get();
  CHECK(script::complete(L, "print(tensor_of") == Words{"tensor_of_test"});
  CHECK(script::complete(L, "whi") == Words{"while"});
  CHECK(script::complete(L, "nested.") == Words{"nested.field"});
  CHECK(script::complete(L, "x = nested.field.") == Words{"nested.field.inner", "nested.field.other"});
  CHECK(script::complete(L, "mv.no_g") == Words{"mv.no_grad"});
  CHECK(script::complete(L, "tensor_of_test.sh") == Words{"tensor_of_test.shape"});
  CHECK(script::complete(L, "tensor_of_test:matm") == Words{"tensor_of_test:matmul"});
  CHECK(script::complete(L, "tensor_of_test.matm").empty());
  CHECK(script::complete(L, "trap.a.b").empty());
  CHECK(script::complete(L, "missing.a").empty());
  CHECK(script::complete(L, "5 + ").empty());
  CHECK(lua_gettop(L) == 0);
  CHECK(script::common_prefix({"mv.zeros", "mv.zeros_like"}) == "mv.zeros");
  CHECK(script::common_prefix({}) == "");
}
