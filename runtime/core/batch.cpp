#include "core/batch.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <new>

#include "core/cancel.h"
#include "core/error.h"

namespace multiviz {
namespace {

constexpr int64_t default_batch = 64;

bool out_of_memory(const std::function<void()>& run) {
  try {
    run();
    return false;
  } catch (const c10::OutOfMemoryError&) {
    return true;
  } catch (const std::bad_alloc&) {
    return true;
  } catch (const c10::Error& error) {
    // LibTorch's CPU allocator reports exhaustion as a plain error.
    if (std::string(error.what_without_backtrace()).find("not enough memory") == std::string::npos) throw;
    return true;
  }
}

}  // namespace

void for_each_batch(int64_t total, int64_t batch, const std::function<void(int64_t, int64_t)>& run) {
  if (batch <= 0) batch = default_batch;
  for (int64_t begin = 0; begin < total;) {
    throw_if_cancelled();
    int64_t end = std::min(total, begin + batch);
    if (!out_of_memory([&] { run(begin, end); })) {
      begin = end;
      continue;
    }
    check(end - begin > 1, "out of memory on a single item: use a smaller input or another device");
    batch = (end - begin) / 2;
  }
}

}  // namespace multiviz
