#include "core/batch.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "tests/scratch.h"

using namespace multiviz;

TEST_CASE("batches are halved when memory runs out, and the work goes on") {
  std::vector<std::pair<int64_t, int64_t>> done;
  for_each_batch(10, 8, [&](int64_t begin, int64_t end) {
    if (end - begin > 2) at::empty({int64_t{1} << 46});  // LibTorch's own way of saying so
    done.emplace_back(begin, end);
  });
  CHECK(done == std::vector<std::pair<int64_t, int64_t>>{{0, 2}, {2, 4}, {4, 6}, {6, 8}, {8, 10}});
}

TEST_CASE("memory that does not suffice for one item, and other errors, end the work") {
  CHECK(error_of([] { for_each_batch(3, 2, [](int64_t, int64_t) { at::empty({int64_t{1} << 46}); }); }) ==
        has("out of memory on a single item"));
  int64_t calls = 0;
  CHECK_THROWS_AS(for_each_batch(3, 3,
                                 [&](int64_t, int64_t) {
                                   ++calls;
                                   at::ones({2}).add(at::ones({3}));
                                 }),
                  std::exception);
  CHECK(calls == 1);
}
