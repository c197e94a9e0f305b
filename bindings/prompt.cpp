#include "bindings/prompt.h"

#include <histedit.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cwchar>
#include <filesystem>

#include "bindings/binder.h"
#include "bindings/complete.h"
#include "bindings/evaluate.h"
#include "bindings/state.h"
#include "bindings/window.h"
#include "core/cancel.h"
#include "core/memory.h"

namespace multiviz::script {
namespace {

// The line editor and what its callbacks need; it hands them this object as client data.
struct Prompt {
  lua_State* L;
  EditLine* editor = nullptr;
  ::History* history = nullptr;
  std::string file;   // of the history, "" when it cannot be kept
  std::string lines;  // typed so far and not yet complete
  bool interrupted = false;

  explicit Prompt(lua_State* L);
  ~Prompt();
  bool read(std::string& line);
  void remember(const std::string& line);
};

Prompt& of(EditLine* editor) {
  void* data = nullptr;
  el_get(editor, EL_CLIENTDATA, &data);
  return *static_cast<Prompt*>(data);
}

char* prompt_text(EditLine* editor) {
  static char first[] = "> ", more[] = ">> ";
  return of(editor).lines.empty() ? first : more;
}

unsigned char on_interrupt(EditLine* editor, int) {
  of(editor).interrupted = true;
  return CC_EOF;
}

unsigned char on_tab(EditLine* editor, int) {
  const LineInfo* info = el_line(editor);
  std::string line(info->buffer, info->cursor);
  auto words = complete(of(editor).L, line);
  if (words.empty()) return CC_REFRESH_BEEP;
  auto prefix = common_prefix(words);
  size_t typed = prefix.size();
  while (typed > 0 && !line.ends_with(prefix.substr(0, typed))) --typed;
  auto rest = prefix.substr(typed);
  if (!rest.empty()) return el_insertstr(editor, rest.c_str()), CC_REFRESH;
  if (words.size() == 1) return CC_REFRESH;
  fmt::print("\n");
  for (const auto& word : words) fmt::print("{}  ", word.substr(word.find_last_of(".:") + 1));
  fmt::print("\n");
  std::fflush(stdout);
  return CC_REDISPLAY;
}

// Waits for a key; windows live on meanwhile. The terminal's bytes are taken one character at a time.
int read_character(EditLine* editor, wchar_t* character) {
  constexpr int patience = 10;  // ms that a key may wait behind a window
  lua_State* L = of(editor).L;
  std::mbstate_t partial{};
  for (;;) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    bool windows = has_windows(L);
    int ready = poll(&input, 1, windows ? patience : -1);
    if (ready < 0 && errno != EINTR) return -1;
    if (windows) tend_windows(L);
    if (ready <= 0) continue;
    char byte = 0;
    ssize_t count = read(STDIN_FILENO, &byte, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return static_cast<int>(count);
    size_t used = std::mbrtowc(character, &byte, 1, &partial);
    if (used == static_cast<size_t>(-1)) partial = {};
    if (used <= 1) return 1;
  }
}

std::string history_file() {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  if (!(state && *state) && !(home && *home)) return "";
  auto folder = state && *state ? std::filesystem::path(state) : std::filesystem::path(home) / ".local" / "state";
  std::error_code failed;
  std::filesystem::create_directories(folder / "multiviz", failed);
  return failed ? "" : (folder / "multiviz" / "history").string();
}

Prompt::Prompt(lua_State* L) : L(L), file(history_file()) {
  constexpr int kept = 1000;
  HistEvent event;
  history = history_init();
  ::history(history, &event, H_SETSIZE, kept);
  ::history(history, &event, H_SETUNIQUE, 1);
  if (!file.empty()) ::history(history, &event, H_LOAD, file.c_str());
  editor = el_init("multiviz", stdin, stdout, stderr);
  el_set(editor, EL_CLIENTDATA, this);
  el_set(editor, EL_PROMPT, prompt_text);
  el_set(editor, EL_GETCFN, read_character);
  el_set(editor, EL_EDITOR, "emacs");
  el_set(editor, EL_HIST, ::history, history);
  // In wide characters: libedit never frees the copies that it makes of others.
  el_wset(editor, EL_ADDFN, L"complete-name", L"Completes a name", on_tab);
  el_set(editor, EL_BIND, "^I", "complete-name", nullptr);
  // While a line is edited Ctrl-C is a key like any other; while code runs it is the signal that stops it.
  el_wset(editor, EL_ADDFN, L"drop-line", L"Drops the line", on_interrupt);
  el_set(editor, EL_SETTY, "-d", "-isig", nullptr);
  el_set(editor, EL_BIND, "^C", "drop-line", nullptr);
  el_set(editor, EL_BIND, "^R", "em-inc-search-prev", nullptr);
}

Prompt::~Prompt() {
  el_end(editor);
  history_end(history);
}

// False at the end of input.
bool Prompt::read(std::string& line) {
  int count = 0;
  interrupted = false;
  release_freed_memory();
  el_set(editor, EL_PREP_TERM, 1);  // before the prompt shows: an end of input typed at it would get lost otherwise
  const char* text = el_gets(editor, &count);
  if (interrupted) {
    fmt::print("^C\n");
    el_reset(editor);
    lines.clear();
    line.clear();
    return true;
  }
  if (!text || count <= 0) return false;
  line.assign(text, static_cast<size_t>(count));
  if (line.ends_with('\n')) line.pop_back();
  return true;
}

void Prompt::remember(const std::string& line) {
  HistEvent event;
  ::history(history, &event, H_ENTER, line.c_str());
  if (!file.empty()) ::history(history, &event, H_SAVE, file.c_str());
}

// Shows the values above `base` and keeps the first in `_`.
void print_values(lua_State* L, int base) {
  int top = lua_gettop(L);
  if (top == base) return;
  lua_pushvalue(L, base + 1);
  lua_setglobal(L, "_");
  if (top == base + 1 && lua_isnil(L, top)) return;
  for (int i = base + 1; i <= top; ++i) fmt::print("{}\n", show(L, i));
}

void run_typed(Prompt& prompt) {
  int base = lua_gettop(prompt.L);
  try {
    if (evaluate(prompt.L, prompt.lines) == Typed::unfinished) {
      prompt.lines += '\n';
      return;
    }
    print_values(prompt.L, base);
  } catch (const Cancelled&) {
    fmt::print(stderr, "interrupted\n");
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
  }
  clear_cancel();
  wake_windows(prompt.L);
  std::fflush(stdout);
  prompt.lines.clear();
  lua_settop(prompt.L, base);
}

}  // namespace

void run_prompt(lua_State* L) {
  evaluate(L, "mv = require 'multiviz'");
  Prompt prompt(L);
  fmt::print("MultiViz: help() tells what there is, :quit leaves\n");
  for (std::string line; prompt.read(line);) {
    clear_cancel();
    if (prompt.lines.empty() && line.find_first_not_of(" \t") == std::string::npos) continue;
    prompt.remember(line);
    if (prompt.lines.empty() && (line == ":quit" || line == ":q")) return;
    prompt.lines += line;
    run_typed(prompt);
  }
  fmt::print("\n");
}

}  // namespace multiviz::script
