#include "bindings/ui_work.h"

#include "viewer/draw.h"
#include "viewer/job_view.h"

// Heavy work of a window's function: it runs on the script's thread when the frame is done, in slices between which
// windows are drawn.
namespace multiviz::script {
namespace {

// A window's work: at most one piece at a time.
struct Work {
  std::shared_ptr<Job> job;
  std::string error;
};

Work& work_of(Window& window) {
  constexpr ImGuiID key = 0x776f726b;  // of no widget
  return window.state<Work>(key);
}

}  // namespace

int ui_work(lua_State* L) {
  auto& window = current_window(L);
  auto name = arg_string(L, 1, "name");
  auto function = std::make_shared<Callback>(L, 2, "work");
  auto& work = work_of(window);
  if (work.job) return push(L, false);
  work.error.clear();
  work.job = std::make_shared<Job>(name, [function]() -> std::function<void()> {
    function->call(nullptr, 0, nullptr);
    return nullptr;
  });
  auto& windows = desktop(L);
  windows.later([job = work.job, &windows] {
    job->run_here([&] {
      windows.poll();
      if (job.use_count() == 1) job->cancel();  // the window was closed
    });
    windows.wake();
  });
  return push(L, true);
}

void tend_work(Window& window) {
  auto& work = work_of(window);
  if (work.job && work.job->finished()) {
    work.error = work.job->deliver();
    work.job = nullptr;
  }
  if (work.job && job_overlay(window, *work.job)) work.job->cancel();
  if (work.error.empty()) return;
  ImGui::PushStyleColor(ImGuiCol_Text, window.palette().bad);
  wrapped_text(work.error);
  ImGui::PopStyleColor();
}

}  // namespace multiviz::script
