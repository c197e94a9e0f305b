#pragma once
#include <filesystem>
#include <string>

#include "tests/scratch.h"

namespace multiviz::test {

// A copy of a fixture in the form of a published data set, which a test may damage.
template <typename Options>
class PublishedFolder : public Scratch {
 public:
  // The folder's name in tests/fixtures, and the split that tests ask for most.
  PublishedFolder(const std::string& fixture, std::string split) : root_(*this / fixture), split_(std::move(split)) {
    std::filesystem::copy("tests/fixtures/" + fixture, root_, std::filesystem::copy_options::recursive);
  }
  Options options() const { return options(split_); }
  Options options(const std::string& split) const {
    Options options;
    options.root = root_;
    options.cache = *this / "cache";
    options.split = split;
    return options;
  }
  std::string path(const std::string& name) const { return root_ + "/" + name; }

 private:
  std::string root_, split_;
};

}  // namespace multiviz::test
