#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "bindings/terminal.h"

using namespace multiviz;

namespace {

// A state folder of the test's own, so that the history is neither read nor changed.
struct StateFolder {
  std::string path;
  StateFolder() {
    char name[] = "/tmp/multiviz-state-XXXXXX";
    path = mkdtemp(name);
    setenv("XDG_STATE_HOME", path.c_str(), 1);
  }
  ~StateFolder() { std::filesystem::remove_all(path); }
};

constexpr const char* interrupt = "\x03";

}  // namespace

TEST_CASE("the prompt prints expressions, keeps the last value and reads several lines") {
  StateFolder state;
  Terminal terminal({});
  REQUIRE(terminal.shows("> "));
  terminal.type("20 + 1\r");
  CHECK(terminal.shows("\n21\r"));
  terminal.type("_ * 2\r");
  CHECK(terminal.shows("\n42\r"));
  terminal.type("for i = 7, 8 do\r");
  CHECK(terminal.shows(">> "));
  terminal.type("print('line ' .. i) end\r");
  CHECK(terminal.shows("\nline 8\r"));
  terminal.type("{1, a = {'x'}}\r");
  CHECK(terminal.shows("\n{1, a = {\"x\"}}\r"));
  terminal.type("mv.zeros(2)\r");
  CHECK(terminal.shows("tensor float32 [2]"));
  terminal.type("help(mv.seed)\r");
  CHECK(terminal.shows("Sets the seed"));
  terminal.type(":quit\r");
  CHECK(terminal.exit_status() == 0);
  CHECK(std::filesystem::exists(state.path + "/multiviz/history"));
}

TEST_CASE("the prompt survives errors and Ctrl-C") {
  StateFolder state;
  Terminal terminal({});
  REQUIRE(terminal.shows("> "));
  for (const char* mistake : {"x.y", "x =", "error{}", "mv.tensr", "error(nil)", "mv.tensor('a')", "))"}) {
    terminal.type(std::string(mistake) + (std::string(mistake) == "x =" ? "\r)\r" : "\r"));
    CHECK(terminal.shows("> "));
  }
  terminal.type("while true do pcall(function() while true do end end) end\r");
  usleep(500000);
  terminal.type(interrupt);
  CHECK(terminal.shows("interrupted"));
  CHECK(terminal.shows("> "));
  terminal.type(std::string("half a line") + interrupt + "6 * 7\r");
  CHECK(terminal.shows("\n42\r"));
  CHECK(terminal.shows("> "));  // before that, the terminal itself would take the end of input
  terminal.type("\x04");
  CHECK(terminal.exit_status() == 0);
}

TEST_CASE("Ctrl-C stops a long analysis at the prompt, which lives on") {
  StateFolder state;
  Terminal terminal({});
  REQUIRE(terminal.shows("> "));
  terminal.type("data = mv.datasets.blocks{ split = 'val', size = 1 }\r");
  REQUIRE(terminal.shows("\n> "));
  terminal.type("model = mv.models.load 'blocks-cnn-lstm-sa'\r");
  REQUIRE(terminal.shows("\n> "));
  // A million forwards: many minutes anywhere.
  for (std::string method : {"mv.lime", "mv.joint_lime"}) {
    CAPTURE(method);
    terminal.type(method + "(model, data[1], { samples = 1000000, batch = 8 })\r");
    CHECK(terminal.shows("000000  "));  // "... 0 %  16/2000000  80/s  ... left"
    CHECK(terminal.shows("left"));
    terminal.type(interrupt);
    CHECK(terminal.shows("interrupted"));
    CHECK(terminal.shows("\n> "));
  }
  terminal.type("6 * 7\r");
  CHECK(terminal.shows("\n42\r"));
  CHECK(terminal.shows("> "));  // before that, the terminal itself would take the end of input
  terminal.type("\x04");
  CHECK(terminal.exit_status() == 0);
}

TEST_CASE("Ctrl-C in a script's analysis ends it with 130, whatever the script catches") {
  Terminal terminal({"-e",
                     "local mv = require 'multiviz' local model = mv.models.load 'blocks-cnn-lstm-sa' "
                     "local x = mv.datasets.blocks{ split = 'val', size = 1 }[1] print 'started' "
                     "while true do pcall(mv.lime, model, x, { samples = 1000000, batch = 8 }) end"});
  REQUIRE(terminal.shows("started"));
  REQUIRE(terminal.shows("left"));
  terminal.type(interrupt);
  CHECK(terminal.exit_status() == 130);
  CHECK(terminal.output().find("multiviz: interrupted") != std::string::npos);
}

