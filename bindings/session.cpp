#include "bindings/session.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include <chrono>

#include "bindings/register.h"
#include "core/device.h"

namespace multiviz::script {
namespace {

// Registry keys, by address.
const char seed_key = 0;
const char device_key = 0;

int set_seed(lua_State* L) {
  auto seed = arg_integer(L, 1, "n", {.min = 0});
  lua_pushinteger(L, seed);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &seed_key);
  at::manual_seed(static_cast<uint64_t>(seed));
  return 0;
}

int device(lua_State* L) {
  if (!absent(L, 1)) {
    auto device = parse_device(arg_string(L, 1, "name"));
    push(L, device.str());
    lua_rawsetp(L, LUA_REGISTRYINDEX, &device_key);
  }
  return push(L, script_device(L).str());
}

int threads(lua_State* L) {
  if (!absent(L, 1)) at::set_num_threads(static_cast<int>(arg_integer(L, 1, "n", {.min = 1, .max = 1024})));
  return push(L, at::get_num_threads());
}

}  // namespace

uint64_t script_seed(lua_State* L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &seed_key);
  auto seed = static_cast<uint64_t>(lua_tointeger(L, -1));
  lua_pop(L, 1);
  return seed;
}

at::Device script_device(lua_State* L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &device_key);
  at::Device device = lua_isstring(L, -1) ? at::Device(lua_tostring(L, -1)) : at::Device(at::kCPU);
  lua_pop(L, 1);
  return device;
}

void register_session(Binder& binder) {
  binder.function("seed", "mv.seed(n)",
                  "Sets the seed that every random method and tensor function takes unless it is given its own.",
                  set_seed);
  binder.function(
      "device", "mv.device([name]) -> string",
      "Sets where new models and tensors go: \"auto\", \"cpu\", \"cuda\" or \"cuda:N\". Returns the device in use.",
      device);
  binder.function("threads", "mv.threads([n]) -> integer",
                  "Sets how many CPU threads tensor operations use; returns it.", threads);
  binder.function("clock", "mv.clock() -> seconds",
                  "Wall-clock seconds since some moment in the past: take differences.", [](lua_State* L) {
                    const auto now = std::chrono::steady_clock::now().time_since_epoch();
                    return push(L, std::chrono::duration<double>(now).count());
                  });
}

}  // namespace multiviz::script
