#include <algorithm>
#include <array>
#include <map>

#include "core/error.h"
#include "present/archive.h"
#include "present/report_view.h"

namespace multiviz {
namespace {

using nlohmann::json;

// What says how far to trust a method; the rest of its fit is shown with its options.
constexpr std::array kHeadlines = {"r2", "efficiency_gap", "completeness_gap", "share"};

std::string plain_value(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "none";
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_number_float()) return fmt::format("{:.4g}", value.get<double>());
  if (!value.is_structured()) return value.dump();
  std::string text;
  for (const auto& [key, item] : value.items()) {
    if (!text.empty()) text += ", ";
    text += value.is_array() ? plain_value(item) : plain_name(key) + " " + plain_value(item);
  }
  return text;
}

// Nested objects ({image: {r2: [...]}}) become rows named by their path; a list of one entry per target, one text each.
void add_rows(json& rows, const std::string& prefix, const json& object, size_t targets, bool headline) {
  for (const auto& [key, value] : object.items()) {
    bool important = headline || std::find(kHeadlines.begin(), kHeadlines.end(), key) != kHeadlines.end();
    auto name = prefix.empty() ? plain_name(key) : prefix + " " + plain_name(key);
    if (value.is_object()) {
      add_rows(rows, name, value, targets, important);
      continue;
    }
    json texts = json::array();
    bool apart = value.is_array() && value.size() == targets;
    for (size_t target = 0; target < targets; ++target) texts.push_back(plain_value(apart ? value[target] : value));
    rows.push_back({{"name", name}, {"values", texts}, {"headline", important}});
  }
}

bool has_numbers(const json& fit, const char* key, size_t targets) {
  return fit.contains(key) && fit[key].is_array() && fit[key].size() == targets &&
         std::all_of(fit[key].begin(), fit[key].end(), [](const json& item) { return item.is_number(); });
}

}  // namespace

std::string plain_name(std::string name) {
  static const std::map<std::string, std::string> known = {{"r2", "R²"}};
  if (auto found = known.find(name); found != known.end()) return found->second;
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

json named_values(const json& object) {
  json list = json::array();
  if (object.is_object())
    for (const auto& [name, value] : object.items())
      list.push_back({{"name", plain_name(name)}, {"value", plain_value(value)}});
  return list;
}

json fit_view(const json& fit, size_t targets) {
  json rows = json::array();
  if (fit.is_object()) add_rows(rows, "", fit, std::max<size_t>(targets, 1), false);
  return rows;
}

json decomposition_view(const Explanation& explanation) {
  const auto& fit = explanation.fit;
  size_t targets = explanation.targets.size();
  if (!fit.is_object() || !fit.contains("unimodal") || !fit["unimodal"].is_object()) return nullptr;
  for (const char* key : {"value", "mean", "interaction"})
    if (!has_numbers(fit, key, targets)) return nullptr;
  json views = json::array();
  for (size_t target = 0; target < targets; ++target) {
    json parts = json::array();
    parts.push_back({{"name", "average over the context"}, {"weight", fit["mean"][target]}});
    for (const auto& [modality, values] : fit["unimodal"].items()) {
      if (!has_numbers(fit["unimodal"], modality.c_str(), targets)) return nullptr;
      parts.push_back({{"name", modality + " alone"}, {"weight", values[target]}});
    }
    parts.push_back({{"name", "interaction"}, {"weight", fit["interaction"][target]}});
    views.push_back({{"target", explanation.targets[target]}, {"value", fit["value"][target]}, {"parts", parts}});
  }
  return views;
}

}  // namespace multiviz
