#pragma once
#include <fmt/format.h>

#include <stdexcept>
#include <string>

namespace multiviz {

// A mistake or a failure that the user can do something about. The message says what was wrong and, after a colon,
// what to do; the script surface puts `file:line:` in front of it.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

template <typename... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
void check(bool condition, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) fail(format, std::forward<Args>(args)...);
}

}  // namespace multiviz
