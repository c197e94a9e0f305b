#include "bindings/terminal.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <random>

#include "core/error.h"

namespace multiviz {

Terminal::Terminal(const std::vector<std::string>& arguments) {
  winsize size = {50, 200, 0, 0};
  process_ = forkpty(&terminal_, nullptr, nullptr, &size);
  check(process_ >= 0, "no pseudo-terminal");
  if (process_ > 0) return;
  std::string program = MULTIVIZ_PROGRAM;
  std::vector<std::string> words = {program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  setenv("TERM", "dumb", 1);
  execv(program.c_str(), pointers.data());
  _exit(127);
}

Terminal::~Terminal() {
  if (process_ > 0) {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  close(terminal_);
}

void Terminal::type(const std::string& keys) {
  check(write(terminal_, keys.data(), keys.size()) == static_cast<ssize_t>(keys.size()), "the terminal takes no keys");
}

bool Terminal::shows(const std::string& text) {
  auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < limit) {
    if (auto at = output_.find(text, seen_); at != std::string::npos) {
      seen_ = at + text.size();
      return true;
    }
    pollfd ready = {terminal_, POLLIN, 0};
    if (poll(&ready, 1, 200) <= 0) continue;
    char bytes[4096];
    auto count = read(terminal_, bytes, sizeof bytes);
    if (count <= 0) return output_.find(text, seen_) != std::string::npos;
    output_.append(bytes, static_cast<size_t>(count));
  }
  return false;
}

int Terminal::exit_status() {
  shows("\x01 never printed");  // reads on, so that the program is not held up by a full terminal
  int status = 0;
  if (waitpid(process_, &status, WNOHANG) == 0) {
    usleep(500'000);
    kill(process_, SIGKILL);  // it had its time: a test that fails is better than one that hangs
    waitpid(process_, &status, 0);
  }
  process_ = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void run_whole_and_killed(const std::function<std::vector<std::string>(const std::string& name)>& arguments,
                          const std::string& text, int kills, unsigned microseconds) {
  auto run_to_end = [&](const std::string& name) {
    Terminal program(arguments(name));
    REQUIRE(program.shows("finished"));
    REQUIRE(program.exit_status() == 0);
  };
  run_to_end("whole");
  std::minstd_rand random(std::random_device{}());
  for (int i = 0; i < kills; ++i) {
    Terminal killed(arguments("killed"));  // killed with SIGKILL at the end of the block
    auto wait = static_cast<unsigned>(random() % microseconds);
    CAPTURE(wait);
    REQUIRE(killed.shows(text));
    usleep(wait);
  }
  run_to_end("killed");
}

}  // namespace multiviz
