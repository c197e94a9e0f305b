#pragma once
#include <cstdint>
#include <functional>

namespace multiviz {

// Whether an exception tells that memory ran out, on a GPU or not.
bool is_out_of_memory(const std::exception& error);

// Calls run(begin, end) over [0, total) in batches, the one loop that every analysis goes through: it checks for
// cancellation before each batch, and when memory runs out it halves the batch and repeats it, down to one.
// `batch` <= 0 takes the default for the device that the work runs on. Throws Error when one item alone does not fit.
void for_each_batch(int64_t total, int64_t batch, const std::function<void(int64_t begin, int64_t end)>& run);

}  // namespace multiviz
