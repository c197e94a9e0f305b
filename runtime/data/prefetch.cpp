#include "data/prefetch.h"

#include <ATen/Parallel.h>

#include "core/error.h"

namespace multiviz {

Prefetch::Prefetch(DatasetPtr data, int64_t first, int64_t last, std::function<std::vector<int64_t>(int64_t)> indices,
                   std::function<Datapoint(Datapoint)> transform, int64_t workers)
    : data_(std::move(data)),
      indices_(std::move(indices)),
      transform_(std::move(transform)),
      begun_(first),
      last_(last),
      following_(first) {
  if (workers <= 0) workers = at::get_num_threads();
  workers = std::min(workers, last - first);
  if (!data_->concurrent()) workers = 0;
  ahead_ = workers + 2;
  for (int64_t i = 0; i < workers; ++i) threads_.emplace_back([this] { run(); });
}

Prefetch::~Prefetch() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Prefetch::run() {
  for (;;) {
    int64_t batch;
    std::vector<int64_t> indices;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stop_ || begun_ >= last_ || begun_ < following_ + ahead_; });
      if (stop_ || begun_ >= last_) return;
      indices = indices_(batch = begun_++);
    }
    Batch loaded;
    try {
      loaded.datapoints = load(indices);
    } catch (...) {  // handed to the thread that waits for the batch
      loaded.error = std::current_exception();
    }
    std::lock_guard lock(mutex_);
    ready_[batch] = std::move(loaded);
    changed_.notify_all();
  }
}

std::vector<Datapoint> Prefetch::load(const std::vector<int64_t>& indices) const {
  std::vector<Datapoint> datapoints;
  for (int64_t index : indices) datapoints.push_back(transform_(data_->get(index)));
  return datapoints;
}

std::vector<Datapoint> Prefetch::next() {
  check(following_ < last_, "internal: there is no batch {}", following_);
  if (threads_.empty()) return load(indices_(following_++));
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return ready_.contains(following_); });
  Batch batch = std::move(ready_.at(following_));
  ready_.erase(following_++);
  changed_.notify_all();
  if (batch.error) std::rethrow_exception(batch.error);
  return std::move(batch.datapoints);
}

}  // namespace multiviz
