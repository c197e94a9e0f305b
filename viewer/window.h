#pragma once
#include <ATen/core/Tensor.h>
#include <imgui/imgui.h>

#include <any>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "viewer/fonts.h"
#include "viewer/geometry.h"
#include "viewer/input.h"
#include "viewer/layout.h"
#include "viewer/surface.h"
#include "viewer/texture.h"
#include "viewer/theme.h"

namespace multiviz {

struct WindowOptions {
  std::string title = "MultiViz";
  int width = 960, height = 640;  // in units, that is pixels times scale
  bool visible = true;            // false: draws for capture only, and needs no display
  bool dark = true;
  float scale = 0;  // pixels per unit; 0: the monitor's
};

// A window and what it shows, drawn anew by `content` in each frame. Frames are drawn only after input and after
// wake(). Made by Desktop::open; used from the thread that made it.
class Window {
 public:
  using Content = std::function<void(Window&)>;

  Window(WindowOptions options, Content content, FontLibrary& fonts, Layout& layout);
  ~Window();
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  const std::string& title() const { return options_.title; }
  bool is_open() const { return open_; }
  void close() { open_ = false; }
  // Gives back everything that it holds; it stays closed.
  void release();
  bool visible() const { return options_.visible; }

  // Asks for a frame soon. `frames` in a row, since what a widget does may show one frame later.
  void wake(int frames = 2) { pending_ = std::max(pending_, frames); }
  bool wants_frame() const { return pending_ > 0 || !events_.empty(); }
  void post(InputEvent event) { events_.push_back(std::move(event)); }
  void frame();
  int64_t frames() const { return frame_count_; }

  // What the window shows, drawn at this size in pixels: uint8 [height, width, 3].
  at::Tensor capture(int width, int height, float scale);

  // ---- For the content, while it draws ----
  float scale() const { return current_scale_; }
  float units(float n) const { return n * current_scale_; }
  bool dark() const { return options_.dark; }
  void set_dark(bool dark);
  const Palette& palette() const { return multiviz::palette(options_.dark); }
  ImFont* heading_font() const { return heading_; }
  ImTextureID texture(const at::Tensor& pixels, bool smooth = false);
  TextureCache& textures() { return textures_; }
  Layout& layout() { return layout_; }
  const std::vector<std::string>& dropped_files() const { return dropped_; }  // in this frame
  const std::vector<Spot>& mouse_path() const { return mouse_path_; }  // where the mouse was since the last frame
  bool pressed(const Shortcut& shortcut) const;
  // What a widget keeps from frame to frame, made when first asked for.
  template <typename T>
  T& state(ImGuiID id) {
    auto& slot = states_[id];
    if (!slot.has_value() || slot.type() != typeid(T)) slot = T{};
    return *std::any_cast<T>(&slot);
  }
  // How often a label was seen in this frame: tells widgets of equal labels apart.
  int occurrence(const std::string& label) { return seen_[label]++; }

 private:
  void setup_context();
  void setup_callbacks();
  void begin(int width, int height, float scale);
  void draw(int width, int height, float scale);
  void apply(const InputEvent& event);
  void use_atlas(float scale);
  void remember_size();

  WindowOptions options_;
  Content content_;
  FontLibrary& fonts_;
  Layout& layout_;
  std::unique_ptr<Surface> surface_;
  std::unique_ptr<ImGuiContext, void (*)(ImGuiContext*)> context_;
  TextureCache textures_;
  std::map<ImFontAtlas*, unsigned> glyphs_;  // textures
  ImFont* heading_ = nullptr;
  std::deque<InputEvent> events_;
  std::vector<std::string> dropped_;
  std::vector<Spot> mouse_path_;
  std::map<ImGuiID, std::any> states_;
  std::map<std::string, int> seen_;
  std::chrono::steady_clock::time_point last_{};
  float current_scale_ = 1, styled_scale_ = 0;
  int pending_ = 3;
  int64_t frame_count_ = 0;
  bool open_ = true, styled_dark_ = true;
};

}  // namespace multiviz
