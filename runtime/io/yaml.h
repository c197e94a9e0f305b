#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace multiviz {

// The part of YAML that settings are written in, as PyYAML's dump writes it: mappings and sequences by indentation,
// [a, b] and {} in one line, plain and quoted scalars, comments; tuples are lists. Anchors, other tags, block scalars
// and several documents are refused. Untrusted: nesting deeper than 100 levels is refused. Throws Error with the file
// and line.
nlohmann::json parse_yaml(std::string_view text, const std::string& name);
nlohmann::json load_yaml(const std::string& path);

}  // namespace multiviz
