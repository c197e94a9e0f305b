#include "data/prefetch.h"

namespace multiviz {

Prefetch::Prefetch(DatasetPtr data, int64_t first, int64_t last, std::function<std::vector<int64_t>(int64_t)> indices,
                   std::function<Datapoint(Datapoint)> transform)
    : data_(std::move(data)),
      indices_(std::move(indices)),
      transform_(std::move(transform)),
      thread_([this, first, last] { run(first, last); }) {}

Prefetch::~Prefetch() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Prefetch::run(int64_t first, int64_t last) {
  for (int64_t k = first; k < last; ++k) {
    std::vector<Datapoint> batch;
    std::exception_ptr error;
    try {
      for (int64_t index : indices_(k)) batch.push_back(transform_(data_->get(index)));
    } catch (...) {  // handed to the thread that waits for the batch
      error = std::current_exception();
    }
    if (!put(std::move(batch), error) || error) return;
  }
}

bool Prefetch::put(std::vector<Datapoint> batch, std::exception_ptr error) {
  constexpr size_t ahead = 3;
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stop_ || ready_.size() < ahead; });
  if (stop_) return false;
  ready_.emplace_back(std::move(batch), error);
  changed_.notify_all();
  return true;
}

std::vector<Datapoint> Prefetch::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !ready_.empty(); });
  auto [batch, error] = std::move(ready_.front());
  ready_.pop_front();
  changed_.notify_all();
  if (error) std::rethrow_exception(error);
  return std::move(batch);
}

}  // namespace multiviz
