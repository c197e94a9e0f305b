#pragma once
#include <memory>
#include <string>

struct GLFWwindow;

namespace multiviz {

// An OpenGL 3 context and what it draws on.
class Surface {
 public:
  virtual ~Surface() = default;
  virtual void make_current() = 0;
  virtual void swap() = 0;                          // shows the frame that was drawn
  virtual GLFWwindow* window() { return nullptr; }  // null when there is none
};

// Whether windows can be shown: a display answers.
bool has_display();
// Why not, and what to do instead.
std::string no_display_message();

// A window of GLFW; glfwInit must have succeeded. Throws Error when the display has no OpenGL 3.
std::unique_ptr<Surface> make_glfw_surface(const std::string& title, int width, int height, bool visible);
// A context without any display, by EGL. Throws Error when the system has none.
std::unique_ptr<Surface> make_offscreen_surface();

}  // namespace multiviz
