#include <ATen/ATen.h>

#include "bindings/register.h"
#include "bindings/session.h"
#include "io/npy.h"
#include "io/safetensors.h"

namespace multiviz::script {
namespace {

[[noreturn]] void unknown_format(lua_State* L, const std::string& path) {
  fail("{}: '{}' must end in .safetensors or .npy", function_name(L), path);
}

int load(lua_State* L) {
  auto path = arg_string(L, 1, "path");
  auto device = script_device(L);
  if (path.ends_with(".npy")) return push(L, load_npy(path).to(device));
  if (!path.ends_with(".safetensors")) unknown_format(L, path);
  auto loaded = load_safetensors(path);
  lua_createtable(L, 0, static_cast<int>(loaded.tensors.size()));
  // Copies: scripts may write to a tensor, which the mapped file does not allow.
  for (const auto& [name, tensor] : loaded.tensors)
    set_field(L, name.c_str(), tensor.to(device, tensor.scalar_type(), false, true));
  lua_createtable(L, 0, static_cast<int>(loaded.metadata.size()));
  for (const auto& [name, text] : loaded.metadata) set_field(L, name.c_str(), text);
  return 2;
}

std::map<std::string, at::Tensor> arg_named_tensors(lua_State* L, int index) {
  if (!lua_istable(L, index)) wrong_argument(L, index, "value", "a table of tensors by name");
  std::map<std::string, at::Tensor> tensors;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    check(lua_type(L, -2) == LUA_TSTRING, "mv.save: every tensor needs a name, as in {{ weights = t }}");
    auto* tensor = test<at::Tensor>(L, -1);
    check(tensor, "mv.save: '{}' must be a tensor, got {}", lua_tostring(L, -2), type_name(L, -1));
    tensors[lua_tostring(L, -2)] = tensor->detach();
  }
  return tensors;
}

std::map<std::string, std::string> read_metadata(lua_State* L, Options& options) {
  std::map<std::string, std::string> metadata;
  if (options.raw("metadata") == LUA_TTABLE) {
    int table = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
      if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
        options.wrong("metadata", "strings by name");
      metadata[lua_tostring(L, -2)] = lua_tostring(L, -1);
    }
  } else if (!lua_isnil(L, -1)) {
    options.wrong("metadata", "strings by name");
  }
  lua_pop(L, 1);
  return metadata;
}

int save(lua_State* L) {
  auto path = arg_string(L, 1, "path");
  if (path.ends_with(".npy")) {
    save_npy(path, arg_tensor(L, 2, "value").detach());
    return 0;
  }
  if (!path.ends_with(".safetensors")) unknown_format(L, path);
  auto tensors = arg_named_tensors(L, 2);
  Options options(L, 3);
  auto metadata = read_metadata(L, options);
  options.done();
  save_safetensors(path, tensors, metadata);
  return 0;
}

}  // namespace

void register_storage(Binder& binder) {
  binder.function("load", "mv.load(path) -> tensor | {name = tensor}, metadata",
                  "The tensor in an .npy file, or the tensors in a .safetensors file by name and its metadata.", load);
  binder.function(
      "save", "mv.save(path, tensor | {name = tensor} [, {metadata=}])",
      "Writes an .npy file from a tensor, or a .safetensors file from tensors by name. The file appears whole or "
      "not at all.",
      save);
}

}  // namespace multiviz::script
