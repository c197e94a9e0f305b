#include "viewer/job_view.h"

#include <fmt/format.h>

#include "viewer/draw.h"

namespace multiviz {

bool job_overlay(Window& window, const Job& job, size_t waiting) {
  window.wake(1);
  constexpr double patience = 0.15;  // s; what is faster shows no bar
  if (job.seconds() < patience) return false;
  auto size = ImGui::GetIO().DisplaySize;
  ImGui::SetNextWindowPos({size.x - window.units(16), size.y - window.units(16)}, 0, {1, 1});
  constexpr auto flags = ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_AlwaysAutoResize |
                         ImGuiWindowFlags_NoSavedSettings | ImGuiWindowFlags_NoFocusOnAppearing;
  bool cancelled = false;
  ImGui::PushStyleVar(ImGuiStyleVar_WindowBorderSize, 1);
  if (ImGui::Begin("##progress", nullptr, flags)) {
    float bar = std::min(window.units(220), size.x / 2);
    ImGui::TextUnformatted(cut(job.name(), bar * 1.3).c_str());
    ImGui::ProgressBar(static_cast<float>(job.fraction()), {bar, 0});
    ImGui::SameLine();
    cancelled = ImGui::Button("cancel");
    if (waiting > 0) faint_text(window, fmt::format("{} more", waiting));
  }
  ImGui::End();
  ImGui::PopStyleVar();
  return cancelled;
}

}  // namespace multiviz
