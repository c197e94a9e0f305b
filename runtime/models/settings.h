#pragma once
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/suggest.h"

namespace multiviz {

// Reads a model's settings: all must be there but those that are optional, and no other. Throws Error naming the
// setting.
class SettingsReader {
 public:
  SettingsReader(const nlohmann::json& config, std::string architecture)
      : config_(config), architecture_(std::move(architecture)) {
    check(config.is_object(), "the settings of a {} are a JSON object", architecture_);
  }

  template <typename T>
  void operator()(const char* name, T& value) {
    known_.emplace_back(name);
    auto found = config_.find(name);
    check(found != config_.end(), "the settings of a {} lack '{}'", architecture_, name);
    // A script writes an empty list as it writes an empty table.
    const bool empty = nlohmann::json(value).is_array() && found->is_object() && found->empty();
    try {
      (empty ? nlohmann::json::array() : *found).get_to(value);
    } catch (const nlohmann::json::exception&) {
      fail("the setting '{}' of a {} has the wrong type", name, architecture_);
    }
  }

  // A setting that files may lack, and one that somebody else reads.
  template <typename T>
  void optional(const char* name, T& value) {
    if (config_.contains(name))
      (*this)(name, value);
    else
      known_.emplace_back(name);
  }
  void allow(const char* name) { known_.emplace_back(name); }

  // Call it after the last setting.
  void done() const {
    for (const auto& [name, _] : config_.items())
      check(std::find(known_.begin(), known_.end(), name) != known_.end(), "a {} has no setting '{}'{}", architecture_,
            name, suggestion(name, known_));
  }

 private:
  const nlohmann::json& config_;
  std::string architecture_;
  std::vector<std::string> known_ = {"architecture"};
};

}  // namespace multiviz
