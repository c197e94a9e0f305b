#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/error.h"

namespace multiviz {

// What opening a data set does about a record that is damaged: throw, or leave it out.
enum class OnError { fail, skip };

// The records that were left out.
struct Skipped {
  int64_t count = 0;
  std::vector<std::string> messages;  // why, with file and position; the first hundred
};

// Runs read() for one record. True when it could be read; an Error of it is thrown, or counted in `skipped`.
template <typename Read>
bool read_record(OnError on_error, Skipped& skipped, Read&& read) {
  try {
    read();
    return true;
  } catch (const Error& error) {
    if (on_error == OnError::fail) throw;
    constexpr size_t kept = 100;
    if (skipped.messages.size() < kept) skipped.messages.push_back(error.what());
    ++skipped.count;
    return false;
  }
}

}  // namespace multiviz
