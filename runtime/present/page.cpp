#include "present/page.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "present/encode.h"

namespace multiviz {
namespace {

void check_belongs(const Page& page, const std::string& what, const std::string& model, const std::string& datapoint) {
  check(model == page.model, "this {} is about the model '{}', but the page is about '{}': make a page for that model",
        what, model, page.model);
  check(datapoint == page.example.datapoint.id,
        "this {} is about the datapoint '{}', but the page is about '{}': make a page for that datapoint", what,
        datapoint, page.example.datapoint.id);
}

template <typename T>
void append(std::vector<T>& to, std::vector<T> from) {
  for (auto& item : from) to.push_back(std::move(item));
}

std::string short_text(const Value& value) {
  switch (kind_of(value)) {
    case ModalityKind::image: {
      const auto& pixels = std::get<Image>(value).pixels;
      return fmt::format("{} x {} px", pixels.size(1), pixels.size(0));
    }
    case ModalityKind::text:
      return "\"" + std::get<Text>(value).string + "\"";
    case ModalityKind::time_series: {
      const auto& frames = std::get<TimeSeries>(value).frames;
      return fmt::format("{} frames x {} channels", frames.size(0), frames.size(1));
    }
    case ModalityKind::tabular:
      return fmt::format("{} columns", std::get<Table>(value).columns.size(0));
  }
  return "";
}

}  // namespace

void Page::add(Explanation explanation) {
  check_belongs(*this, explanation.method + " explanation", explanation.model, explanation.datapoint);
  check_fits(explanation, modalities, example);
  explanations.push_back(std::move(explanation));
}

void Page::add(PredictionEntry entry) {
  check_belongs(*this, "sparse model", entry.model, entry.datapoint);
  predictions.push_back(std::move(entry));
}

void Page::add(FeatureEntry entry) {
  check_belongs(*this, "feature analysis", entry.model, entry.local.empty() ? example.datapoint.id : entry.datapoint);
  for (const auto& explanation : entry.local) {
    check_belongs(*this, explanation.method + " explanation", explanation.model, explanation.datapoint);
    check_fits(explanation, modalities, example);
  }
  for (const auto& found : entry.examples)
    for (const auto& explanation : found.explanations) {
      check(explanation.datapoint == found.example.datapoint.id,
            "the {} explanation of an example of feature {} is about the datapoint '{}', not '{}'", explanation.method,
            entry.feature + 1, explanation.datapoint, found.example.datapoint.id);
      check_fits(explanation, modalities, found.example);
    }
  auto known = std::find_if(features.begin(), features.end(), [&](const FeatureEntry& other) {
    return other.feature == entry.feature && other.tap == entry.tap;
  });
  if (known == features.end()) {
    features.push_back(std::move(entry));
    return;
  }
  if (known->datapoint.empty()) known->datapoint = entry.datapoint;
  if (std::isnan(known->activation)) known->activation = entry.activation;
  if (known->dataset.empty()) known->dataset = entry.dataset;
  append(known->local, std::move(entry.local));
  append(known->examples, std::move(entry.examples));
}

std::string summary(const Page& page) {
  auto text = fmt::format("page of {} on {}\n", page.model, page.example.datapoint.id);
  for (size_t m = 0; m < page.modalities.size() && m < page.example.datapoint.values.size(); ++m)
    text += fmt::format("  {:<12}{}\n", page.modalities[m].name, short_text(page.example.datapoint.values[m]));
  const auto& prediction = page.example.prediction;
  if (prediction.task == Task::regression)
    text += fmt::format("  prediction  {:.4g}\n", prediction.value);
  else if (!prediction.top.empty())
    text += fmt::format("  prediction  {} ({:.1f} %)\n", prediction.top[0].name, 100 * prediction.top[0].probability);
  if (!page.example.truth.empty()) text += fmt::format("  truth       {}\n", fmt::join(page.example.truth, ", "));
  text += fmt::format("  target      {}\n", page.target);
  for (const auto& entry : page.explanations) text += fmt::format("  stage {}     {}\n", entry.stage, entry.method);
  for (const auto& entry : page.features)
    text += fmt::format("  stage R     feature {}: {} local, {} examples\n", entry.feature + 1, entry.local.size(),
                        entry.examples.size());
  for (const auto& entry : page.predictions)
    text += fmt::format("  stage P     {}, {:.1f} features a class\n", entry.family, entry.nonzeros_per_class);
  return text;
}

}  // namespace multiviz
