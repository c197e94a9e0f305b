#include "core/error.h"
#include "present/encode.h"

namespace multiviz {
namespace {

using nlohmann::json;

json encode(const ClassGraph& graph) {
  json features = json::array();
  for (const auto& edge : graph.features)
    features.push_back({{"feature", edge.feature},
                        {"weight", number(edge.weight)},
                        {"activation", number(edge.activation)},
                        {"contribution", number(edge.contribution)}});
  return {{"label", graph.label},
          {"name", graph.name},
          {"bias", number(graph.bias)},
          {"nonzeros", graph.nonzeros},
          {"features", features}};
}

ClassGraph decode_class(const Node& node) {
  ClassGraph graph{
      node["label"].integer(), node["name"].string(), node["bias"].number(), node["nonzeros"].integer(), {}};
  for (const auto& item : node["features"].items())
    graph.features.push_back({item["feature"].integer(), item["weight"].number(), item["activation"].number(),
                              item["contribution"].number()});
  return graph;
}

}  // namespace

json encode(const PredictionEntry& entry) {
  json classes = json::array(), curve = json::array();
  for (const auto& graph : entry.classes) classes.push_back(encode(graph));
  for (const auto& point : entry.curve)
    curve.push_back({number(point.lambda), number(point.accuracy), number(point.nonzeros_per_class)});
  return {{"model", entry.model},
          {"datapoint", entry.datapoint},
          {"family", entry.family},
          {"tap", entry.tap},
          {"lambda", number(entry.lambda)},
          {"accuracy", number(entry.accuracy)},
          {"dense_accuracy", entry.dense_accuracy ? number(*entry.dense_accuracy) : json("unknown")},
          {"nonzeros_per_class", number(entry.nonzeros_per_class)},
          {"classes", classes},
          {"curve", curve},
          {"options", entry.options},
          {"seed", entry.seed},
          {"cost", encode(entry.cost)}};
}

PredictionEntry decode_prediction_entry(const Node& node) {
  PredictionEntry entry;
  entry.model = node["model"].string();
  entry.datapoint = node["datapoint"].string();
  entry.family = node["family"].string();
  entry.tap = node["tap"].string();
  entry.lambda = node["lambda"].number();
  entry.accuracy = node["accuracy"].number();
  if (!node["dense_accuracy"].json().is_string()) entry.dense_accuracy = node["dense_accuracy"].number();
  entry.nonzeros_per_class = node["nonzeros_per_class"].number();
  for (const auto& item : node["classes"].items()) entry.classes.push_back(decode_class(item));
  for (const auto& item : node["curve"].items()) {
    auto point = item.items();
    item.expect(point.size() == 3, "is not lambda, accuracy and nonzeros");
    entry.curve.push_back({point[0].number(), point[1].number(), point[2].number()});
  }
  entry.options = node["options"].json();
  entry.seed = node["seed"].natural();
  entry.cost = decode_cost(node["cost"]);
  return entry;
}

json encode(const FeatureEntry& entry, TensorTable& table) {
  json local = json::array(), examples = json::array();
  for (const auto& explanation : entry.local) local.push_back(encode(explanation, table));
  for (const auto& example : entry.examples) {
    json explanations = json::array();
    for (const auto& explanation : example.explanations) explanations.push_back(encode(explanation, table));
    examples.push_back({{"example", encode(example.example, table)},
                        {"activation", number(example.activation)},
                        {"explanations", explanations}});
  }
  return {{"model", entry.model},
          {"datapoint", entry.datapoint},
          {"feature", entry.feature},
          {"tap", entry.tap},
          {"activation", number(entry.activation)},
          {"local", local},
          {"examples", examples},
          {"dataset", entry.dataset}};
}

FeatureEntry decode_feature_entry(const Node& node) {
  FeatureEntry entry;
  entry.model = node["model"].string();
  entry.datapoint = node["datapoint"].string();
  entry.feature = node["feature"].integer();
  node["feature"].expect(entry.feature >= 0, "is negative");
  entry.tap = node["tap"].string();
  entry.activation = node["activation"].number();
  for (const auto& item : node["local"].items()) entry.local.push_back(decode_explanation(item));
  for (const auto& item : node["examples"].items()) {
    GlobalExample example{decode_example(item["example"]), item["activation"].number(), {}};
    for (const auto& part : item["explanations"].items()) example.explanations.push_back(decode_explanation(part));
    entry.examples.push_back(std::move(example));
  }
  entry.dataset = node["dataset"].string();
  return entry;
}

}  // namespace multiviz
