#include "core/progress.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace multiviz {
namespace {
thread_local Progress* innermost = nullptr;
thread_local ProgressSink* sink = nullptr;
}  // namespace

ProgressSink* set_progress_sink(ProgressSink* next) { return std::exchange(sink, next); }

Progress::Progress(std::string what, int64_t total)
    : what_(std::move(what)), total_(std::max<int64_t>(total, 1)), outer_(std::exchange(innermost, this)) {
  if (outer_) outer_->divide(total_);
  report(0);
}

Progress::~Progress() {
  innermost = outer_;
  if (!outer_ && sink) sink->finish(what_);
}

void Progress::advance(int64_t steps) {
  done_ = std::min(done_ + steps, total_);
  report(0);
}

void Progress::report(double inner) const {
  double fraction = std::min(1.0, (static_cast<double>(done_) + inner) / static_cast<double>(total_));
  if (outer_)
    outer_->report(fraction);
  else if (sink)
    sink->update(what_, fraction, std::llround(fraction * static_cast<double>(total_ * unit_)), total_ * unit_);
}

void Progress::divide(int64_t steps) {
  if (steps <= unit_) return;
  unit_ = steps;
  if (outer_) outer_->divide(total_ * unit_);
}

}  // namespace multiviz
