#include "viewer/input.h"

#include <GLFW/glfw3.h>

#include <map>

#include "core/error.h"
#include "core/suggest.h"

namespace multiviz {
namespace {

std::map<std::string, int> named_keys() {
  std::map<std::string, int> keys{{"enter", GLFW_KEY_ENTER},
                                  {"escape", GLFW_KEY_ESCAPE},
                                  {"tab", GLFW_KEY_TAB},
                                  {"space", GLFW_KEY_SPACE},
                                  {"left", GLFW_KEY_LEFT},
                                  {"right", GLFW_KEY_RIGHT},
                                  {"up", GLFW_KEY_UP},
                                  {"down", GLFW_KEY_DOWN},
                                  {"home", GLFW_KEY_HOME},
                                  {"end", GLFW_KEY_END},
                                  {"delete", GLFW_KEY_DELETE},
                                  {"backspace", GLFW_KEY_BACKSPACE},
                                  {"pageup", GLFW_KEY_PAGE_UP},
                                  {"insert", GLFW_KEY_INSERT},
                                  {"pagedown", GLFW_KEY_PAGE_DOWN},
                                  {"shift", GLFW_KEY_LEFT_SHIFT},
                                  {"alt", GLFW_KEY_LEFT_ALT},
                                  {"ctrl", GLFW_KEY_LEFT_CONTROL}};
  for (char c = 'a'; c <= 'z'; ++c) keys[std::string(1, c)] = GLFW_KEY_A + (c - 'a');
  for (char c = '0'; c <= '9'; ++c) keys[std::string(1, c)] = GLFW_KEY_0 + (c - '0');
  for (int f = 1; f <= 12; ++f) keys[fmt::format("f{}", f)] = GLFW_KEY_F1 + f - 1;
  return keys;
}

}  // namespace

std::vector<InputEvent> take_frame(std::deque<InputEvent>& queue) {
  std::vector<InputEvent> taken;
  bool changed = false;
  while (!queue.empty()) {
    auto kind = queue.front().kind;
    bool change = kind == InputEvent::Kind::button || kind == InputEvent::Kind::key;
    if (change && !taken.empty()) break;
    if (changed && kind == InputEvent::Kind::move) break;
    changed = changed || change;
    taken.push_back(std::move(queue.front()));
    queue.pop_front();
  }
  return taken;
}

int key_code(const std::string& name) {
  static const auto keys = named_keys();
  auto found = keys.find(name);
  if (found != keys.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [key, code] : keys) names.push_back(key);
  fail("there is no key '{}'{}", name, suggestion(name, names));
}

Shortcut parse_shortcut(const std::string& text) {
  Shortcut shortcut;
  size_t begin = 0;
  for (size_t plus; (plus = text.find('+', begin)) != std::string::npos; begin = plus + 1) {
    auto held = text.substr(begin, plus - begin);
    if (held == "ctrl")
      shortcut.control = true;
    else if (held == "shift")
      shortcut.shift = true;
    else if (held == "alt")
      shortcut.alt = true;
    else
      fail("shortcut '{}' has '{}': write ctrl, shift and alt, then a key, as in ctrl+s", text, held);
  }
  shortcut.key = key_code(text.substr(begin));
  return shortcut;
}

}  // namespace multiviz
