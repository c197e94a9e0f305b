#include "core/memory.h"

#include <malloc.h>

namespace multiviz {

void keep_freed_memory() {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
  mallopt(M_ARENA_MAX, 1);  // another thread's arena cannot hold large blocks
}

void release_freed_memory() { malloc_trim(0); }

}  // namespace multiviz
