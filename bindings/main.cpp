#include <fmt/format.h>

#include "bindings/register.h"

using namespace multiviz;

int main(int count, char** arguments) {
  lua_State* L = luaL_newstate();
  luaL_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, script::open);
  lua_setfield(L, -2, "multiviz.core");
  lua_pushcfunction(L, script::open);
  lua_setfield(L, -2, "multiviz");
  lua_settop(L, 0);
  int status = count > 1 ? luaL_dofile(L, arguments[1]) : LUA_OK;
  if (status != LUA_OK) fmt::print(stderr, "multiviz: {}\n", lua_tostring(L, -1));
  lua_close(L);
  return status == LUA_OK ? 0 : 1;
}
