#include "viewer/page_view.h"

#include <ATen/ATen.h>

#include <cmath>

#include "viewer/draw.h"
#include "viewer/explanation_view.h"
#include "viewer/plot.h"
#include "viewer/tokens.h"

namespace multiviz {
namespace {

// A modality's value as it is.
void value_view(Window& window, const Value& value, double image_width) {
  if (auto* image = std::get_if<Image>(&value)) {
    double rows = static_cast<double>(image->pixels.size(0)), columns = static_cast<double>(image->pixels.size(1));
    double width =
        std::min<double>(ImGui::GetContentRegionAvail().x, image_width > 0 ? image_width : window.units(420));
    ImageContent content;
    content.image = image->pixels;
    image_view(window, "value", content, {}, width, std::min<double>(width * rows / columns, window.units(420)));
  } else if (auto* text = std::get_if<Text>(&value)) {
    wrapped_text(text->string);
  } else if (auto* series = std::get_if<TimeSeries>(&value)) {
    auto channels = names_or_numbers(series->channels, "channel", series->frames.size(1));
    plot_matrix(window, "value", series->frames.t(), channels, series->frame_names, {});
  } else if (auto* table = std::get_if<Table>(&value)) {
    std::vector<double> values;
    auto columns = table->columns.to(at::kDouble).contiguous();
    values.assign(columns.const_data_ptr<double>(), columns.const_data_ptr<double>() + columns.numel());
    plot_bars(window, "value", names_or_numbers(table->names, "column", columns.numel()), values, {});
  }
}

void stage(Window& window, const Page& page, PageState& state, const char* name, const char* title) {
  heading(window, title);
  Input input{page.modalities, &page.example.datapoint};
  bool any = false;
  for (const auto& explanation : page.explanations) {
    if (explanation.stage != name) continue;
    any = true;
    ImGui::PushID(&explanation);
    if (ImGui::CollapsingHeader(explanation.method.c_str(), ImGuiTreeNodeFlags_DefaultOpen))
      explanation_view(window, explanation, input, state.heat);
    ImGui::PopID();
  }
  if (!any) faint_text(window, "nothing on this page yet");
}

const FeatureEntry* shown_feature(const Page& page, const PageState& state) {
  for (const auto& entry : page.features)
    if (entry.feature == state.feature) return &entry;
  return page.features.empty() ? nullptr : &page.features.front();
}

void feature_choice(Window& window, const Page& page, PageState& state) {
  for (size_t i = 0; i < page.features.size(); ++i) {
    if (i > 0) ImGui::SameLine();
    auto feature = page.features[i].feature;
    auto label = fmt::format("feature {}", feature + 1);
    if (ImGui::GetContentRegionAvail().x < ImGui::CalcTextSize(label.c_str()).x + window.units(24)) ImGui::NewLine();
    if (ImGui::RadioButton(label.c_str(), shown_feature(page, state) == &page.features[i])) state.feature = feature;
  }
}

void global_example(Window& window, const Page& page, const GlobalExample& example, const PageState& state) {
  const auto& datapoint = example.example.datapoint;
  wrapped_text(fmt::format("{} · activation {:.4g}", datapoint.id, example.activation));
  datapoint_view(window, page.modalities, datapoint, window.units(260));
  Input input{page.modalities, &datapoint};
  for (const auto& explanation : example.explanations) explanation_view(window, explanation, input, state.heat);
}

}  // namespace

void datapoint_view(Window& window, std::span<const Modality> modalities, const Datapoint& datapoint,
                    double image_width) {
  if (datapoint.picture.pixels.defined()) {
    faint_text(window, "picture");
    value_view(window, Image{datapoint.picture.pixels}, image_width);
  }
  for (size_t i = 0; i < modalities.size() && i < datapoint.values.size(); ++i) {
    ImGui::PushID(static_cast<int>(i));
    faint_text(window, modalities[i].name);
    if (holds_regions(datapoint.values[i], datapoint))
      wrapped_text(fmt::format("{} regions", datapoint.regions.size()));
    else
      value_view(window, datapoint.values[i], image_width);
    ImGui::PopID();
  }
}

void prediction_bars(Window& window, const Example& example) {
  if (!example.truth.empty()) {
    std::string truth;
    for (const auto& name : example.truth) truth += (truth.empty() ? "" : ", ") + name;
    bool right = !example.prediction.top.empty() && std::find(example.truth.begin(), example.truth.end(),
                                                              example.prediction.top[0].name) != example.truth.end();
    ImGui::PushStyleColor(ImGuiCol_Text, right ? window.palette().good : window.palette().bad);
    wrapped_text("truth: " + truth);
    ImGui::PopStyleColor();
  }
  if (example.prediction.task == Task::regression)
    return wrapped_text(fmt::format("prediction: {:.4g}", example.prediction.value));
  std::vector<std::string> names;
  std::vector<double> values;
  for (const auto& score : example.prediction.top) {
    names.push_back(score.name);
    values.push_back(score.probability);
  }
  plot_bars(window, "prediction", names, values, {});
}

GraphEvents overview_page(Window& window, const Page& page, PageState& state) {
  GraphEvents events;
  split(
      window, "page", 0.3, 0,
      [&] {
        heading(window, page.example.datapoint.id);
        faint_text(window, page.model + " · " + page.target);
        datapoint_view(window, page.modalities, page.example.datapoint);
        prediction_bars(window, page.example);
        for (const auto& entry : page.predictions) {
          ImGui::Separator();
          heading(window, "P · prediction");
          ImGui::PushID(&entry);
          auto clicked = prediction_view(window, entry);
          ImGui::PopID();
          if (clicked.feature >= 0) events = clicked;
        }
      },
      [&] {
        heat_controls(window, state.heat);
        if (!ImGui::BeginTable("stages", 2, ImGuiTableFlags_Resizable | ImGuiTableFlags_BordersInnerV)) return;
        ImGui::TableNextColumn();
        stage(window, page, state, "U", "U · each modality");
        ImGui::TableNextColumn();
        stage(window, page, state, "C", "C · across modalities");
        ImGui::EndTable();
      });
  return events;
}

void feature_page(Window& window, const Page& page, PageState& state) {
  auto* entry = shown_feature(page, state);
  if (!entry) return faint_text(window, "no feature has been analysed on this page");
  feature_choice(window, page, state);
  if (state.feature >= 0 && entry->feature != state.feature)
    faint_text(window, fmt::format("feature {} has not been analysed on this page", state.feature + 1));
  ImGui::BeginChild("feature");
  heading(window, fmt::format("Feature {}", entry->feature + 1));
  if (std::isfinite(entry->activation)) faint_text(window, fmt::format("activation {:.4g} here", entry->activation));
  heat_controls(window, state.heat);
  Input input{page.modalities, &page.example.datapoint};
  if (!entry->local.empty()) heading(window, "On this datapoint");
  for (const auto& explanation : entry->local) explanation_view(window, explanation, input, state.heat);
  if (!entry->examples.empty()) {
    heading(window, "Where it is most active");
    auto count = std::clamp(static_cast<int>(ImGui::GetContentRegionAvail().x / window.units(300)), 1,
                            static_cast<int>(entry->examples.size()));
    if (ImGui::BeginTable("examples", count, ImGuiTableFlags_SizingStretchSame)) {
      for (const auto& example : entry->examples) {
        ImGui::TableNextColumn();
        ImGui::PushID(&example);
        global_example(window, page, example, state);
        ImGui::PopID();
      }
      ImGui::EndTable();
    }
  }
  ImGui::EndChild();
}

void page_view(Window& window, const Page& page, PageState& state) {
  if (!ImGui::BeginTabBar("page")) return;
  if (ImGui::BeginTabItem("Overview")) {
    auto events = overview_page(window, page, state);
    if (events.feature >= 0) {
      state.feature = events.feature;
      state.show_feature = true;
      window.wake();
    }
    ImGui::EndTabItem();
  }
  auto flags = std::exchange(state.show_feature, false) ? ImGuiTabItemFlags_SetSelected : 0;
  if (ImGui::BeginTabItem("Features", nullptr, flags)) {
    feature_page(window, page, state);
    ImGui::EndTabItem();
  }
  ImGui::EndTabBar();
}

}  // namespace multiviz
