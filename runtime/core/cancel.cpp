#include "core/cancel.h"

#include <atomic>

namespace multiviz {
namespace {
std::atomic<bool> requested{false};  // process-wide because signals are
static_assert(std::atomic<bool>::is_always_lock_free);
}  // namespace

void request_cancel() noexcept { requested = true; }
void clear_cancel() noexcept { requested = false; }
bool cancel_requested() noexcept { return requested; }
void throw_if_cancelled() {
  if (cancel_requested()) throw Cancelled();
}

}  // namespace multiviz
