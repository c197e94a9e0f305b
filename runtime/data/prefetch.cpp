#include "data/prefetch.h"

namespace multiviz {

Prefetch::Prefetch(DatasetPtr data, int64_t first, int64_t last, std::function<std::vector<int64_t>(int64_t)> indices,
                   std::function<Datapoint(Datapoint)> transform)
    : data_(std::move(data)),
      indices_(std::move(indices)),
      transform_(std::move(transform)),
      following_(first) {
  if (data_->concurrent()) thread_ = std::thread([this, first, last] { run(first, last); });
}

Prefetch::~Prefetch() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Prefetch::run(int64_t first, int64_t last) {
  for (int64_t k = first; k < last; ++k) {
    std::vector<Datapoint> batch;
    std::exception_ptr error;
    try {
      batch = load(k);
    } catch (...) {  // handed to the thread that waits for the batch
      error = std::current_exception();
    }
    if (!put(std::move(batch), error) || error) return;
  }
}

std::vector<Datapoint> Prefetch::load(int64_t batch) const {
  std::vector<Datapoint> datapoints;
  for (int64_t index : indices_(batch)) datapoints.push_back(transform_(data_->get(index)));
  return datapoints;
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
  if (!thread_.joinable()) return load(following_++);
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !ready_.empty(); });
  auto [batch, error] = std::move(ready_.front());
  ready_.pop_front();
  changed_.notify_all();
  if (error) std::rethrow_exception(error);
  return std::move(batch);
}

}  // namespace multiviz
