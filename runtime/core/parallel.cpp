#include "core/parallel.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "core/cancel.h"

namespace multiviz {
namespace {

struct Shared {
  std::atomic<int64_t> next{0};
  std::atomic<int64_t> finished{0};
  std::mutex mutex;
  std::exception_ptr error;

  void fail_with(std::exception_ptr thrown) {
    std::scoped_lock lock(mutex);
    if (!error) error = std::move(thrown);
  }
};

void work(Shared& shared, int64_t n, const std::function<void(int64_t)>& run, const std::function<void()>& between) {
  try {
    for (int64_t i; (i = shared.next.fetch_add(1)) < n;) {
      throw_if_cancelled();
      run(i);
      shared.finished.fetch_add(1);
      if (between) between();
    }
  } catch (...) {
    shared.fail_with(std::current_exception());
    shared.next.store(n);  // the others stop after the item they are at
  }
}

}  // namespace

void parallel_for(int64_t n, const std::function<void(int64_t)>& run, const std::function<void(int64_t)>& done) {
  Shared shared;
  int64_t reported = 0;
  auto report = [&] {
    int64_t finished = shared.finished.load();
    if (done && finished > reported) done(finished - std::exchange(reported, finished));
  };
  {
    std::vector<std::jthread> threads;
    int64_t others = std::min<int64_t>(at::get_num_threads(), n) - 1;
    for (int64_t t = 0; t < others; ++t) threads.emplace_back([&] { work(shared, n, run, {}); });
    work(shared, n, run, report);
  }
  if (shared.error) std::rethrow_exception(shared.error);
  report();
}

}  // namespace multiviz
