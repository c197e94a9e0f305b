#include <algorithm>
#include <filesystem>

#include "core/error.h"
#include "io/file.h"
#include "present/archive.h"
#include "present/page.h"
#include "present/report_files.h"
#include "present/report_panel.h"
#include "present/report_view.h"

namespace multiviz {
namespace {

using nlohmann::json;

std::string headline(const Page& page) {
  const auto& prediction = page.example.prediction;
  if (prediction.task == Task::regression) return fmt::format("Why {} predicts {:.4g}", page.model, prediction.value);
  if (prediction.top.empty()) return page.model;
  return fmt::format("Why {} says “{}”", page.model, prediction.top.front().name);
}

json class_view(const ClassGraph& graph, const Page& page, const std::string& tap) {
  json features = json::array();
  for (const auto& edge : graph.features) {
    bool analysed = std::any_of(page.features.begin(), page.features.end(), [&](const FeatureEntry& entry) {
      return entry.feature == edge.feature && entry.tap == tap;
    });
    features.push_back({{"feature", edge.feature + 1},
                        {"weight", number(edge.weight)},
                        {"activation", number(edge.activation)},
                        {"contribution", number(edge.contribution)},
                        {"analysed", analysed}});
  }
  json probability = nullptr;
  for (const auto& score : page.example.prediction.top)
    if (score.name == graph.name) probability = number(score.probability);
  return {{"name", graph.name},
          {"bias", number(graph.bias)},
          {"nonzeros", graph.nonzeros},
          {"probability", probability},
          {"features", features}};
}

json prediction_view(const PredictionEntry& entry, const Page& page) {
  json classes = json::array(), curve = json::array();
  for (const auto& graph : entry.classes) classes.push_back(class_view(graph, page, entry.tap));
  for (const auto& point : entry.curve)
    curve.push_back({number(point.lambda), number(point.accuracy), number(point.nonzeros_per_class)});
  return {{"family", entry.family},
          {"tap", entry.tap},
          {"lambda", number(entry.lambda)},
          {"accuracy", number(entry.accuracy)},
          {"dense_accuracy", entry.dense_accuracy ? number(*entry.dense_accuracy) : json(nullptr)},
          {"nonzeros_per_class", number(entry.nonzeros_per_class)},
          {"classes", classes},
          {"curve", curve},
          {"options", entry.options},
          {"seed", entry.seed},
          {"seconds", number(entry.cost.seconds)}};
}

json feature_view(const FeatureEntry& entry, const Page& page, ReportAssets& assets) {
  json local = json::array(), examples = json::array();
  for (const auto& explanation : entry.local)
    local.push_back(card_view(explanation, page.modalities, page.example, assets));
  for (const auto& found : entry.examples) {
    json cards = json::array();
    for (const auto& explanation : found.explanations)
      cards.push_back(card_view(explanation, page.modalities, found.example, assets));
    auto view = example_view(page.modalities, found.example, assets);
    view["activation"] = number(found.activation);
    view["cards"] = cards;
    examples.push_back(view);
  }
  return {{"feature", entry.feature + 1},
          {"tap", entry.tap},
          {"activation", number(entry.activation)},
          {"local", local},
          {"examples", examples},
          {"dataset", entry.dataset}};
}

std::string escape_html(const std::string& text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// Inside a script element only "<" can end or confuse the parser, and JSON may write it as an escape.
std::string script_json(const json& value) {
  auto text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  std::string out;
  out.reserve(text.size());
  for (char c : text) c == '<' ? out += "\\u003c" : out += c;
  return out;
}

// The template with each {{name}} replaced once, left to right, so that what is put in is never looked at again.
std::string fill(std::string_view page, const std::vector<std::pair<std::string, std::string>>& parts) {
  std::string out;
  for (const auto& [name, text] : parts) {
    auto mark = "{{" + name + "}}";
    auto found = page.find(mark);
    check(found != std::string_view::npos, "the report's template has no {}", mark);
    out.append(page.substr(0, found)).append(text);
    page.remove_prefix(found + mark.size());
  }
  return out.append(page);
}

}  // namespace

json page_view(const Page& page, ReportAssets& assets) {
  json explanations = json::array(), predictions = json::array(), features = json::array();
  for (const auto& explanation : page.explanations)
    explanations.push_back(card_view(explanation, page.modalities, page.example, assets));
  for (const auto& entry : page.predictions) predictions.push_back(prediction_view(entry, page));
  for (const auto& entry : page.features) features.push_back(feature_view(entry, page, assets));
  return {{"headline", headline(page)},
          {"model", page.model},
          {"target", page.target},
          {"target_phrase", target_phrase(page.target)},
          {"example", example_view(page.modalities, page.example, assets)},
          {"explanations", explanations},
          {"predictions", predictions},
          {"features", features}};
}

void write_report(const Page& page, const std::string& folder) {
  check(page.example.datapoint.values.size() == page.modalities.size(),
        "the page's datapoint has {} values for {} modalities", page.example.datapoint.values.size(),
        page.modalities.size());
  ReportAssets assets(folder);
  auto view = page_view(page, assets);
  auto html = fill(report_files::html, {{"title", escape_html(headline(page))},
                                        {"style", std::string(report_files::css)},
                                        {"data", script_json(view)},
                                        {"script", std::string(report_files::js)}});
  write_file((std::filesystem::path(folder) / "index.html").string(), html);
}

}  // namespace multiviz
