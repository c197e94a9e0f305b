#include "core/batch.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <new>

#include "core/cancel.h"
#include "core/error.h"

namespace multiviz {
namespace {

constexpr int64_t default_batch = 64;

bool runs_out_of_memory(const std::function<void()>& run) {
  try {
    run();
    return false;
  } catch (const std::exception& error) {
    if (!is_out_of_memory(error)) throw;
    return true;
  }
}

}  // namespace

bool is_out_of_memory(const std::exception& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) || dynamic_cast<const std::bad_alloc*>(&error)) return true;
  // LibTorch's CPU allocator reports exhaustion as a plain error.
  auto* other = dynamic_cast<const c10::Error*>(&error);
  return other && std::string_view(other->what_without_backtrace()).find("DefaultCPUAllocator") != std::string::npos;
}

void for_each_batch(int64_t total, int64_t batch, const std::function<void(int64_t, int64_t)>& run) {
  if (batch <= 0) batch = default_batch;
  for (int64_t begin = 0; begin < total;) {
    throw_if_cancelled();
    int64_t end = std::min(total, begin + batch);
    if (!runs_out_of_memory([&] { run(begin, end); })) {
      begin = end;
      continue;
    }
    check(end - begin > 1, "out of memory on a single item: use a smaller input or another device");
    batch = (end - begin) / 2;
  }
}

}  // namespace multiviz
