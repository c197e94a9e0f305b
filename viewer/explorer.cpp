#include "viewer/explorer.h"

#include <imgui/imgui.h>
#include <imgui/imgui_stdlib.h>

#include "core/error.h"
#include "core/random.h"
#include "viewer/draw.h"
#include "viewer/explanation_view.h"
#include "viewer/job_view.h"
#include "viewer/tokens.h"

// What the explorer shows; its work is in explorer_jobs.cpp, its questions by clicks in explorer_live.cpp.
namespace multiviz {

Explorer::Explorer(ModelPtr model, DatasetPtr data, ExplorerOptions options, Desktop& desktop)
    : model_(std::move(model)), data_(std::move(data)), options_(std::move(options)), desktop_(desktop) {
  check(data_->size() > 0, "mv.explore: the data set '{}' is empty: give one with datapoints", data_->name());
  check(options_.first >= 0 && options_.first < data_->size(), "mv.explore: there is no datapoint {}: '{}' has {}",
        options_.first + 1, data_->name(), data_->size());
  match_modalities(model_->signature(), data_->modalities());
  select(options_.first);
}

void Explorer::control_panel(Window& window) {
  heading(window, model_->signature().name);
  faint_text(window, fmt::format("{} · {} datapoints", data_->name(), data_->size()));
  ImGui::SetNextItemWidth(window.units(110));
  if (ImGui::InputInt("datapoint", &number_, 1, 10, ImGuiInputTextFlags_EnterReturnsTrue)) select(number_ - 1);
  if (ImGui::Button("previous") || window.pressed({key_code("left"), false, false, true})) select(index_ - 1);
  ImGui::SameLine();
  if (ImGui::Button("next") || window.pressed({key_code("right"), false, false, true})) select(index_ + 1);
  ImGui::SameLine();
  if (ImGui::Button("random")) select(Random(options_.seed, ++draws_).below(data_->size()));
  ImGui::Separator();
  ImGui::SetNextItemWidth(-1);
  bool go =
      ImGui::InputTextWithHint("##search", "search in ids and texts", &search_, ImGuiInputTextFlags_EnterReturnsTrue);
  ImGui::SetNextItemWidth(window.units(130));
  go |= ImGui::Combo("answers", &filter_, "all\0right\0wrong\0");
  go |= label_choice(window);
  go |= ImGui::Button("search");
  if (go) search();
}

// There may be thousands: what is typed leaves those that contain it.
bool Explorer::label_choice(Window& window) {
  const auto& labels = data_->labels();
  ImGui::SetNextItemWidth(window.units(130));
  auto current = label_ == 0 ? "any" : labels[static_cast<size_t>(label_ - 1)].c_str();
  if (labels.empty() || !ImGui::BeginCombo("label", current, ImGuiComboFlags_HeightLarge)) return false;
  if (ImGui::IsWindowAppearing()) {
    label_filter_.Clear();
    ImGui::SetKeyboardFocusHere();
  }
  label_filter_.Draw("##label filter", window.units(200));
  std::vector<int> fitting;
  if (!label_filter_.IsActive()) fitting.push_back(0);
  for (size_t i = 0; i < labels.size(); ++i)
    if (label_filter_.PassFilter(labels[i].c_str())) fitting.push_back(static_cast<int>(i + 1));
  if (fitting.empty()) faint_text(window, "no such label");
  int before = label_;
  ImGuiListClipper clipper;
  clipper.Begin(static_cast<int>(fitting.size()));
  while (clipper.Step())
    for (int row = clipper.DisplayStart; row < clipper.DisplayEnd; ++row) {
      int i = fitting[static_cast<size_t>(row)];
      auto name = i == 0 ? std::string("any") : labels[static_cast<size_t>(i - 1)];
      if (ImGui::Selectable(fmt::format("{}###{}", name, i).c_str(), i == before)) label_ = i;
    }
  ImGui::EndCombo();
  return label_ != before;
}

void Explorer::choice_list(Window& window) {
  if (!matches_) return;
  std::lock_guard lock(matches_->mutex);
  const auto& rows = matches_->rows;
  faint_text(window, fmt::format("{} found", rows.size()));
  if (rows.empty()) return;
  ImGui::BeginChild("matches", {0, window.units(150)}, true);
  ImGuiListClipper clipper;
  clipper.Begin(static_cast<int>(rows.size()));
  int64_t chosen = -1;
  while (clipper.Step())
    for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i) {
      auto row = rows[static_cast<size_t>(i)];
      if (ImGui::Selectable(fmt::format("datapoint {}", row + 1).c_str(), row == index_)) chosen = row;
    }
  ImGui::EndChild();
  if (chosen >= 0) select(chosen);
}

