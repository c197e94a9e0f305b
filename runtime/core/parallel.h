#pragma once
#include <cstdint>
#include <functional>

namespace multiviz {

// Calls run(i) for every i in [0, n) on as many threads as LibTorch uses (mv.threads), this one included; each thread
// takes the next i when it is done with its last. `done`, when given, is called on this thread now and then with how
// many were finished since its last call. Cancellation stops it between two items; the first exception of any thread is
// thrown here. For loops that are not tensor operations.
void parallel_for(int64_t n, const std::function<void(int64_t i)>& run,
                  const std::function<void(int64_t finished)>& done = {});

}  // namespace multiviz