TEST_CASE("Ctrl-C in a loop of short calls ends the script after one of them") {
  Terminal terminal({"-e",
                     "local mv = require 'multiviz' local a, n = mv.zeros(8), 0 print 'started' "
                     "while true do a:add(1) n = n + 1 if n == 1000000000 then break end end"});
  REQUIRE(terminal.shows("started"));
  terminal.type(interrupt);
  CHECK(terminal.exit_status() == 130);
  Terminal slow({"-e",
                 "local mv = require 'multiviz' local a = mv.ones{ 700, 700 } print 'started' "
                 "for _ = 1, 100000 do a:matmul(a) end"});
  REQUIRE(slow.shows("started"));
  slow.type(interrupt);
  CHECK(slow.exit_status() == 130);
}

TEST_CASE("an error that is a table is shown with its content") {
  Terminal plain({"-e", "error({ code = 3 })"});
  CHECK(plain.exit_status() == 1);
  CHECK(plain.output().find("code = 3") != std::string::npos);
  Terminal described({"-e", "error(setmetatable({}, { __tostring = function() return 'a text' end }))"});
  CHECK(described.exit_status() == 1);
  CHECK(described.output().find("multiviz: a text") != std::string::npos);
}

TEST_CASE("the tab key completes names") {
  StateFolder state;
  Terminal terminal({});
  REQUIRE(terminal.shows("> "));
  terminal.type("mv.no_gr\t\r");
  CHECK(terminal.shows("mv.no_grad(f, ...)"));
}

TEST_CASE("Ctrl-C ends a script with 130 and no stack trace") {
  Terminal terminal({"-e", "print('started') while true do end"});
  REQUIRE(terminal.shows("started"));
  terminal.type(interrupt);
  CHECK(terminal.exit_status() == 130);
  CHECK(terminal.output().find("multiviz: interrupted") != std::string::npos);
  CHECK(terminal.output().find("traceback") == std::string::npos);
}

TEST_CASE("the command line") {
  auto result = [](const std::vector<std::string>& arguments) {
    Terminal terminal(arguments);
    int status = terminal.exit_status();
    return std::pair(status, terminal.output());
  };
  auto [version_status, version] = result({"--version"});
  CHECK(version_status == 0);
  CHECK(version.starts_with("multiviz 0."));
  CHECK(result({"--help"}).second.find("usage: multiviz") != std::string::npos);
  CHECK(result({"-e", "print(1 + 1)"}) == std::pair(0, std::string("2\r\n")));
  CHECK(result({"-e", "x = "}) == std::pair(1, std::string("multiviz: -e:1: unexpected symbol near <eof>\r\n")));
  // Waiting threads give up their core, unless the user wants otherwise.
  std::string policy = "print(os.getenv 'OMP_WAIT_POLICY')";
#ifndef __SANITIZE_ADDRESS__  // with which the program does not start itself again
  unsetenv("OMP_WAIT_POLICY");
  CHECK(result({"-e", policy}).second == "passive\r\n");
#endif
  setenv("OMP_WAIT_POLICY", "active", 1);
  CHECK(result({"-e", policy}).second == "active\r\n");
  setenv("OMP_WAIT_POLICY", "passive", 1);
  CHECK(result({"--nonsense"}).second.find("unknown option '--nonsense'") != std::string::npos);
  CHECK(result({"/nowhere.lua"}).second.find("cannot open /nowhere.lua") != std::string::npos);

  std::string script =
      std::filesystem::temp_directory_path() / ("multiviz-arguments-" + std::to_string(getpid()) + ".lua");
  std::ofstream(script) << "print(arg[1], ..., #arg)\nlocal mv = require 'multiviz'\nmv.seed('x')\n";
  auto [status, output] = result({script, "one", "two"});
  CHECK(status == 1);
  CHECK(output == "one\tone\t2\r\nmultiviz: " + script + ":3: mv.seed: 'n' must be an integer >= 0, got 'x'\r\n");
  std::filesystem::remove(script);
}