void Explorer::methods(Window& window) {
  for (const char* stage : {"U", "C"}) {
    auto names = methods_of(stage, model_->signature());
    if (names.empty()) continue;
    heading(window, stage == std::string("U") ? "U · each modality" : "C · across modalities");
    for (size_t i = 0; i < names.size(); ++i) {
      if (i > 0) ImGui::SameLine();
      if (ImGui::GetContentRegionAvail().x < ImGui::CalcTextSize(names[i].c_str()).x + window.units(16))
        ImGui::NewLine();
      if (ImGui::Button(names[i].c_str())) compute(names[i]);
    }
  }
}

void Explorer::feature_choice(Window& window) {
  heading(window, "R, P · features");
  auto shown = [](const std::string& tap) { return tap.empty() ? std::string("penultimate layer") : tap; };
  ImGui::SetNextItemWidth(window.units(180));
  if (ImGui::BeginCombo("tap", shown(options_.tap).c_str(), ImGuiComboFlags_HeightLarge)) {
    std::vector<std::string> taps = model_->signature().taps;
    taps.insert(taps.begin(), "");
    for (const auto& tap : taps)
      if (ImGui::Selectable(shown(tap).c_str(), tap == options_.tap)) use_tap(tap);
    ImGui::EndCombo();
  }
  ImGui::SetNextItemWidth(window.units(110));
  bool go = ImGui::InputInt("feature", &feature_number_, 1, 10, ImGuiInputTextFlags_EnterReturnsTrue);
  ImGui::SameLine();
  go |= ImGui::Button("analyse");
  if (ImGui::Button("sparse path")) fit_path();
  if (!go) return;
  auto width = features_ ? features_->width() : options_.tap.empty() ? model_->signature().features : 0;
  if (width > 0) feature_number_ = std::clamp(feature_number_, 1, static_cast<int>(width));
  analyse_feature(std::max(feature_number_, 1) - 1);
}

void Explorer::saving(Window& window) {
  heading(window, "Keep");
  ImGui::SetNextItemWidth(-1);
  ImGui::InputText("##folder", &options_.folder);
  auto* shown = page();
  if (!shown) return;
  auto guarded = [&](const std::string& done, const std::function<void()>& write) {
    try {
      write();
      message_ = done + options_.folder;
    } catch (const std::exception& error) {
      message_ = error.what();
    }
  };
  if (ImGui::Button("save page")) guarded("saved in ", [&] { save(*shown, options_.folder); });
  ImGui::SameLine();
  if (ImGui::Button("report")) guarded("report in ", [&] { write_report(*shown, options_.folder); });
  ImGui::SameLine();
  if (ImGui::Button("picture")) take_picture(window);
}

void Explorer::overview(Window& window) {
  auto* shown = page();
  if (!shown) return faint_text(window, "…");
  auto events = overview_page(window, *shown, state_);
  if (events.feature >= 0) analyse_feature(events.feature);
}

void Explorer::features(Window& window) {
  auto* shown = page();
  if (!shown) return;
  if (!shown->predictions.empty()) {
    auto strongest = graph_features(shown->predictions.front(), 5);
    faint_text(window, strongest.empty() ? "no feature has a weight in the sparse path's choice"
                                         : "strongest features for the prediction");
    for (int64_t feature : strongest) {
      if (ImGui::Button(fmt::format("feature {}###top{}", feature + 1, feature).c_str())) analyse_feature(feature);
      ImGui::SameLine();
    }
    if (!strongest.empty()) ImGui::NewLine();
  }
  feature_page(window, *shown, state_);
}

void Explorer::progress_overlay(Window& window) {
  if (!busy()) return;
  window.wake(1);
  if (!current_ || !job_overlay(window, *current_, waiting_.size())) return;
  current_->cancel();
  waiting_.clear();
}

void Explorer::draw(Window& window) {
  tend();
  split(
      window, "explorer", 0.22, 0,
      [&] {
        control_panel(window);
        choice_list(window);
        methods(window);
        feature_choice(window);
        saving(window);
        if (!message_.empty()) wrapped_text(message_);
      },
      [&] {
        if (!ImGui::BeginTabBar("explorer")) return;
        auto tab = [&](const char* name, bool turn, void (Explorer::*content)(Window&)) {
          if (!ImGui::BeginTabItem(name, nullptr, turn ? ImGuiTabItemFlags_SetSelected : 0)) return;
          (this->*content)(window);
          ImGui::EndTabItem();
        };
        tab("Overview", false, &Explorer::overview);
        tab("Features", std::exchange(state_.show_feature, false), &Explorer::features);
        if (model_->signature().differentiable) tab("Words and pixels", false, &Explorer::live);
        tab("What if", false, &Explorer::what_if);
        ImGui::EndTabBar();
      });
  progress_overlay(window);
}

}  // namespace multiviz
