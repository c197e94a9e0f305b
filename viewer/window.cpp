#include "viewer/window.h"

#include <ATen/ATen.h>
#define GL_GLEXT_PROTOTYPES
#include <GL/gl.h>
#include <GL/glext.h>
#include <GLFW/glfw3.h>
#include <backends/imgui_impl_opengl3.h>

#include "core/error.h"

namespace multiviz {
namespace {

constexpr int settle = 2;  // frames after an event

Window& of(GLFWwindow* handle) { return *static_cast<Window*>(glfwGetWindowUserPointer(handle)); }

void map_keys(ImGuiIO& io) {
  const std::pair<int, int> keys[] = {{ImGuiKey_Tab, GLFW_KEY_TAB},
                                      {ImGuiKey_LeftArrow, GLFW_KEY_LEFT},
                                      {ImGuiKey_RightArrow, GLFW_KEY_RIGHT},
                                      {ImGuiKey_UpArrow, GLFW_KEY_UP},
                                      {ImGuiKey_DownArrow, GLFW_KEY_DOWN},
                                      {ImGuiKey_PageUp, GLFW_KEY_PAGE_UP},
                                      {ImGuiKey_PageDown, GLFW_KEY_PAGE_DOWN},
                                      {ImGuiKey_Home, GLFW_KEY_HOME},
                                      {ImGuiKey_End, GLFW_KEY_END},
                                      {ImGuiKey_Insert, GLFW_KEY_INSERT},
                                      {ImGuiKey_Delete, GLFW_KEY_DELETE},
                                      {ImGuiKey_Backspace, GLFW_KEY_BACKSPACE},
                                      {ImGuiKey_Space, GLFW_KEY_SPACE},
                                      {ImGuiKey_Enter, GLFW_KEY_ENTER},
                                      {ImGuiKey_Escape, GLFW_KEY_ESCAPE},
                                      {ImGuiKey_KeyPadEnter, GLFW_KEY_KP_ENTER},
                                      {ImGuiKey_A, GLFW_KEY_A},
                                      {ImGuiKey_C, GLFW_KEY_C},
                                      {ImGuiKey_V, GLFW_KEY_V},
                                      {ImGuiKey_X, GLFW_KEY_X},
                                      {ImGuiKey_Y, GLFW_KEY_Y},
                                      {ImGuiKey_Z, GLFW_KEY_Z}};
  for (auto [key, code] : keys) io.KeyMap[key] = code;
}

void hold_modifiers(ImGuiIO& io) {
  auto either = [&](int left, int right) { return io.KeysDown[left] || io.KeysDown[right]; };
  io.KeyCtrl = either(GLFW_KEY_LEFT_CONTROL, GLFW_KEY_RIGHT_CONTROL);
  io.KeyShift = either(GLFW_KEY_LEFT_SHIFT, GLFW_KEY_RIGHT_SHIFT);
  io.KeyAlt = either(GLFW_KEY_LEFT_ALT, GLFW_KEY_RIGHT_ALT);
  io.KeySuper = either(GLFW_KEY_LEFT_SUPER, GLFW_KEY_RIGHT_SUPER);
}

const char* read_clipboard(void* window) { return glfwGetClipboardString(static_cast<GLFWwindow*>(window)); }
void write_clipboard(void* window, const char* text) { glfwSetClipboardString(static_cast<GLFWwindow*>(window), text); }

// A picture to draw on that lives as long as this object.
class Canvas {
 public:
  Canvas(int width, int height) : width_(width), height_(height) {
    glGenRenderbuffers(1, &colors_);
    glBindRenderbuffer(GL_RENDERBUFFER, colors_);
    glRenderbufferStorage(GL_RENDERBUFFER, GL_RGBA8, width, height);
    glGenFramebuffers(1, &frame_);
    glBindFramebuffer(GL_FRAMEBUFFER, frame_);
    glFramebufferRenderbuffer(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_RENDERBUFFER, colors_);
    if (glCheckFramebufferStatus(GL_FRAMEBUFFER) != GL_FRAMEBUFFER_COMPLETE) {
      release();
      fail("the graphics card cannot draw a picture of {} x {} pixels: ask for a smaller one", width, height);
    }
  }
  ~Canvas() { release(); }
  Canvas(const Canvas&) = delete;
  Canvas& operator=(const Canvas&) = delete;

  at::Tensor read() const {
    auto pixels = at::empty({height_, width_, 4}, at::kByte);
    glPixelStorei(GL_PACK_ALIGNMENT, 1);
    glReadPixels(0, 0, width_, height_, GL_RGBA, GL_UNSIGNED_BYTE, pixels.data_ptr<uint8_t>());
    return pixels.slice(2, 0, 3).flip({0}).contiguous();
  }

 private:
  void release() {
    glBindFramebuffer(GL_FRAMEBUFFER, 0);
    glDeleteFramebuffers(1, &frame_);
    glDeleteRenderbuffers(1, &colors_);
  }

