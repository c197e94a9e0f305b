#pragma once
#include <string>

namespace multiviz {

// The folder for one kind of file that can be made again: $XDG_CACHE_HOME/multiviz/kind, or ~/.cache/multiviz/kind.
// Empty when neither is set. It may not exist yet.
std::string cache_folder(const std::string& kind);

}  // namespace multiviz
