#include "viewer/desktop.h"

#include <GLFW/glfw3.h>

#include <thread>

#include "core/error.h"
#include "core/memory.h"

namespace multiviz {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds frame_time{16};

// Sets a value back when the scope ends, however it does.
template <typename T>
class Restore {
 public:
  Restore(T& value, T inside) : value_(value), before_(std::exchange(value, inside)) {}
  ~Restore() { value_ = before_; }

 private:
  T& value_;
  T before_;
};

}  // namespace

Desktop::Desktop() = default;

Desktop::~Desktop() {
  for (const auto& window : windows_) window->release();  // scripts may hold windows for longer
}

std::shared_ptr<Window> Desktop::open(WindowOptions options, Window::Content content) {
  check(!drawing(), "a window cannot be opened while another is drawn: open it when the function has returned");
  if (options.visible) check(has_display(), "{}", no_display_message());
  auto window = std::make_shared<Window>(std::move(options), std::move(content), fonts_, layout_);
  windows_.push_back(window);
  return window;
}

void Desktop::draw_window(Window& window) {
  Restore<Window*> guard(current_, &window);
  window.frame();
}

void Desktop::drop_closed() {
  for (const auto& window : windows_)
    if (!window->is_open()) window->release();
  if (std::erase_if(windows_, [](const auto& window) { return !window->is_open(); }) == 0) return;
  layout_.save();
  release_freed_memory();  // a software renderer's textures are megabytes that would stay between smaller pieces
}

bool Desktop::work_left() const {
  return std::any_of(windows_.begin(), windows_.end(), [](const auto& w) { return w->wants_frame(); });
}

void Desktop::run_later() {
  if (drawing()) return;
  for (auto& task : std::exchange(tasks_, {})) task();
}

void Desktop::poll(double seconds) {
  if (drawing() || polling_) return;
  poll_once(tasks_.empty() ? seconds : 0);
  run_later();
}

void Desktop::poll_once(double seconds) {
  Restore<bool> guard(polling_, true);
  auto now = Clock::now();
  bool early = work_left() && now - drawn_ < frame_time;
  double wait = early ? std::chrono::duration<double>(frame_time - (now - drawn_)).count() : seconds;
  if (!has_display()) {
    if (!work_left() || early) std::this_thread::sleep_for(std::chrono::duration<double>(std::min(wait, seconds)));
  } else if ((work_left() && !early) || seconds <= 0) {
    glfwPollEvents();
  } else {
    glfwWaitEventsTimeout(std::max(std::min(wait, seconds), 1e-3));
  }
  if (Clock::now() - drawn_ >= frame_time && work_left()) {
    drawn_ = Clock::now();
    for (const auto& window : std::vector(windows_))
      if (window->is_open() && window->wants_frame()) draw_window(*window);
  }
  drop_closed();
}

void Desktop::settle() {
  if (drawing()) return;
  // Content that always asks for another frame never settles; work that goes on beside takes longer than some frames
  // do. A window that is seen goes on by itself, and a thousand of its frames take minutes on a display far away.
  const int most = any_visible() ? 0 : 1000;
  const auto end = Clock::now() + std::chrono::seconds(1);
  for (int i = 0; (i < most || Clock::now() < end) && work_left(); ++i) {
    if (has_display()) glfwPollEvents();
    for (const auto& window : std::vector(windows_))
      if (window->is_open() && window->wants_frame()) draw_window(*window);
    run_later();
    std::this_thread::yield();  // to the work that they wait for
  }
  drop_closed();
}

void Desktop::wake() {
  for (const auto& window : windows_) window->wake();
}

void Desktop::run(const std::function<bool()>& stop) {
  constexpr double nap = 0.1;  // how soon a request to stop is seen
  while (any_visible() && !stop()) poll(nap);
}

bool Desktop::any_visible() const {
  return std::any_of(windows_.begin(), windows_.end(), [](const auto& w) { return w->visible() && w->is_open(); });
}

at::Tensor Desktop::capture(Window& window, int width, int height, float scale) {
  check(!drawing(), "a picture cannot be taken while a window is drawn: take it when the function has returned");
  check(window.is_open(), "the window '{}' is closed: take pictures while it is open", window.title());
  while (window.wants_frame() && window.frames() < 1) draw_window(window);
  Restore<Window*> guard(current_, &window);
  return window.capture(width, height, scale);
}

}  // namespace multiviz
