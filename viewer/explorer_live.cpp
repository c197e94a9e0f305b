#include <ATen/ATen.h>
#include <imgui/imgui.h>
#include <imgui/imgui_stdlib.h>

#include "viewer/draw.h"
#include "viewer/explanation_view.h"
#include "viewer/explorer.h"
#include "viewer/plot.h"
#include "viewer/tokens.h"

// The explorer's questions by clicks: words and pixels that matter because of one another, and what changes when parts
// of the input do.
namespace multiviz {
namespace {

void toggle(std::set<int64_t>& set, int64_t index) {
  if (!set.erase(index)) set.insert(index);
}

const Attribution* of_modality(const Explanation* explanation, const std::string& name) {
  if (!explanation) return nullptr;
  for (const auto& attribution : explanation->attributions)
    if (attribution.players.modality == name) return &attribution;
  return nullptr;
}

// The regions where they have no weights; that which is asked about is thick.
std::vector<ColoredBox> plain_boxes(const Datapoint& datapoint, const Picture& picture, std::optional<int64_t> chosen) {
  std::vector<ColoredBox> boxes;
  for (const auto& region : datapoint.regions) {
    auto number = std::ssize(boxes);
    double strength = number == chosen ? 1 : 0.2;
    boxes.push_back(
        {box_in(region, picture.height, picture.width), {255, 255, 255}, strength, "", region.name, number});
  }
  return boxes;
}

// The picture with the answer laid over it: a heat map, or weighed regions.
ImageContent live_content(Window& window, const Explanation* answer, const Datapoint& datapoint,
                          const std::string& name, const Value& value, std::optional<int64_t> chosen,
                          const HeatSettings& settings) {
  ImageContent content;
  auto* on_picture = of_modality(answer, name);
  if (auto* image = std::get_if<Image>(&value)) {
    content.image = image->pixels;
    content.regions = datapoint.regions;
    if (!on_picture || !on_picture->heatmap.defined() ||
        on_picture->heatmap.sizes() != image->pixels.sizes().slice(0, 2))
      return content;
    content.values = on_picture->heatmap;
    content.range = range_of(on_picture->heatmap, 0.995);
    return content;
  }
  if (on_picture)
    if (const auto& regions = regions_of(window, *on_picture, value, datapoint))
      return region_content(*on_picture, *regions, settings, range_of(on_picture->weights));
  auto picture = picture_of(datapoint);
  content.image = picture.pixels;
  content.height = picture.height;
  content.width = picture.width;
  content.boxes = plain_boxes(datapoint, picture, chosen);
  return content;
}

}  // namespace

std::optional<size_t> Explorer::pictured(const Datapoint& datapoint) const {
  if (auto image = modality(ModalityKind::image)) return image;
  for (size_t i = 0; i < datapoint.values.size(); ++i)
    if (holds_regions(datapoint.values[i], datapoint)) return i;
  return std::nullopt;
}

void Explorer::live(Window& window) {
  auto* shown = page();
  auto text = modality(ModalityKind::text);
  auto where = shown ? pictured(shown->example.datapoint) : std::nullopt;
  if (!shown || !text || !where) return faint_text(window, "this needs a datapoint with a text and an image");
  const auto& datapoint = shown->example.datapoint;
  const auto& question = std::get<Text>(datapoint.values[*text]).string;
  const auto& value = datapoint.values[*where];
  faint_text(window, std::holds_alternative<Image>(value)
                         ? "Click a word, with shift several: where the image matters because of it. Or draw a box on "
                           "the image: which words matter because of it."
                         : "Click a word, with shift several: which regions matter because of it. Or click a region: "
                           "which words matter because of it.");
  auto answer = live_.answer;  // a click below may replace it
  auto* on_words = of_modality(answer.get(), model_->signature().modalities[*text].name);
  std::vector<double> weights;
  if (on_words) weights = word_weights(*on_words, question);
  auto range = on_words ? range_of(on_words->weights) : HeatmapRange{};
  auto word = token_strip(window, word_list(question), weights, range, live_.words);
  if (word.clicked >= 0) {
    bool only = live_.words.size() == 1 && live_.words.contains(word.clicked);
    if (!word.shift) live_.words.clear();
    if (!only || word.shift) toggle(live_.words, word.clicked);
    live_.box.reset();
    live_.region.reset();
    ask_live();
  }
  heat_controls(window, state_.heat);
  live_picture(window, datapoint, model_->signature().modalities[*where].name, value);
  if (answer) faint_text(window, fmt::format("{:.0f} ms", live_.milliseconds));
}

void Explorer::live_picture(Window& window, const Datapoint& datapoint, const std::string& name, const Value& value) {
  auto answer = live_.answer;
  auto content = live_content(window, answer.get(), datapoint, name, value, live_.region, state_.heat);
  auto height =
      std::max(window.units(60), ImGui::GetContentRegionAvail().y - 3 * ImGui::GetTextLineHeightWithSpacing());
  auto events = image_view(window, "live", content, state_.heat, 0, height);
  if (auto* image = std::get_if<Image>(&value); image && events.dragged) {
    auto clip = [](double v, int64_t most) { return std::clamp(v, 0.0, static_cast<double>(most)); };
    const auto& pixels = image->pixels;
    Box box{clip(events.dragged->x0, pixels.size(1)), clip(events.dragged->y0, pixels.size(0)),
            clip(events.dragged->x1, pixels.size(1)), clip(events.dragged->y1, pixels.size(0))};
    if (box.x1 - box.x0 >= 1 && box.y1 - box.y0 >= 1) {
      live_.words.clear();
      live_.box = box;
      ask_live();
    }
  }
  auto* region = events.clicked ? box_under(content, *events.clicked) : nullptr;
  if (region) {
    live_.words.clear();
    live_.region = region->part;
    ask_live();
  }
  if (answer && of_modality(answer.get(), name)) heat_legend(window, state_.heat, content.range, window.units(260));
}

void Explorer::what_if(Window& window) {
  auto* shown = page();
  if (!shown) return;
  auto text = modality(ModalityKind::text), image = modality(ModalityKind::image);
  const auto& values = shown->example.datapoint.values;
  bool changed = !what_if_.answer && !busy();
  if (what_if_.text.empty() && text) what_if_.text = std::get<Text>(values[*text]).string;
  ImGui::BeginChild("what if");
  if (text) {
    faint_text(window, "Edit the text and press Enter, or click words to hide them.");
    ImGui::SetNextItemWidth(-1);
    if (ImGui::InputText("##text", &what_if_.text, ImGuiInputTextFlags_EnterReturnsTrue)) {
      what_if_.hidden_words.clear();
      changed = true;
    }
    auto word = token_strip(window, word_list(what_if_.text), {}, {}, {}, what_if_.hidden_words);
    if (word.clicked >= 0) {
      toggle(what_if_.hidden_words, word.clicked);
      changed = true;
    }
  }
  if (!ImGui::BeginTable("what if", 2, ImGuiTableFlags_Resizable)) return ImGui::EndChild();
  ImGui::TableNextColumn();
  if (image) {
    faint_text(window, "Click superpixels to hide them.");
    ImageContent content;
    content.image = what_if_.picture.defined() ? what_if_.picture : std::get<Image>(values[*image]).pixels;
    content.segments = what_if_.segments;
    HeatSettings settings;
    settings.outlines = true;
    auto left = ImGui::GetContentRegionAvail();
    double shape = static_cast<double>(content.image.size(0)) / static_cast<double>(content.image.size(1));
    double most = std::max(left.y - 2 * ImGui::GetFrameHeightWithSpacing(), window.units(200));  // the button in sight
    auto events = image_view(window, "picture", content, settings, left.x, std::min(left.x * shape, most));
    if (events.clicked && what_if_.segments.defined()) {
      auto y = static_cast<int64_t>(events.clicked->y), x = static_cast<int64_t>(events.clicked->x);
      toggle(what_if_.hidden_segments, what_if_.segments[y][x].item<int64_t>());
      changed = true;
    }
  }
  if (ImGui::Button("as it was")) {
    what_if_ = {};
    changed = true;
  }
  ImGui::TableNextColumn();
  what_if_answer(window, *shown);
  ImGui::EndTable();
  ImGui::EndChild();
  if (changed) ask_what_if();
}

void Explorer::what_if_answer(Window& window, const Page& shown) {
  constexpr int64_t most_features = 10;
  heading(window, "Before");
  prediction_bars(window, shown.example);
  if (!what_if_.answer) return;
  heading(window, "Now");
  auto now = shown.example;
  now.prediction = *what_if_.answer;
  prediction_bars(window, now);
  auto change = what_if_.features - what_if_.original;
  auto order = change.abs().argsort(0, true);
  std::vector<std::string> names;
  std::vector<double> values;
  for (int64_t i = 0; i < std::min(most_features, order.numel()); ++i) {
    auto feature = order[i].item<int64_t>();
    if (change[feature].item<double>() == 0) break;
    names.push_back(fmt::format("feature {}", feature + 1));
    values.push_back(change[feature].item<double>());
  }
  if (names.empty()) return;
  heading(window, "Features that changed most");
  plot_bars(window, "changes", names, values, {});
}

}  // namespace multiviz
