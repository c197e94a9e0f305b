#include "data/prefetch.h"

#include <ATen/Parallel.h>

#include "core/error.h"

namespace multiviz {

Prefetch::Prefetch(DatasetPtr data, int64_t first, int64_t last, std::function<std::vector<int64_t>(int64_t)> indices,
                   std::function<Datapoint(Datapoint)> transform, int64_t workers, Tokenize tokenize)
    : data_(std::move(data)),
      indices_(std::move(indices)),
      transform_(std::move(transform)),
      tokenize_(std::move(tokenize)),
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
    Loaded loaded;
    try {
      loaded.batch = load(indices);
    } catch (...) {  // handed to the thread that waits for the batch
      loaded.error = std::current_exception();
    }
    std::lock_guard lock(mutex_);
    ready_[batch] = std::move(loaded);
    changed_.notify_all();
  }
}

Prefetch::Batch Prefetch::load(const std::vector<int64_t>& indices) const {
  Batch batch;
  for (int64_t index : indices) batch.datapoints.push_back(transform_(data_->get(index)));
  if (tokenize_) batch.tokens = tokenize_(batch.datapoints);
  return batch;
}

Prefetch::Batch Prefetch::next() {
  check(following_ < last_, "internal: there is no batch {}", following_);
  if (threads_.empty()) return load(indices_(following_++));
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return ready_.contains(following_); });
  Loaded loaded = std::move(ready_.at(following_));
  ready_.erase(following_++);
  changed_.notify_all();
  if (loaded.error) std::rethrow_exception(loaded.error);
  return std::move(loaded.batch);
}

}  // namespace multiviz
