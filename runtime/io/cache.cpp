#include "io/cache.h"

#include <cstdlib>

namespace multiviz {

std::string cache_folder(const std::string& kind) {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache && *cache) return std::string(cache) + "/multiviz/" + kind;
  const char* home = std::getenv("HOME");
  return home && *home ? std::string(home) + "/.cache/multiviz/" + kind : "";
}

}  // namespace multiviz
