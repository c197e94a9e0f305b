#include "io/json.h"

#include <algorithm>
#include <set>
#include <vector>

#include "core/error.h"
#include "core/suggest.h"
#include "io/file.h"

namespace multiviz {
namespace {

using nlohmann::json;

constexpr int deepest = 200;

// Before the parser sees it: copying and printing nested values recurse.
void check_depth(std::string_view text, const std::string& name, int64_t line) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    switch (text[i]) {
      case '"':
        quoted = !quoted;
        break;
      case '\\':
        i += quoted ? 1 : 0;
        break;
      case '\n':
        ++line;
        break;
      case '{':
      case '[':
        if (!quoted && ++depth > deepest) fail("{}:{}: JSON nested more than {} levels deep", name, line, deepest);
        break;
      case '}':
      case ']':
        depth -= quoted ? 0 : 1;
        break;
      default:
        break;
    }
  }
}

// The parser's own words, without its prefix, and without the long string it may have stopped in.
std::string reason(const json::exception& error) {
  std::string what = error.what();
  for (const char* prefix : {"] ", "column ", ": "})
    if (size_t at = what.find(prefix); at != std::string::npos && (prefix[0] != ':' || at < 8))
      what = what.substr(at + std::string_view(prefix).size());
  constexpr size_t longest = 160;
  if (what.size() > longest) what = what.substr(0, longest) + "...";
  return what;
}

json::parser_callback_t refuse_repeats(const std::string& name) {
  auto seen = std::make_shared<std::vector<std::set<std::string>>>();
  return [seen, name](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) seen->emplace_back();
    if (event == json::parse_event_t::object_end) seen->pop_back();
    if (event == json::parse_event_t::key)
      check(seen->back().insert(parsed.get_ref<const std::string&>()).second, "{}: the key '{}' is there twice", name,
            parsed.get_ref<const std::string&>());
    return true;
  };
}

[[noreturn]] void wrong_type(const json& value, const std::string& where, const char* expected) {
  fail("{} must be {}, not {}", where, expected, value.is_number_float() ? "a fraction" : value.type_name());
}

template <typename T>
std::vector<T> list(const json& value, const std::string& where) {
  if (!value.is_array()) wrong_type(value, where, "a list");
  std::vector<T> items;
  items.reserve(value.size());
  for (const json& item : value) items.push_back(as<T>(item, fmt::format("{}[{}]", where, items.size())));
  return items;
}

}  // namespace

json parse_json(std::string_view text, const std::string& name, bool unique_keys, int64_t first_line) {
  check_depth(text, name, first_line);
  try {
    return json::parse(text.begin(), text.end(), unique_keys ? refuse_repeats(name) : nullptr);
  } catch (const json::parse_error& error) {
    auto end = text.begin() + static_cast<ptrdiff_t>(std::min(error.byte > 0 ? error.byte - 1 : 0, text.size()));
    fail("{}:{}: not valid JSON: {}", name, first_line + std::count(text.begin(), end, '\n'), reason(error));
  } catch (const json::exception& error) {
    fail("{}: not valid JSON: {}", name, reason(error));
  }
}

json load_json(const std::string& path) { return parse_json(read_file(path), path); }

std::string dump_json(const json& value, const std::string& where, int indent) {
  try {
    return value.dump(indent);
  } catch (const json::exception& error) {
    fail("{}: cannot be written as JSON: {}", where, reason(error));
  }
}

template <>
std::string as(const json& value, const std::string& where) {
  if (!value.is_string()) wrong_type(value, where, "a string");
  return value.get<std::string>();
}

template <>
bool as(const json& value, const std::string& where) {
  if (!value.is_boolean()) wrong_type(value, where, "true or false");
  return value.get<bool>();
}

template <>
int64_t as(const json& value, const std::string& where) {
  if (!value.is_number_integer()) wrong_type(value, where, "an integer");
  check(!value.is_number_unsigned() || value.get<uint64_t>() <= INT64_MAX, "{} is too large: {}", where, value.dump());
  return value.get<int64_t>();
}

template <>
double as(const json& value, const std::string& where) {
  if (!value.is_number()) wrong_type(value, where, "a number");
  return value.get<double>();
}

template <>
std::vector<std::string> as(const json& value, const std::string& where) {
  return list<std::string>(value, where);
}

template <>
std::vector<int64_t> as(const json& value, const std::string& where) {
  return list<int64_t>(value, where);
}

template <>
std::vector<double> as(const json& value, const std::string& where) {
  return list<double>(value, where);
}

const json& require(const json& object, const std::string& key, const std::string& where) {
  if (!object.is_object()) wrong_type(object, where, "an object");
  auto found = object.find(key);
  if (found != object.end()) return *found;
  std::vector<std::string> keys;
  for (const auto& [name, value] : object.items()) keys.push_back(name);
  fail("{}: '{}' is missing{}", where, key, suggestion(key, keys));
}

}  // namespace multiviz
