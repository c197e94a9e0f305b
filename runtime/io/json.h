#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace multiviz {

// Parses untrusted JSON: nesting deeper than 200 levels is refused. `name` is the file, for the error, which says the
// line where it broke. With `unique_keys` an object that has a key twice is refused; otherwise the last one counts.
// `first_line` is the number of the text's first line in that file.
nlohmann::json parse_json(std::string_view text, const std::string& name, bool unique_keys = false,
                          int64_t first_line = 1);
nlohmann::json load_json(const std::string& path);

// The text of a value. Throws Error naming `where` when a string in it is not UTF-8.
std::string dump_json(const nlohmann::json& value, const std::string& where, int indent = -1);

// `value` as a T, without nlohmann's silent conversions (a number is not a bool, 1.5 is no integer). T is std::string,
// bool, int64_t, double, or a std::vector of std::string, int64_t or double. Throws Error saying `where` ("config.json:
// layers"), what was expected and what is there.
template <typename T>
T as(const nlohmann::json& value, const std::string& where);
template <>
std::string as(const nlohmann::json& value, const std::string& where);
template <>
bool as(const nlohmann::json& value, const std::string& where);
template <>
int64_t as(const nlohmann::json& value, const std::string& where);
template <>
double as(const nlohmann::json& value, const std::string& where);
template <>
std::vector<std::string> as(const nlohmann::json& value, const std::string& where);
template <>
std::vector<int64_t> as(const nlohmann::json& value, const std::string& where);
template <>
std::vector<double> as(const nlohmann::json& value, const std::string& where);

// The entry `key` of an object as a T; throws Error when `object` is none, or has no such key, naming near ones.
const nlohmann::json& require(const nlohmann::json& object, const std::string& key, const std::string& where);
template <typename T>
T require(const nlohmann::json& object, const std::string& key, const std::string& where) {
  return as<T>(require(object, key, where), where + ": '" + key + "'");
}

// The same, or `otherwise` when the key is missing or null.
template <typename T>
T get_or(const nlohmann::json& object, const std::string& key, T otherwise, const std::string& where) {
  if (!object.is_object()) require(object, key, where);
  auto found = object.find(key);
  if (found == object.end() || found->is_null()) return otherwise;
  return as<T>(*found, where + ": '" + key + "'");
}

}  // namespace multiviz
