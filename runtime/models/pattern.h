#pragma once
#include <string_view>

namespace multiviz {

// Whether a name is the pattern, or begins as a pattern that ends in '*' does: "image.*".
inline bool matches(std::string_view pattern, std::string_view name) {
  if (pattern.ends_with('*')) return name.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern == name;
}

}  // namespace multiviz
