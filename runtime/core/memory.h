#pragma once

namespace multiviz {

// Tells the allocator to keep what is freed for the next tensor, in one place for all threads. It gives large blocks
// back to the system at once otherwise, and taking zeroed pages anew for each tensor is up to half of a large batch's
// time. For a program's start, before other threads run.
void keep_freed_memory();

// Gives what is kept back to the system: for the end of something large, before a person is waited for.
void release_freed_memory();

}  // namespace multiviz
