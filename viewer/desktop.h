#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "viewer/window.h"

namespace multiviz {

// All open windows and their one event loop. There is one a process, used from its main thread.
class Desktop : public std::enable_shared_from_this<Desktop> {
 public:
  Desktop();
  ~Desktop();
  Desktop(const Desktop&) = delete;
  Desktop& operator=(const Desktop&) = delete;

  // Throws Error when it is to be visible and there is no display.
  std::shared_ptr<Window> open(WindowOptions options, Window::Content content);

  // Handles input and draws the windows that changed, at most 60 times a second each. Does nothing while a window is
  // being drawn, so that content may run anything that calls it. Waits up to `seconds` for input when all is drawn.
  void poll(double seconds = 0);
  // Draws until nothing is left to show: for hidden windows that are to be read. Leaves visible ones to poll after a
  // second.
  void settle();
  // Every window draws a frame soon: what it shows may have changed.
  void wake();
  // Until the last visible window is closed, or `stop` says so.
  void run(const std::function<bool()>& stop);

  // Runs a piece of work on this thread once nothing is being drawn. It may call poll.
  void later(std::function<void()> task) { tasks_.push_back(std::move(task)); }
  void run_later();

  const Layout& layout() const { return layout_; }
  bool any_visible() const;
  size_t size() const { return windows_.size(); }
  bool drawing() const { return current_ != nullptr; }
  Window* current() const { return current_; }  // the window that is being drawn
  at::Tensor capture(Window& window, int width, int height, float scale);

 private:
  void draw_window(Window& window);
  void poll_once(double seconds);
  void drop_closed();
  bool work_left() const;

  FontLibrary fonts_;
  Layout layout_;
  std::vector<std::shared_ptr<Window>> windows_;
  Window* current_ = nullptr;
  std::vector<std::function<void()>> tasks_;
  bool polling_ = false;
  std::chrono::steady_clock::time_point drawn_{};
};

}  // namespace multiviz
