#include "bindings/binder.h"
#include "core/cancel.h"

namespace multiviz::script {
namespace {
lua_State* main_thread(lua_State* L) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  auto* main = lua_tothread(L, -1);
  lua_pop(L, 1);
  return main;
}
}  // namespace

Callback::Callback(lua_State* L, int index, const char* name) : main_(main_thread(L)) {
  if (!lua_isfunction(L, index)) wrong_argument(L, index, name, "a function");
  lua_pushvalue(L, index);
  reference_ = luaL_ref(L, LUA_REGISTRYINDEX);
}

Callback::~Callback() { luaL_unref(main_, LUA_REGISTRYINDEX, reference_); }

void Callback::call(const std::function<int(lua_State*)>& arguments, int count,
                    const std::function<void(lua_State*)>& results) const {
  // A thread of its own: the main one may be in the middle of resuming a coroutine.
  lua_State* thread = lua_newthread(main_);
  int anchor = luaL_ref(main_, LUA_REGISTRYINDEX);
  std::unique_ptr<int, std::function<void(int*)>> release(
      &anchor, [this](int* reference) { luaL_unref(main_, LUA_REGISTRYINDEX, *reference); });
  lua_rawgeti(thread, LUA_REGISTRYINDEX, reference_);
  int given = arguments ? arguments(thread) : 0;
  if (lua_pcall(thread, given, count, 0) != LUA_OK) {
    if (cancel_requested()) throw Cancelled();
    std::string message = luaL_tolstring(thread, -1, nullptr);
    throw ScriptError(message);
  }
  if (results) results(thread);
}

}  // namespace multiviz::script
