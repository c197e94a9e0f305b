#include "bindings/state.h"

#include <cstdlib>
#include <filesystem>

#include "bindings/evaluate.h"
#include "bindings/register.h"
#include "bindings/window.h"
#include "core/cancel.h"

namespace multiviz::script {
namespace {

// Lua code that calls no analysis is stopped here.
void stop_when_cancelled(lua_State* L, lua_Debug*) {
  tend_windows(L);
  if (!cancel_requested()) return;
  fail_from_now_on(L);
  luaL_error(L, "%s", Cancelled().what());
}

void watch(lua_State* L) {
  constexpr int instructions = 10000;
  lua_sethook(L, stop_when_cancelled, LUA_MASKCOUNT, instructions);
}

void set_path(lua_State* L, const std::string& folder) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "path");
  push(L, folder + "/?.lua;" + folder + "/?/init.lua;" + lua_tostring(L, -1));
  lua_setfield(L, -3, "path");
  lua_pop(L, 2);
  push(L, folder);
  lua_setfield(L, LUA_REGISTRYINDEX, "multiviz.stdlib");
}

int prepare(lua_State* L) {
  luaL_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, open);
  lua_setfield(L, -2, "multiviz.core");
  set_path(L, lua_tostring(L, 1));
  lua_pushcfunction(L, help);
  lua_setglobal(L, "help");
  return 0;
}

// What error() was given, on top of the stack: a table without a text of its own is shown as the prompt would.
std::string error_text(lua_State* L) {
  const bool described = luaL_getmetafield(L, -1, "__tostring") != LUA_TNIL;
  if (described) lua_pop(L, 1);
  if (lua_istable(L, -1) && !described) return show(L, lua_gettop(L));
  std::string text = luaL_tolstring(L, -1, nullptr);
  lua_pop(L, 1);
  return text;
}

}  // namespace

void fail_from_now_on(lua_State* L) { lua_sethook(L, stop_when_cancelled, LUA_MASKCOUNT, 1); }

std::string stdlib_folder() {
  if (const char* given = std::getenv("MULTIVIZ_STDLIB"); given && *given) return given;
  auto program = std::filesystem::read_symlink("/proc/self/exe");
  return (program.parent_path().parent_path() / "share" / "multiviz").string();
}

State make_state() {
  auto folder = stdlib_folder();
  check(std::filesystem::exists(folder + "/multiviz/init.lua"),
        "the Lua library is not in '{}': install MultiViz again or set MULTIVIZ_STDLIB to its folder", folder);
  State state(luaL_newstate());
  if (!state) throw std::bad_alloc();
  lua_State* L = state.get();
  lua_pushcfunction(L, prepare);
  push(L, folder);
  run(L, 1, 0);
  watch(L);
  return state;
}

void run(lua_State* L, int arguments, int results) {
  if (lua_pcall(L, arguments, results, 0) == LUA_OK) return;
  if (cancel_requested()) {
    lua_pop(L, 1);
    watch(L);
    throw Cancelled();
  }
  auto message = error_text(L);
  lua_pop(L, 1);
  throw ScriptError(message);
}

}  // namespace multiviz::script
