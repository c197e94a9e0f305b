#include <ATen/ATen.h>

#include "bindings/register.h"
#include "bindings/session.h"
#include "io/npy.h"
#include "io/safetensors.h"
#include "io/torch_file.h"
#include "models/load.h"

namespace multiviz::script {
namespace {

[[noreturn]] void unknown_format(lua_State* L, const std::string& path) {
  fail("{}: '{}' must end in .safetensors, .npy, .pt, .pth, .bin or .pkl", function_name(L), path);
}

bool is_pickle(const std::string& path) {
  for (const char* ending : {".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle"})
    if (path.ends_with(ending)) return true;
  return false;
}

int push_pickle(lua_State* L, const Pickle& value, const std::string& path, at::Device device);

void push_entries(lua_State* L, const Pickle& dict, const std::string& path, at::Device device) {
  lua_createtable(L, 0, static_cast<int>(std::min<size_t>(dict.size(), 1 << 20)));
  for (size_t i = 0; i < dict.size(); ++i) {
    const Pickle key = dict.key(i);
    const bool able = key.is_text() || key.is(PickleKind::integer) || key.is(PickleKind::bytes);
    check(able, "'{}': a {} is a key in it, and a table's can be strings and integers", path,
          pickle_kind_name(key.kind()));
    push_pickle(L, key, path, device);
    push_pickle(L, dict[i], path, device);
    lua_rawset(L, -3);
  }
}

void push_items(lua_State* L, const Pickle& list, const std::string& path, at::Device device) {
  lua_createtable(L, static_cast<int>(std::min<size_t>(list.size(), 1 << 20)), 0);
  for (size_t i = 0; i < list.size(); ++i) {
    push_pickle(L, list[i], path, device);
    if (lua_isnil(L, -1)) lua_pop(L, 1), lua_pushboolean(L, false);
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
}

// Tensors are copied: scripts may write to them.
int push_pickle(lua_State* L, const Pickle& value, const std::string& path, at::Device device) {
  luaL_checkstack(L, 4, "the file nests too deep");
  switch (value.kind()) {
    case PickleKind::none:
      return lua_pushnil(L), 1;
    case PickleKind::boolean:
      return lua_pushboolean(L, value.boolean(path)), 1;
    case PickleKind::integer:
      if (value.is_big()) return push(L, value.number(path));
      return push(L, value.integer(path));
    case PickleKind::real:
      return push(L, value.number(path));
    case PickleKind::text:
      return push(L, value.text(path));
    case PickleKind::bytes:
      return push(L, std::string(value.bytes(path)));
    case PickleKind::dict:
      return push_entries(L, value, path, device), 1;
    case PickleKind::list:
    case PickleKind::tuple:
    case PickleKind::set:
      return push_items(L, value, path, device), 1;
    case PickleKind::array: {
      if (!value.is_tensor()) return push_items(L, value, path, device), 1;
      auto tensor = value.tensor(path);
      return push(L, tensor.to(device, tensor.scalar_type(), false, true));
    }
    case PickleKind::complex:
      fail("'{}': it holds a complex number: save it as two", path);
    default:
      return push(L, "<" + value.class_name(path) + ">");
  }
}

int load(lua_State* L) {
  auto path = arg_string(L, 1, "path");
  auto device = script_device(L);
  if (path.ends_with(".npy")) return push(L, load_npy(path).to(device));
  if (is_pickle(path)) return push_pickle(L, load_any_pickle(path), path, device);
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

std::vector<std::pair<std::string, at::Tensor>> in_order(const std::map<std::string, at::Tensor>& tensors) {
  return {tensors.begin(), tensors.end()};
}

int save(lua_State* L) {
  if (auto* model = test<ModelPtr>(L, 1)) {
    Options options(L, 3);
    bool half = options.boolean("half", false);
    options.done();
    return save_model(**model, arg_string(L, 2, "path"), half), 0;
  }
  auto path = arg_string(L, 1, "path");
  if (path.ends_with(".npy")) {
    Options(L, 3).done();
    save_npy(path, arg_tensor(L, 2, "value").detach());
    return 0;
  }
  if (is_pickle(path)) {
    check(!path.ends_with(".pkl") && !path.ends_with(".pickle"),
          "mv.save: '{}': only PyTorch's files are written as pickles: end it in .pt, .pth or .bin", path);
    Options(L, 3).done();
    save_state_dict(path, in_order(arg_named_tensors(L, 2)));
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
                  "The tensor in an .npy file; the tensors in a .safetensors file by name and its metadata; what "
                  "torch.save or pickle.dump wrote (.pt, .pth, .bin, .pkl): tables of tensors, numbers and strings. No "
                  "code of a file is run, and of instances of classes only the name is given.",
                  load);
  binder.function(
      "save", "mv.save(path, tensor | {name = tensor} [, {metadata=}]) or mv.save(model, path [, {half=}])",
      "Writes an .npy file from a tensor, a .safetensors or PyTorch (.pt, .pth, .bin) file from tensors by name, or a "
      "model as model:save does. The file appears whole or not at all.",
      save);
}

}  // namespace multiviz::script
