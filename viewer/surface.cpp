#include "viewer/surface.h"

#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <GLFW/glfw3.h>

#include "core/error.h"

namespace multiviz {
namespace {

std::string glfw_error() {
  const char* text = nullptr;
  glfwGetError(&text);
  return text ? text : "no reason given";
}

class GlfwSurface : public Surface {
 public:
  GlfwSurface(const std::string& title, int width, int height, bool visible) {
    glfwDefaultWindowHints();
    glfwWindowHint(GLFW_CONTEXT_VERSION_MAJOR, 3);
    glfwWindowHint(GLFW_CONTEXT_VERSION_MINOR, 0);
    glfwWindowHint(GLFW_VISIBLE, visible);
    glfwWindowHint(GLFW_FOCUS_ON_SHOW, GLFW_TRUE);
    window_ = glfwCreateWindow(width, height, title.c_str(), nullptr, nullptr);
    if (!window_) {
      // A forwarded display may have no GLX, or an old one. EGL's software renderer asks it for nothing but pixels.
      auto reason = glfw_error();
      glfwWindowHint(GLFW_CONTEXT_CREATION_API, GLFW_EGL_CONTEXT_API);
      window_ = glfwCreateWindow(width, height, title.c_str(), nullptr, nullptr);
      check(
          window_ != nullptr,
          "the display gives no OpenGL 3 window ({}; {}): install libegl1 and libgl1-mesa-dri on the machine that runs "
          "MultiViz and try with LIBGL_ALWAYS_SOFTWARE=1, or write a report with page:report(folder)",
          reason, glfw_error());
    }
    make_current();
    glfwSwapInterval(0);
  }
  ~GlfwSurface() override { glfwDestroyWindow(window_); }
  void make_current() override { glfwMakeContextCurrent(window_); }
  void swap() override { glfwSwapBuffers(window_); }
  GLFWwindow* window() override { return window_; }

 private:
  GLFWwindow* window_ = nullptr;
};

// Contexts share one connection to EGL, which lives as long as the process: ending it breaks those of other libraries.
EGLDisplay egl_display() {
  static const EGLDisplay display = [] {
    auto get = reinterpret_cast<PFNEGLGETPLATFORMDISPLAYEXTPROC>(eglGetProcAddress("eglGetPlatformDisplayEXT"));
    EGLDisplay found = get ? get(EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY, nullptr) : EGL_NO_DISPLAY;
    return found != EGL_NO_DISPLAY && eglInitialize(found, nullptr, nullptr) ? found : EGL_NO_DISPLAY;
  }();
  return display;
}

class OffscreenSurface : public Surface {
 public:
  OffscreenSurface() : display_(egl_display()) {
    check(display_ != EGL_NO_DISPLAY, "pictures of windows cannot be drawn here: install libegl1 and libgl1-mesa-dri");
    const EGLint wanted[] = {EGL_SURFACE_TYPE, EGL_PBUFFER_BIT, EGL_RENDERABLE_TYPE, EGL_OPENGL_BIT, EGL_NONE};
    const EGLint version[] = {EGL_CONTEXT_MAJOR_VERSION, 3, EGL_CONTEXT_MINOR_VERSION, 0, EGL_NONE};
    EGLConfig config = nullptr;
    EGLint count = 0;
    eglBindAPI(EGL_OPENGL_API);
    if (!eglChooseConfig(display_, wanted, &config, 1, &count) || count == 0) config = EGL_NO_CONFIG_KHR;
    context_ = eglCreateContext(display_, config, EGL_NO_CONTEXT, version);
    check(context_ != EGL_NO_CONTEXT, "EGL gives no OpenGL 3 (error {:#x}): install libgl1-mesa-dri", eglGetError());
    make_current();
  }
  ~OffscreenSurface() override {
    if (eglGetCurrentContext() == context_) eglMakeCurrent(display_, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
    eglDestroyContext(display_, context_);
  }
  void make_current() override {
    eglBindAPI(EGL_OPENGL_API);
    check(eglMakeCurrent(display_, EGL_NO_SURFACE, EGL_NO_SURFACE, context_),
          "EGL cannot draw without a surface (error {:#x}): install libgl1-mesa-dri", eglGetError());
  }
  void swap() override {}

 private:
  EGLDisplay display_;
  EGLContext context_ = EGL_NO_CONTEXT;
};

}  // namespace

bool has_display() {
  static const bool found = glfwInit() == GLFW_TRUE;
  return found;
}

std::string no_display_message() {
  return "there is no display to open a window on: log in with ssh -X or set DISPLAY; without one, page:report(folder) "
         "writes the analysis as HTML, and { visible = false } with mv.screenshot(window, \"x.png\") draws a picture";
}

std::unique_ptr<Surface> make_glfw_surface(const std::string& title, int width, int height, bool visible) {
  return std::make_unique<GlfwSurface>(title, width, height, visible);
}

std::unique_ptr<Surface> make_offscreen_surface() { return std::make_unique<OffscreenSurface>(); }

}  // namespace multiviz
