#include "present/reproduce.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <set>

#include "core/error.h"

namespace multiviz {
namespace {

using nlohmann::json;

constexpr size_t kColumns = 100;

std::string lua_string(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (std::iscntrl(static_cast<unsigned char>(c)))
      out += fmt::format("\\{:03d}", static_cast<unsigned char>(c));
    else
      out += c;
  }
  return out + "\"";
}

bool is_identifier(const std::string& name) {
  static constexpr std::array words = {"and",      "break",  "do",   "else", "elseif", "end",  "false", "for",
                                       "function", "goto",   "if",   "in",   "local",  "nil",  "not",   "or",
                                       "repeat",   "return", "then", "true", "until",  "while"};
  auto letter = [](unsigned char c) { return std::isalnum(c) || c == '_'; };
  return !name.empty() && !std::isdigit(static_cast<unsigned char>(name[0])) &&
         std::all_of(name.begin(), name.end(), letter) && std::find(words.begin(), words.end(), name) == words.end();
}

std::string field(const std::string& name, const json& value) {
  return (is_identifier(name) ? name : "[" + lua_string(name) + "]") + " = " + lua_literal(value);
}

// Target::describe as the script writes it.
std::string lua_target(const std::string& target) {
  auto after = [&](const std::string& prefix) -> std::string {
    return target.starts_with(prefix) ? target.substr(prefix.size()) : "";
  };
  if (auto label = after("logit of "); !label.empty()) return lua_string(label);
  if (auto label = after("probability of "); !label.empty()) return "mv.target.probability(" + lua_string(label) + ")";
  if (auto feature = after("feature "); !feature.empty()) return "mv.target.feature(" + feature + ")";
  if (auto unit = after("unit "); !unit.empty()) {
    auto bracket = unit.rfind('[');
    if (bracket != std::string::npos && unit.ends_with(']'))
      return fmt::format("mv.target.unit({}, {{ {} }})", lua_string(unit.substr(0, bracket)),
                         unit.substr(bracket + 1, unit.size() - bracket - 2));
  }
  return "mv.target.regression()";
}

std::string lua_targets(const std::vector<std::string>& targets) {
  if (targets.size() == 1) return lua_target(targets.front());
  std::vector<std::string> list;
  for (const auto& target : targets) list.push_back(lua_target(target));
  return fmt::format("{{ {} }}", fmt::join(list, ", "));
}

std::set<std::string> modality_names(const Explanation& explanation) {
  std::set<std::string> names;
  for (const auto& attribution : explanation.attributions) names.insert(attribution.players.modality);
  for (const auto& interaction : explanation.interactions)
    names.insert({interaction.rows.modality, interaction.columns.modality});
  return names;
}

// The options as a call takes them. What was settled for one modality ({image: {segmentation: ...}}) is given for all,
// unless they differ: then in a table for each, but for the kernel's width, which was a default of each. "default" is
// what a call without the option means.
json script_options(const Explanation& explanation) {
  json given = json::object();
  if (!explanation.options.is_object()) return given;
  auto modalities = modality_names(explanation);
  auto means = [](const json& value) { return !value.is_null() && value != "default"; };
  std::map<std::string, std::map<std::string, json>> settled;  // option -> modality -> value
  for (const auto& [name, value] : explanation.options.items()) {
    if (value.is_object() && modalities.contains(name)) {
      for (const auto& [inner, setting] : value.items())
        if (means(setting)) settled[inner][name] = setting;
    } else if (means(value)) {
      given[name == "modalities" && explanation.stage == "U" ? "modality" : name] = value;
    }
  }
  for (const auto& [option, values] : settled) {
    const auto& first = values.begin()->second;
    bool same = std::all_of(values.begin(), values.end(), [&](const auto& entry) { return entry.second == first; });
    if (same)
      given[option] = first;
    else if (option != "kernel_width")
      for (const auto& [modality, value] : values) given[modality][option] = value;
  }
  return given;
}

}  // namespace

std::string lua_literal(const json& value) {
  if (value.is_null()) return "nil";
  if (value.is_string()) return lua_string(value.get<std::string>());
  if (!value.is_structured()) return value.dump();
  std::vector<std::string> items;
  for (const auto& [key, item] : value.items())
    items.push_back(value.is_array() ? lua_literal(item) : field(key, item));
  return items.empty() ? "{}" : fmt::format("{{ {} }}", fmt::join(items, ", "));
}

std::string lua_call(const Explanation& explanation) {
  std::vector<std::string> fields;
  auto options = script_options(explanation);
  if (!explanation.targets.empty() && !options.contains("target"))
    fields.push_back("target = " + lua_targets(explanation.targets));
  for (const auto& [name, value] : options.items()) {
    bool context = name == "context" && value.is_number();
    fields.push_back(context ? fmt::format("context = data:sample({})", value.dump()) : field(name, value));
  }
  bool random = explanation.seed != 0 || options.contains("samples") || options.contains("rounds");
  if (random && !options.contains("seed")) fields.push_back(fmt::format("seed = {}", explanation.seed));

  std::string call = fmt::format("mv.{}(model, x, {{", explanation.method);
  size_t column = call.size();
  for (size_t i = 0; i < fields.size(); ++i) {
    auto text = fields[i] + (i + 1 < fields.size() ? "," : " })");
    bool wrap = column + 1 + text.size() > kColumns;
    call += wrap ? "\n  " + text : " " + text;
    column = wrap ? 2 + text.size() : column + 1 + text.size();
  }
  return call;
}

}  // namespace multiviz
