#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace multiviz {

// The part of YAML that settings are written in, as PyYAML's dump writes it: mappings and sequences by indentation,
// [a, b] and {} in one line, plain and quoted scalars, comments, anchors and aliases; tuples are lists. Other tags,
// block scalars and several documents are refused. Untrusted: nesting deeper than 100 levels is refused, and aliases
// that repeat more than 100,000 values. Throws Error with the file and line.
nlohmann::json parse_yaml(std::string_view text, const std::string& name);
nlohmann::json load_yaml(const std::string& path);

}  // namespace multiviz
