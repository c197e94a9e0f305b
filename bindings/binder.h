#pragma once
#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <new>
#include <nlohmann/json_fwd.hpp>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "bindings/lua.h"
#include "core/error.h"

// How C++ is given to scripts. A file of bindings/ has one `register_x(Binder&)`, listed in register.h and
// register.cpp:
//
// clang-format off
//   namespace multiviz::script {
//   namespace {
//
//   int lime_call(lua_State* L) {
//     auto& model = arg<ModelPtr>(L, 1, "model");          // "mv.lime: 'model' must be a model, got 3"
//     auto& x = arg<DatapointHandle>(L, 2, "x");
//     Options options(L, 3);                               // a table, nil or nothing
//     LimeOptions lime;
//     lime.samples = options.integer("samples", lime.samples, {.min = 1});
//     auto width = options.number("kernel_width");         // no default: a std::optional
//     options.done();                                      // "unknown option 'sample'; did you mean 'samples'?"
//     return push(L, std::make_shared<Explanation>(multiviz::lime(*model, x->datapoint, lime)));
//   }
//
//   int players(lua_State* L, ExplanationPtr& self) {
//     auto n = arg_integer(L, 2, "n", {.min = 1});
//     ...
//     return push(L, names);                               // std::vector<std::string> -> a Lua table
//   }
//
//   }  // namespace
//
//   void register_explanation(Binder& binder) {
//     auto type = binder.type<ExplanationPtr>("explanation", "Weights of the parts of an input towards a target.");
//     type.method("players", "e:players(n)", "The names of the n strongest players, strongest first.", players);
//     type.property("method", "The method's name.", [](lua_State* L, auto& self) { return push(L, self->method); });
//     type.tostring([](auto& self) { return summary(*self); });
//     binder.function("lime", "mv.lime(model, x, {samples=1000, ...}) -> explanation", "What it does.", lime_call);
//   }
//
//   }  // namespace multiviz::script
// clang-format on
//
// Rules. Throw (Error, or anything derived from std::exception): the binder turns it into a Lua error with the script's
// file and line. Never write `catch (...)`: Lua's own errors are C++ exceptions too and must pass; destructors run.
// Hold no lua_State beyond the call: a function kept for later is a Callback. What scripts hold is a value (cheap to
// copy) or a std::shared_ptr<T>; of the latter, one object in C++ is one object in Lua (`==` holds, tables can be keyed
// by it).
namespace multiviz::script {

// An error that a script raised and that already says where; passes through C++ unchanged.
class ScriptError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

using Call = std::function<int(lua_State*)>;

// What scripts can call: `name` as users write it ("mv.lime", "tensor:sum"), used in errors and by help().
struct Function {
  std::string name, signature, help;
  Call call;
};

// Bounds of a number, both included.
struct Range {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
};

// ---- Arguments. `name` is what the signature calls it. ----

const std::string& function_name(lua_State* L);  // of the running function
std::string with_article(const std::string& noun);
std::string type_name(lua_State* L, int index);  // "a tensor", "a number", "an empty table", "nothing", "nil"
std::string given(lua_State* L, int index);      // the same, but the value itself for numbers and strings
[[noreturn]] void wrong_argument(lua_State* L, int index, const char* name, const std::string& expected);

int64_t arg_integer(lua_State* L, int index, const char* name, Range range = {});
double arg_number(lua_State* L, int index, const char* name, Range range = {});
std::string arg_string(lua_State* L, int index, const char* name);
bool arg_boolean(lua_State* L, int index, const char* name);
inline bool absent(lua_State* L, int index) { return lua_isnoneornil(L, index); }

// ---- Objects ----

namespace detail {
template <typename T>
inline const char type_key = 0;  // its address names T in the registry
template <typename T>
struct is_shared : std::false_type {};
template <typename T>
struct is_shared<std::shared_ptr<T>> : std::true_type {};

bool has_type(lua_State* L, int index, const void* key);
std::string expected_type(lua_State* L, const void* key);  // "a tensor"
void push_metatable(lua_State* L, const void* key);
bool push_known(lua_State* L, const void* key, const void* object);  // the userdata that already holds this object
void remember(lua_State* L, const void* object);                     // the userdata on top of the stack holds it
}  // namespace detail

// The object at this index, or null when it is something else.
template <typename T>
T* test(lua_State* L, int index) {
  return detail::has_type(L, index, &detail::type_key<T>) ? static_cast<T*>(lua_touserdata(L, index)) : nullptr;
}

template <typename T>
T& arg(lua_State* L, int index, const char* name) {
  if (auto* object = test<T>(L, index)) return *object;
  wrong_argument(L, index, name, detail::expected_type(L, &detail::type_key<T>));
}

// Tells the collector, which sees only the handle, of this much memory behind objects made just now.
void account(lua_State* L, size_t bytes);

template <typename T>
int push_object(lua_State* L, T value) {
  static_assert(alignof(T) <= alignof(void*));
  const void* key = &detail::type_key<T>;
  if constexpr (detail::is_shared<T>::value) {
    if (!value) fail("internal: an empty object was returned to the script");
    if (detail::push_known(L, key, value.get())) return 1;
  }
  void* memory = lua_newuserdatauv(L, sizeof(T), 1);
  new (memory) T(std::move(value));
  detail::push_metatable(L, key);
  lua_setmetatable(L, -2);
  if constexpr (detail::is_shared<T>::value) detail::remember(L, static_cast<T*>(memory)->get());
  return 1;
}

// ---- Pushing results ----

// Always return 1, so that a function can end with `return push(L, value)`. More in convert.h.

int push(lua_State* L, const std::string& value);
int push(lua_State* L, const char* value);
int push(lua_State* L, bool value);
int push(lua_State* L, double value);
int push(lua_State* L, int64_t value);
inline int push(lua_State* L, int value) { return push(L, static_cast<int64_t>(value)); }
inline int push(lua_State* L, size_t value) { return push(L, static_cast<int64_t>(value)); }
int push(lua_State* L, at::Tensor value);             // nil when it is undefined
int push(lua_State* L, const nlohmann::json& value);  // see convert.h
template <typename T>
int push(lua_State* L, std::shared_ptr<T> value) {
  return push_object(L, std::move(value));
}
template <typename T>
int push(lua_State* L, const std::vector<T>& values) {
  luaL_checkstack(L, 4, "too deep");
  lua_createtable(L, static_cast<int>(values.size()), 0);
  for (size_t i = 0; i < values.size(); ++i) {
    push(L, values[i]);
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
  return 1;
}

int push_function(lua_State* L, Function function);
// The Function behind a Lua value made by push_function, or null.
const Function* to_function(lua_State* L, int index);

// table[name] = value, the table being on top of the stack.
template <typename T>
void set_field(lua_State* L, const char* name, T&& value) {
  push(L, std::forward<T>(value));
  lua_setfield(L, -2, name);
}

// ---- Registration ----

// Untyped half of Type<T>; the metatable lives in the registry.
class TypeBinder {
 public:
  TypeBinder(lua_State* L, const void* key, std::string name) : L(L), key_(key), name_(std::move(name)) {}
  void add_method(const char* name, const char* signature, const char* help, Call call) const;
  void add_property(const char* name, const char* help, Call call) const;
  void add_meta(const char* event, Call call) const;
  void set_fallback(const char* event, Call call) const;
  const std::string& name() const { return name_; }

 protected:
  lua_State* L;
  const void* key_;
  std::string name_;
};

// Functions get the object as `T& self`; other arguments start at 2.
template <typename T>
class Type : public TypeBinder {
 public:
  using TypeBinder::TypeBinder;
  using Member = std::function<int(lua_State*, T&)>;

  // A method. `signature` as one would call it: "t:sum([dim])".
  Type& method(const char* name, const char* signature, const char* help, Member member) {
    add_method(name, signature, help, self_call(member));
    return *this;
  }
  // A read-only field; pushes one value.
  Type& property(const char* name, const char* help, Member member) {
    add_property(name, help, self_call(member));
    return *this;
  }
  // "__len", "__call", "__eq", "__concat", "__add" (self is the first operand: see meta_raw for both).
  Type& meta(const char* event, Member member) {
    add_meta(event, self_call(member));
    return *this;
  }
  // Operators whose first operand need not be of this type.
  Type& meta_raw(const char* event, Call call) {
    add_meta(event, std::move(call));
    return *this;
  }
  // x[key] for keys that are neither methods nor properties; returns 0 to say that there is no such field.
  Type& index(Member member) {
    set_fallback("index", self_call(member));
    return *this;
  }
  // x[key] = value.
  Type& newindex(Member member) {
    set_fallback("newindex", self_call(member));
    return *this;
  }
  Type& tostring(std::function<std::string(T&)> print) {
    return meta("__tostring", [print](lua_State* L, T& self) { return push(L, print(self)); });
  }

 private:
  static Call self_call(Member member) {
    return [member = std::move(member)](lua_State* L) { return member(L, arg<T>(L, 1, "self")); };
  }
};

// Adds functions and types to the table `mv`.
class Binder {
 public:
  Binder(lua_State* L, int table) : L(L), table_(lua_absindex(L, table)) {}

  // `path` below mv: "lime", or "models.load", which makes the table mv.models.
  void function(const char* path, const char* signature, const char* help, Call call);
  // mv.path = the value on top of the stack, which is popped.
  void value(const char* path);

  template <typename T>
  Type<T> type(const char* name, const char* help) {
    make_type(&detail::type_key<T>, name, help, destroy<T>);
    return Type<T>(L, &detail::type_key<T>, name);
  }

  lua_State* const L;

 private:
  template <typename T>
  static int destroy(lua_State* L) {
    auto* object = static_cast<T*>(lua_touserdata(L, 1));
    if (!object || !lua_getmetatable(L, 1)) return 0;
    lua_pushnil(L);  // a second call, or a use after it, finds no type
    lua_setmetatable(L, 1);
    object->~T();
    return 0;
  }
  void make_type(const void* key, const char* name, const char* help, lua_CFunction destroy);

  int table_;
};

// A Lua function kept beyond the call that gave it. Runs on a Lua thread of its own, so it may be called whichever
// coroutine is running, but only from the thread that owns the Lua state.
class Callback {
 public:
  Callback(lua_State* L, int index, const char* name);  // throws Error when it is not a function
  ~Callback();
  Callback(const Callback&) = delete;
  Callback& operator=(const Callback&) = delete;

  // `arguments` pushes any number of values and returns how many; `results` reads `count` values at 1..count. An error
  // in the function is thrown as ScriptError, a cancellation as Cancelled.
  void call(const std::function<int(lua_State*)>& arguments, int count,
            const std::function<void(lua_State*)>& results) const;

 private:
  lua_State* main_;  // the main thread lives as long as the state
  int reference_;
};

// The first file:line of the user's own code on the stack, as "file:line: "; "" when there is none.
std::string where(lua_State* L);

// One line for `struct Function` lists: runs C++ that may throw inside a plain lua_CFunction.
int guarded(lua_State* L, const Call& call);

}  // namespace multiviz::script

#include "bindings/convert.h"
#include "bindings/options.h"
