#include "core/cancel.h"

#include <atomic>
#include <utility>

#include "core/thread_cancel.h"

namespace multiviz {
namespace {
std::atomic<bool> requested{false};  // process-wide because signals are
thread_local const std::atomic<bool>* thread_flag = nullptr;
static_assert(std::atomic<bool>::is_always_lock_free);
}  // namespace

void request_cancel() noexcept { requested = true; }
void clear_cancel() noexcept { requested = false; }
bool cancel_requested() noexcept { return requested || (thread_flag && *thread_flag); }
const std::atomic<bool>* set_thread_cancel(const std::atomic<bool>* flag) noexcept {
  return std::exchange(thread_flag, flag);
}
void throw_if_cancelled() {
  if (cancel_requested()) throw Cancelled();
}

}  // namespace multiviz
