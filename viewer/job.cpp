#include "viewer/job.h"

#include <utility>

#include "core/cancel.h"
#include "core/memory.h"
#include "core/thread_cancel.h"

namespace multiviz {

Job::Job(std::string name, Work work)
    : name_(std::move(name)), work_(std::move(work)), started_(std::chrono::steady_clock::now()) {}

Job::~Job() {
  cancel();
  if (thread_.joinable()) thread_.join();
}

void Job::start() {
  started_ = std::chrono::steady_clock::now();
  thread_ = std::thread([this] { run(); });
}

void Job::run_here(std::function<void()> meanwhile) {
  meanwhile_ = std::move(meanwhile);
  run();
}

void Job::run() {
  auto* sink = set_progress_sink(this);
  auto* flag = set_thread_cancel(&stop_);
  try {
    throw_if_cancelled();
    result_ = work_();
  } catch (const Cancelled&) {
  } catch (const std::exception& error) {
    std::lock_guard lock(mutex_);
    error_ = error.what();
  }
  work_ = nullptr;
  constexpr double large = 1;  // s
  if (seconds() > large) release_freed_memory();
  set_thread_cancel(flag);
  set_progress_sink(sink);
  finished_ = true;
}

void Job::update(const std::string& what, double fraction, int64_t, int64_t) {
  constexpr std::chrono::milliseconds slice{33};
  fraction_ = fraction;
  {
    std::lock_guard lock(mutex_);
    step_ = what;
  }
  auto now = std::chrono::steady_clock::now();
  if (!meanwhile_ || now - drawn_ < slice) return;
  drawn_ = now;
  meanwhile_();
}

std::string Job::deliver() {
  if (thread_.joinable()) thread_.join();
  if (auto result = std::exchange(result_, nullptr); result && !stop_) result();
  std::lock_guard lock(mutex_);
  return std::exchange(error_, "");
}

std::string Job::step() const {
  std::lock_guard lock(mutex_);
  return step_;
}

double Job::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
}

}  // namespace multiviz