  int width_, height_;
  unsigned colors_ = 0, frame_ = 0;
};

}  // namespace

Window::Window(WindowOptions options, Content content, FontLibrary& fonts, Layout& layout)
    : options_(std::move(options)),
      content_(std::move(content)),
      fonts_(fonts),
      layout_(layout),
      context_(nullptr, ImGui::DestroyContext) {
  if (options_.visible) {
    options_.width = static_cast<int>(layout.get(options_.title + ".width", options_.width));
    options_.height = static_cast<int>(layout.get(options_.title + ".height", options_.height));
  }
  if (has_display())
    surface_ = make_glfw_surface(options_.title, options_.width, options_.height, options_.visible);
  else
    surface_ = options_.visible ? throw Error(no_display_message()) : make_offscreen_surface();
  setup_context();
  if (surface_->window()) setup_callbacks();
}

Window::~Window() { release(); }

void Window::release() {
  open_ = false;
  if (!surface_) return;
  if (surface_->window()) remember_size();  // no frame may have followed the last change
  surface_->make_current();
  ImGui::SetCurrentContext(context_.get());
  ImGui_ImplOpenGL3_Shutdown();
  for (auto& [atlas, name] : glyphs_) glDeleteTextures(1, &name);
  textures_.clear();  // while the GL context is there
  states_.clear();
  context_.reset();
  surface_.reset();
  content_ = nullptr;
  events_.clear();
}

void Window::setup_context() {
  if (options_.scale <= 0) {
    options_.scale = 1;
    float vertical = 1;
    if (surface_->window() && options_.visible)
      glfwGetWindowContentScale(surface_->window(), &options_.scale, &vertical);
    options_.scale = std::clamp(options_.scale, 0.5F, 4.0F);
  }
  context_.reset(ImGui::CreateContext(fonts_.atlas(options_.scale)));
  ImGui::SetCurrentContext(context_.get());
  auto& io = ImGui::GetIO();
  io.IniFilename = nullptr;
  io.LogFilename = nullptr;
  io.BackendFlags |= ImGuiBackendFlags_RendererHasVtxOffset;
  io.ConfigInputTextCursorBlink = false;  // nothing moves in a window that nobody touches
  map_keys(io);
  if (surface_->window()) {
    io.ClipboardUserData = surface_->window();
    io.GetClipboardTextFn = read_clipboard;
    io.SetClipboardTextFn = write_clipboard;
  }
  ImGui_ImplOpenGL3_Init("#version 130");
}

void Window::setup_callbacks() {
  auto* handle = surface_->window();
  glfwSetWindowUserPointer(handle, this);
  glfwSetCursorPosCallback(handle, [](GLFWwindow* w, double x, double y) {
    of(w).post(InputEvent::move(static_cast<float>(x), static_cast<float>(y)));
  });
  glfwSetCursorEnterCallback(handle, [](GLFWwindow* w, int entered) {
    if (!entered) of(w).post({.kind = InputEvent::Kind::leave});
  });
  glfwSetMouseButtonCallback(handle, [](GLFWwindow* w, int button, int action, int) {
    if (button < 3) of(w).post(InputEvent::button(button, action == GLFW_PRESS));
  });
  glfwSetScrollCallback(handle, [](GLFWwindow* w, double x, double y) {
    of(w).post(InputEvent::wheel(static_cast<float>(x), static_cast<float>(y)));
  });
  glfwSetKeyCallback(handle, [](GLFWwindow* w, int key, int, int action, int) {
    if (key >= 0 && action != GLFW_REPEAT) of(w).post(InputEvent::key(key, action == GLFW_PRESS));
    of(w).wake(settle);
  });
  glfwSetCharCallback(handle, [](GLFWwindow* w, unsigned character) { of(w).post(InputEvent::text(character)); });
  glfwSetDropCallback(handle, [](GLFWwindow* w, int count, const char** files) {
    of(w).post(InputEvent::drop({files, files + count}));
  });
  glfwSetWindowCloseCallback(handle, [](GLFWwindow* w) { of(w).close(); });
  glfwSetWindowRefreshCallback(handle, [](GLFWwindow* w) { of(w).wake(1); });
  glfwSetFramebufferSizeCallback(handle, [](GLFWwindow* w, int, int) { of(w).wake(settle); });
}

void Window::set_dark(bool dark) {
  options_.dark = dark;
  wake();
}

void Window::apply(const InputEvent& event) {
  auto& io = ImGui::GetIO();
  switch (event.kind) {
    case InputEvent::Kind::move:
      io.MousePos = {event.x, event.y};
      mouse_path_.push_back({event.x, event.y});
      break;
    case InputEvent::Kind::leave:
      io.MousePos = {-FLT_MAX, -FLT_MAX};
      break;
    case InputEvent::Kind::button:
      if (event.code >= 0 && event.code < 3) io.MouseDown[event.code] = event.down;
      break;
    case InputEvent::Kind::wheel:
      io.MouseWheelH += event.x;
      io.MouseWheel += event.y;
      break;
    case InputEvent::Kind::key:
      if (event.code >= 0 && event.code < IM_ARRAYSIZE(io.KeysDown)) io.KeysDown[event.code] = event.down;
      hold_modifiers(io);
      break;
    case InputEvent::Kind::text:
      io.AddInputCharacter(event.character);
      break;
    case InputEvent::Kind::drop:
      dropped_ = event.files;
      break;
  }
}

void Window::use_atlas(float scale) {
  auto& io = ImGui::GetIO();
  auto* atlas = fonts_.atlas(scale);
  auto [slot, fresh] = glyphs_.try_emplace(atlas, 0);
  if (fresh) {
    unsigned char* pixels = nullptr;
    int width = 0, height = 0;
    atlas->GetTexDataAsRGBA32(&pixels, &width, &height);
    slot->second = upload_texture(pixels, width, height);  // glyphs are drawn pixel by pixel, at whole places
  }
  atlas->SetTexID(reinterpret_cast<ImTextureID>(static_cast<intptr_t>(slot->second)));
  io.Fonts = atlas;
  io.FontDefault = atlas->Fonts[0];
  heading_ = atlas->Fonts[1];
}

void Window::begin(int width, int height, float scale) {
  auto now = std::chrono::steady_clock::now();
  auto& io = ImGui::GetIO();
  io.DisplaySize = {static_cast<float>(width), static_cast<float>(height)};
  io.DeltaTime = std::clamp(std::chrono::duration<float>(now - last_).count(), 1e-4F, 0.1F);
  last_ = now;
  ImGui_ImplOpenGL3_NewFrame();
  use_atlas(scale);
  current_scale_ = scale;
  if (styled_scale_ != scale || styled_dark_ != options_.dark) {
    apply_theme(options_.dark, scale);
    styled_scale_ = scale;
    styled_dark_ = options_.dark;
  }
  textures_.next_frame();
  seen_.clear();
}

void Window::draw(int width, int height, float scale) {
  begin(width, height, scale);
  ImGui::NewFrame();
  ImGui::SetNextWindowPos({0, 0});
  ImGui::SetNextWindowSize(ImGui::GetIO().DisplaySize);
  constexpr auto flags =
      ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoSavedSettings |
      ImGuiWindowFlags_NoBringToFrontOnFocus | ImGuiWindowFlags_NoNav |
      ImGuiWindowFlags_NoBackground;  // cleared below: a fill costs a software renderer most of a frame
  if (ImGui::Begin("##root", nullptr, flags & ~ImGuiWindowFlags_NoScrollbar)) content_(*this);
  ImGui::End();
  ImGui::Render();
  glViewport(0, 0, width, height);
  auto back = ImGui::GetStyle().Colors[ImGuiCol_WindowBg];
  glClearColor(back.x, back.y, back.z, 1);
  glClear(GL_COLOR_BUFFER_BIT);
  ImGui_ImplOpenGL3_RenderDrawData(ImGui::GetDrawData());
  ++frame_count_;
}

void Window::remember_size() {
  if (!options_.visible) return;
  int width = 0, height = 0;
  glfwGetWindowSize(surface_->window(), &width, &height);
  layout_.set(options_.title + ".width", width);
  layout_.set(options_.title + ".height", height);
}

void Window::frame() {
  surface_->make_current();
  ImGui::SetCurrentContext(context_.get());
  if (pending_ > 0) --pending_;
  auto taken = take_frame(events_);
  for (const auto& event : taken) apply(event);
  if (!taken.empty()) wake(settle);
  int width = options_.width, height = options_.height;
  if (surface_->window()) glfwGetFramebufferSize(surface_->window(), &width, &height);
  if (width <= 0 || height <= 0) return;
  std::unique_ptr<Canvas> canvas;
  if (!surface_->window()) canvas = std::make_unique<Canvas>(width, height);
  draw(width, height, options_.scale);
  surface_->swap();
  dropped_.clear();
  mouse_path_.clear();
  remember_size();
}

at::Tensor Window::capture(int width, int height, float scale) {
  constexpr int rounds = 3;  // sizes of panels settle after two
  surface_->make_current();
  ImGui::SetCurrentContext(context_.get());
  Canvas canvas(width, height);
  for (int i = 0; i < rounds; ++i) draw(width, height, scale);
  auto pixels = canvas.read();
  wake();
  return pixels;
}

ImTextureID Window::texture(const at::Tensor& pixels, bool smooth) {
  return reinterpret_cast<ImTextureID>(static_cast<intptr_t>(textures_.get(pixels, smooth)));
}

bool Window::pressed(const Shortcut& shortcut) const {
  const auto& io = ImGui::GetIO();
  return io.KeyCtrl == shortcut.control && io.KeyShift == shortcut.shift && io.KeyAlt == shortcut.alt &&
         ImGui::IsKeyPressed(shortcut.key, false);
}

}  // namespace multiviz
