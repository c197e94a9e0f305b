#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace multiviz {

// Parses untrusted JSON: nesting deeper than 200 levels is refused. `name` is the file, for the error, which says the
// line where it broke.
nlohmann::json parse_json(std::string_view text, const std::string& name);
nlohmann::json load_json(const std::string& path);

}  // namespace multiviz
