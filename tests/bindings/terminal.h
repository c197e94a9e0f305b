#pragma once
#include <functional>
#include <string>
#include <vector>

namespace multiviz {

// The program in a pseudo-terminal of its own, driven as a person would.
class Terminal {
 public:
  explicit Terminal(const std::vector<std::string>& arguments);  // after the program's name
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void type(const std::string& keys);
  // Reads until the text has appeared since the last call that found one; false after half a minute without it.
  bool shows(const std::string& text);
  int exit_status();  // waits for the end
  const std::string& output() const { return output_; }

 private:
  int process_, terminal_;
  std::string output_;
  size_t seen_ = 0;
};

// For work that must survive a SIGKILL. Runs the program with arguments("whole") to its end; with arguments("killed")
// it is killed so many times, each at a random moment at most so many microseconds after the text has appeared, and
// then runs to its end too. A script prints "finished" at its end.
void run_whole_and_killed(const std::function<std::vector<std::string>(const std::string& name)>& arguments,
                          const std::string& text, int kills, unsigned microseconds);

}  // namespace multiviz
