#include <map>

#include "io/pickle_arena.h"

namespace multiviz {
namespace {

using Builder = PickleNode* (*)(PickleArena& arena, PickleNode& arguments);

const PickleNode* argument(const PickleNode& arguments, size_t index) {
  const auto& items = pickle_items(arguments);
  return index < items.size() ? items[index] : nullptr;
}

bool holds_items(const PickleNode& node) {
  return node.kind == PickleKind::list || node.kind == PickleKind::tuple || node.kind == PickleKind::set;
}

// A list, tuple or set with the items of the first argument, if there is one.
template <PickleKind kind>
PickleNode* make_items(PickleArena& arena, PickleNode& arguments) {
  PickleNode* out = arena.add(kind);
  const PickleNode* from = argument(arguments, 0);
  if (!from) return out;
  check(holds_items(*from), "'{}': a {} in it is made of a {}: the file is damaged", arena.name, pickle_kind_name(kind),
        pickle_kind_name(from->kind));
  arena.charge_copy(8 * pickle_items(*from).size());
  if (kind == PickleKind::set)
    for (PickleNode* item : pickle_items(*from)) pickle_insert(arena, *out, item);
  else
    out->make_content().items = pickle_items(*from);
  return out;
}

void copy_entries(PickleArena& arena, PickleNode& dict, const PickleNode& from) {
  arena.charge_copy(8 * pickle_items(from).size());
  for (size_t i = 0; i < pickle_items(from).size(); ++i)
    pickle_set(arena, dict, from.content->keys[i], from.content->items[i]);
}

// A dict of another dict, or of pairs.
PickleNode* make_dict(PickleArena& arena, PickleNode& arguments) {
  PickleNode* dict = arena.add(PickleKind::dict);
  const PickleNode* from = argument(arguments, 0);
  if (!from) return dict;
  if (from->kind == PickleKind::dict) return copy_entries(arena, *dict, *from), dict;
  check(holds_items(*from), "'{}': a dict in it is made of a {}: the file is damaged", arena.name,
        pickle_kind_name(from->kind));
  for (const PickleNode* pair : pickle_items(*from)) {
    check(holds_items(*pair) && pickle_items(*pair).size() == 2, "'{}': a dict in it is not made of pairs", arena.name);
    arena.charge_copy(8);
    pickle_set(arena, *dict, pickle_items(*pair)[0], pickle_items(*pair)[1]);
  }
  return dict;
}

PickleNode* make_empty_dict(PickleArena& arena, PickleNode&) { return arena.add(PickleKind::dict); }

PickleNode* make_namespace(PickleArena& arena, PickleNode&) { return arena.add_text(PickleKind::dict, "namespace"); }

// Protocols before 3 have no bytes and write them as text.
PickleNode* encode_latin1(PickleArena& arena, PickleNode& arguments) {
  const PickleNode* text = argument(arguments, 0);
  const PickleNode* codec = argument(arguments, 1);
  const bool fits = text && text->kind == PickleKind::text && codec && codec->kind == PickleKind::text &&
                    (codec->text == "latin1" || codec->text == "latin-1");
  check(fits, "'{}': bytes in it are not written as Latin-1: the file is damaged", arena.name);
  auto bytes = utf8_to_latin1(text->text);
  check(bytes.has_value(), "'{}': bytes in it are not written as Latin-1: the file is damaged", arena.name);
  return arena.add_text(PickleKind::bytes, arena.keep(std::move(*bytes)));
}

PickleNode* make_bytes(PickleArena& arena, PickleNode& arguments) {
  const PickleNode* from = argument(arguments, 0);
  if (!from) return arena.add(PickleKind::bytes);
  const bool direct = from->kind == PickleKind::bytes || (from->kind == PickleKind::text && from->raw);
  return direct ? arena.add_text(PickleKind::bytes, from->text) : encode_latin1(arena, arguments);
}

PickleNode* make_complex(PickleArena& arena, PickleNode& arguments) {
  PickleNode* node = arena.add(PickleKind::complex);
  double parts[2];
  for (size_t i = 0; i < 2; ++i) {
    const PickleNode* part = argument(arguments, i);
    check(part && part->kind == PickleKind::real, "'{}': a complex number in it is damaged", arena.name);
    parts[i] = part->real;
  }
  node->real = parts[0];
  node->make_content().imaginary = parts[1];
  return node;
}

PickleNode* make_path(PickleArena& arena, PickleNode& arguments) {
  std::string path;
  for (const PickleNode* part : pickle_items(arguments)) {
    check(part->kind == PickleKind::text, "'{}': a path in it is damaged", arena.name);
    if (!path.empty() && !path.ends_with('/')) path += '/';
    path += part->text;
  }
  return arena.add_text(PickleKind::text, arena.keep(std::move(path)));
}

PickleNode* make_dtype(PickleArena& arena, PickleNode& arguments) {
  PickleNode* node = arena.add_text(PickleKind::object, "numpy.dtype");
  node->make_content().arguments = &arguments;
  return node;
}

const std::map<std::string_view, Builder>& builders() {
  using enum PickleKind;
  static const std::map<std::string_view, Builder> all = {
      {"builtins.set", make_items<set>},
      {"builtins.frozenset", make_items<set>},
      {"builtins.list", make_items<list>},
      {"builtins.tuple", make_items<tuple>},
      {"torch.Size", make_items<tuple>},
      {"collections.deque", make_items<list>},
      {"builtins.dict", make_dict},
      {"collections.OrderedDict", make_dict},
      {"collections.Counter", make_dict},
      {"collections.defaultdict", make_empty_dict},
      {"argparse.Namespace", make_namespace},
      {"types.SimpleNamespace", make_namespace},
      {"builtins.bytes", make_bytes},
      {"builtins.bytearray", make_bytes},
      {"_codecs.encode", encode_latin1},
      {"builtins.complex", make_complex},
      {"pathlib.PosixPath", make_path},
      {"pathlib.PurePosixPath", make_path},
      {"pathlib._local.PosixPath", make_path},
      {"numpy.dtype", make_dtype},
      {"numpy.core.multiarray._reconstruct", numpy_empty},
      {"numpy.core.multiarray.scalar", numpy_scalar},
      {"numpy.core.numeric._frombuffer", numpy_buffer},
  };
  return all;
}

[[noreturn]] void refuse(const PickleArena& arena, std::string_view name) {
  fail(
      "'{}' holds a {}, which is not built here because no code of a file is run: save it again in Python as dicts, "
      "lists and NumPy arrays",
      arena.name, name);
}

// copyreg._reconstructor(class, base, items): instances in protocols 0 and 1.
PickleNode* reconstruct(const std::shared_ptr<PickleArena>& arena, const PickleOptions& options,
                        const PickleNode& arguments) {
  const auto& items = pickle_items(arguments);
  check(items.size() == 3 && items[0]->kind == PickleKind::global, "'{}': an instance in it is damaged", arena->name);
  PickleNode* object = pickle_call(arena, options, items[0], arena->add(PickleKind::tuple));
  if (items[2]->kind == PickleKind::dict) copy_entries(*arena, *object, *items[2]);
  if (items[2]->kind == PickleKind::list)
    for (PickleNode* item : pickle_items(*items[2])) arena->charge_copy(8), pickle_append(*arena, *object, item);
  return object;
}

}  // namespace

PickleNode* wrap_tensor(PickleArena& arena, at::Tensor tensor) {
  PickleNode* node = arena.add(PickleKind::array);
  auto& array = node->make_content().array = std::make_unique<PickleArray>();
  if (!tensor.defined()) return node;
  array->type = tensor.scalar_type();
  array->shape = tensor.sizes().vec();
  array->tensor = std::move(tensor);
  return node;
}

PickleNode* pickle_call(const std::shared_ptr<PickleArena>& arena, const PickleOptions& options, PickleNode* function,
                        PickleNode* arguments) {
  if (auto found = builders().find(function->text); found != builders().end()) return found->second(*arena, *arguments);
  if (function->text == "copyreg._reconstructor") return reconstruct(arena, options, *arguments);
  if (options.call)
    if (auto tensor = options.call(std::string(function->text), Pickle(arena, arguments)))
      return wrap_tensor(*arena, std::move(*tensor));
  if (!options.keep_objects) refuse(*arena, function->text);
  PickleNode* object = arena->add_text(PickleKind::object, function->text);
  object->make_content().arguments = arguments;
  return object;
}

void pickle_build(PickleArena& arena, PickleNode& object, PickleNode* state) {
  switch (object.kind) {
    case PickleKind::array:  // a tensor's attributes are no data
      if (object.content->array->numpy) numpy_set_state(arena, object, *state);
      return;
    case PickleKind::object:
      object.content->state = state;
      return;
    case PickleKind::dict:  // the attributes of an OrderedDict are not in it, those of a namespace are all of it
      if (object.text == "namespace" && state->kind == PickleKind::dict && state != &object)
        copy_entries(arena, object, *state);
      return;
    default:
      fail("'{}': a {} in it is given a state: the file is damaged", arena.name, pickle_kind_name(object.kind));
  }
}

}  // namespace multiviz
