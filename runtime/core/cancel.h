#pragma once
#include <exception>

namespace multiviz {

// Thrown out of an analysis when the user asked to stop it (Ctrl-C, the cancel button of a window). Not an Error:
// nothing is wrong and nothing is to be mended.
class Cancelled : public std::exception {
 public:
  const char* what() const noexcept override { return "cancelled"; }
};

// Safe to call from a signal handler and from any thread.
void request_cancel() noexcept;
void clear_cancel() noexcept;
bool cancel_requested() noexcept;

// Throws Cancelled when a request is pending. Every loop over batches calls it (see core/batch.h).
void throw_if_cancelled();

}  // namespace multiviz
