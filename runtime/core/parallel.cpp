#include "core/parallel.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/TensorIterator.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

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

// LibTorch's own threads, reached through an operation over one element per thread: a second pool would fight with them
// for the cores, since they spin for a while after each operation.
void on_pool(int64_t threads, const std::function<void()>& body) {
  at::Tensor elements = at::empty({threads}, at::kByte);
  auto iterator =
      at::TensorIteratorConfig().set_check_mem_overlap(false).add_output(elements).add_const_input(elements).build();
  iterator.for_each([&](char**, const int64_t*, int64_t) { body(); }, 1);
}

}  // namespace

void parallel_for(int64_t n, const std::function<void(int64_t)>& run, const std::function<void(int64_t)>& done) {
  Shared shared;
  int64_t reported = 0;
  auto report = [&] {
    int64_t finished = shared.finished.load();
    if (done && finished > reported) done(finished - std::exchange(reported, finished));
  };
  auto caller = std::this_thread::get_id();
  on_pool(std::max<int64_t>(1, std::min<int64_t>(at::get_num_threads(), n)), [&] {
    bool mine = std::this_thread::get_id() == caller;
    work(shared, n, run, mine ? std::function<void()>(report) : std::function<void()>());
  });
  if (shared.error) std::rethrow_exception(shared.error);
  report();
}

}  // namespace multiviz
