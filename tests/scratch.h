#pragma once
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <ostream>
#include <string>
#include <utility>

#include "core/error.h"

namespace multiviz {

// A folder of its own for one test, removed with all that is in it.
class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "multiviz-test-XXXXXX").string();
    check(::mkdtemp(name.data()) != nullptr, "cannot make a scratch folder");
    folder_ = name;
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::permissions(folder_, std::filesystem::perms::owner_all, ignored);
    std::filesystem::remove_all(folder_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string operator/(const std::string& name) const { return (folder_ / name).string(); }
  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

// The message of the Error that `run` throws, "" when it throws none.
template <typename Run>
std::string error_of(Run&& run) {
  try {
    run();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// CHECK(text == has("part")): whether the text holds the part. A failing check prints both.
struct has {
  std::string part;
  explicit has(std::string text) : part(std::move(text)) {}
  friend bool operator==(const std::string& text, const has& expected) {
    return text.find(expected.part) != std::string::npos;
  }
  friend std::ostream& operator<<(std::ostream& stream, const has& expected) {
    return stream << "a text that holds \"" << expected.part << '"';
  }
};

}  // namespace multiviz
