#pragma once
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "data/dataset.h"
#include "text/tokenizer.h"

namespace multiviz {

// Loads batches of datapoints ahead of their use, on threads of its own; one at a time and in next() when the data set
// must stay on the thread that made it. The order is that of the batches, whichever is ready first.
class Prefetch {
 public:
  struct Batch {
    std::vector<Datapoint> datapoints;
    std::vector<TokenBatch> tokens;  // what `tokenize` made of them
  };
  using Tokenize = std::function<std::vector<TokenBatch>(std::span<const Datapoint>)>;

  // `indices(k)` gives the datapoints of batch k, for k from `first` to `last` - 1; `transform` is applied to each and
  // `tokenize`, when given, to the batch, on several threads at once; `indices` is called by one at a time. `workers`
  // <= 0: as many threads as LibTorch uses.
  Prefetch(DatasetPtr data, int64_t first, int64_t last, std::function<std::vector<int64_t>(int64_t)> indices,
           std::function<Datapoint(Datapoint)> transform, int64_t workers = 0, Tokenize tokenize = {});
  ~Prefetch();
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;

  // The next batch, in order. Rethrows what loading it threw.
  Batch next();

 private:
  struct Loaded {
    Batch batch;
    std::exception_ptr error;
  };
  void run();
  Batch load(const std::vector<int64_t>& indices) const;

  DatasetPtr data_;
  std::function<std::vector<int64_t>(int64_t)> indices_;
  std::function<Datapoint(Datapoint)> transform_;
  Tokenize tokenize_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int64_t, Loaded> ready_;
  bool stop_ = false;
  int64_t begun_, last_;  // the next batch that a thread takes, and where they end
  int64_t following_;     // the batch that next() returns
  int64_t ahead_;         // batches that are loaded or being loaded at a time, so that memory is bounded
  std::vector<std::thread> threads_;
};

}  // namespace multiviz
