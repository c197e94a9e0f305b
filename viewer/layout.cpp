#include "viewer/layout.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace multiviz {
namespace {

std::string state_file() {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  if (state && *state) return (std::filesystem::path(state) / "multiviz" / "viewer.json").string();
  if (home && *home) return (std::filesystem::path(home) / ".local" / "state" / "multiviz" / "viewer.json").string();
  return "";
}

}  // namespace

Layout::Layout() : Layout(state_file()) {}

Layout::Layout(std::string file) : file_(std::move(file)) {
  std::ifstream in(file_);
  if (!in) return;
  auto read = nlohmann::json::parse(in, nullptr, false);
  if (read.is_object())
    values_ = std::move(read);
  else
    problem_ =
        fmt::format("the sizes of windows in '{}' are damaged and were left alone: the next save replaces them", file_);
}

Layout::~Layout() { save(); }

double Layout::get(const std::string& name, double fallback) const {
  auto found = values_.find(name);
  return found != values_.end() && found->is_number() ? found->get<double>() : fallback;
}

void Layout::set(const std::string& name, double value) {
  auto& slot = values_[name];
  if (slot.is_number() && slot.get<double>() == value) return;
  slot = value;
  changed_ = true;
}

void Layout::save() {
  if (!std::exchange(changed_, false) || file_.empty()) return;
  std::error_code failed;
  std::filesystem::create_directories(std::filesystem::path(file_).parent_path(), failed);
  auto fresh = file_ + ".new";
  std::ofstream out(fresh);
  out << values_.dump(1) << '\n';
  out.close();
  if (out) std::filesystem::rename(fresh, file_, failed);
}

}  // namespace multiviz
