#pragma once
#include <nlohmann/json.hpp>
#include <string>

namespace multiviz {

// Sizes of windows and panels that are kept from run to run, in viewer.json of the user's state folder
// ($XDG_STATE_HOME/multiviz, else ~/.local/state/multiviz). A file that is missing or damaged counts as empty, and one
// that cannot be written is let be: nothing that matters is in it.
class Layout {
 public:
  Layout();                           // reads the file
  explicit Layout(std::string file);  // "" keeps nothing
  ~Layout();                          // writes it when something changed

  double get(const std::string& name, double fallback) const;
  void set(const std::string& name, double value);
  void save();
  // What was wrong with the file when it was read, "" when nothing was.
  const std::string& problem() const { return problem_; }

 private:
  std::string file_, problem_;
  nlohmann::json values_ = nlohmann::json::object();
  bool changed_ = false;
};

}  // namespace multiviz
