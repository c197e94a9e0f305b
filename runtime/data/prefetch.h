#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "data/dataset.h"

namespace multiviz {

// Loads batches of datapoints ahead of their use, on a thread of its own; one at a time and in next() when the data set
// must stay on the thread that made it.
class Prefetch {
 public:
  // `indices(k)` gives the datapoints of batch k, for k from `first` to `last` - 1; `transform` is applied to each.
  Prefetch(DatasetPtr data, int64_t first, int64_t last, std::function<std::vector<int64_t>(int64_t)> indices,
           std::function<Datapoint(Datapoint)> transform);
  ~Prefetch();
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;

  // The next batch, in order. Rethrows what loading it threw.
  std::vector<Datapoint> next();

 private:
  void run(int64_t first, int64_t last);
  std::vector<Datapoint> load(int64_t batch) const;
  bool put(std::vector<Datapoint> batch, std::exception_ptr error);

  DatasetPtr data_;
  std::function<std::vector<int64_t>(int64_t)> indices_;
  std::function<Datapoint(Datapoint)> transform_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<std::vector<Datapoint>, std::exception_ptr>> ready_;
  bool stop_ = false;
  int64_t following_;  // the batch that next() loads itself
  std::thread thread_;
};

}  // namespace multiviz
