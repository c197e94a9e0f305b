#pragma once
#include <atomic>

namespace multiviz {

// A flag that stops the work of this thread alone (see core/cancel.h), for as long as it is set here; null for none.
// Returns the one before.
const std::atomic<bool>* set_thread_cancel(const std::atomic<bool>* flag) noexcept;

}  // namespace multiviz
