#pragma once
#include <ATen/core/Tensor.h>

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bindings/binder.h"

namespace multiviz::script {

// The options table of a call. Each query makes its name known; done() refuses every other name. Without a default a
// query gives an optional that is empty when the option is absent.
class Options {
 public:
  Options(lua_State* L, int index);
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;

  bool has(const char* name);
  bool asked(const std::string& name) const;  // whether a query has made this name known
  void require(const char* name);  // throws Error when it is absent

  int64_t integer(const char* name, int64_t fallback, Range range = {});
  std::optional<int64_t> integer(const char* name);
  double number(const char* name, double fallback, Range range = {});
  std::optional<double> number(const char* name);
  bool boolean(const char* name, bool fallback);
  std::string string(const char* name, const std::string& fallback);
  std::optional<std::string> string(const char* name);
  std::string choice(const char* name, const std::vector<std::string>& values, const std::string& fallback);
  uint64_t seed();  // "seed"; by default what mv.seed set, 0 at first

  std::optional<std::vector<std::string>> strings(const char* name);  // one string, or a table of them
  std::optional<std::vector<int64_t>> integers(const char* name);     // one integer, or a table of them
  std::optional<std::vector<double>> numbers(const char* name);
  std::optional<at::Tensor> tensor(const char* name);    // a tensor, or nested tables of numbers
  std::shared_ptr<Callback> callback(const char* name);  // null when absent
  // An object of a type, or null when absent.
  template <typename T>
  T* object(const char* name) {
    if (raw(name) == LUA_TNIL) return lua_pop(L, 1), nullptr;
    T* found = test<T>(L, -1);
    if (!found) wrong(name, detail::expected_type(L, &detail::type_key<T>));
    lua_pop(L, 1);  // the options table keeps it alive
    return found;
  }

  // Pushes the option's value (nil when absent), whatever it is, and returns its type. The caller pops it.
  int raw(const char* name);
  // "mv.lime: option 'target' must be <expected>, got a number", for the value on top of the stack.
  [[noreturn]] void wrong(const char* name, const std::string& expected);

  // Throws Error when the table holds an option that nobody asked for. Call it after the last query.
  void done();

 private:
  lua_State* L;
  int index_;  // 0 when no table was given
  std::vector<std::string> known_;
};

}  // namespace multiviz::script
