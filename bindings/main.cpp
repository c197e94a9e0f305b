#include <signal.h>
#include <torch/version.h>
#include <unistd.h>

#include <clocale>
#include <cstring>

#include "bindings/prompt.h"
#include "bindings/register.h"
#include "bindings/state.h"
#include "bindings/window.h"
#include "core/cancel.h"
#include "core/memory.h"

namespace multiviz::script {
namespace {

constexpr int interrupted = 130;  // 128 + SIGINT, as shells have it

constexpr const char* usage = R"(usage: multiviz [-e code] [-i] [script.lua [arguments]]
Without a script: a prompt, or the script on standard input when that is not a terminal.

  -e code     run this code (before the script, if any)
  -i          go on to the prompt afterwards
  --version   print the versions of MultiViz, LibTorch and Lua
  --help      print this

The script's arguments are in the table `arg`. Documentation: help() at the prompt.
)";

struct CommandLine {
  std::vector<std::string> code;
  int script = 0;  // position of the script's name, 0 when there is none
  bool prompt = false;
};

CommandLine parse(int count, char** words) {
  CommandLine line;
  for (int i = 1; i < count; ++i) {
    std::string word = words[i];
    if (word == "-e") {
      check(i + 1 < count, "-e needs the code to run");
      line.code.emplace_back(words[++i]);
    } else if (word == "-i") {
      line.prompt = true;
    } else if (word.size() > 1 && word[0] == '-') {
      fail("unknown option '{}': see multiviz --help", word);
    } else {
      line.script = i;
      break;
    }
  }
  return line;
}

void on_interrupt(int) {
  if (cancel_requested()) _exit(interrupted);  // asked twice: something does not stop by itself
  request_cancel();
}

void set_arguments(lua_State* L, int count, char** words, int script) {
  lua_createtable(L, count, 1);
  for (int i = 0; i < count; ++i) {
    lua_pushstring(L, words[i]);
    lua_rawseti(L, -2, i - script);
  }
  lua_setglobal(L, "arg");
}

void load(lua_State* L, int status) {
  if (status == LUA_OK) return;
  std::string message = lua_tostring(L, -1);
  lua_pop(L, 1);
  throw ScriptError(message);
}

void run_all(lua_State* L, const CommandLine& line, int count, char** words) {
  for (const auto& code : line.code) {
    load(L, luaL_loadbuffer(L, code.data(), code.size(), "=-e"));
    run(L, 0, 0);
  }
  if (line.script) {
    load(L, luaL_loadfile(L, words[line.script]));
    int arguments = count - line.script - 1;
    for (int i = 1; i <= arguments; ++i) lua_pushstring(L, words[line.script + i]);
    run(L, arguments, 0);
  } else if (line.code.empty() && !line.prompt && !isatty(STDIN_FILENO)) {
    load(L, luaL_loadfile(L, nullptr));
    run(L, 0, 0);
  }
}

int start(int count, char** words) {
  for (int i = 1; i < count && words[i][0] == '-' && std::strcmp(words[i], "-e") != 0; ++i) {
    if (std::strcmp(words[i], "--version") == 0)
      return fmt::print("multiviz {} (LibTorch {}, {})\n", MULTIVIZ_VERSION, TORCH_VERSION, LUA_RELEASE), 0;
    if (std::strcmp(words[i], "--help") == 0) return fmt::print("{}", usage), 0;
  }
  auto line = parse(count, words);
  bool prompt = line.prompt || (line.code.empty() && !line.script && isatty(STDIN_FILENO));
  struct sigaction action = {};
  action.sa_handler = on_interrupt;
  sigaction(SIGINT, &action, nullptr);
  auto state = make_state();
  set_arguments(state.get(), count, words, line.script);
  run_all(state.get(), line, count, words);
  if (prompt)
    run_prompt(state.get());
  else
    run_windows(state.get());
  return 0;
}

int guarded_start(int count, char** words) {
  try {
    return start(count, words);
  } catch (const Cancelled&) {
    fmt::print(stderr, "multiviz: interrupted\n");
    return interrupted;
  } catch (const std::exception& error) {
    fmt::print(stderr, "multiviz: {}\n", error.what());
    return 1;
  }
}

}  // namespace
}  // namespace multiviz::script

int main(int count, char** words) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  multiviz::keep_freed_memory();
  return multiviz::script::guarded_start(count, words);
}
