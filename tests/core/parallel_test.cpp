#include "core/parallel.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "core/cancel.h"
#include "tests/scratch.h"

using namespace multiviz;

TEST_CASE("every item of a parallel loop runs once and is reported") {
  std::vector<int> count(1000, 0);
  int64_t finished = 0;
  parallel_for(
      1000, [&](int64_t i) { ++count[static_cast<size_t>(i)]; }, [&](int64_t n) { finished += n; });
  CHECK(std::accumulate(count.begin(), count.end(), 0) == 1000);
  CHECK(*std::max_element(count.begin(), count.end()) == 1);
  CHECK(finished == 1000);
  parallel_for(0, [&](int64_t) { FAIL("there is nothing to run"); });
}

TEST_CASE("an error in a parallel loop reaches the caller") {
  CHECK(error_of([] { parallel_for(100, [](int64_t i) { check(i != 42, "item {}", i); }); }) == "item 42");
}

TEST_CASE("a parallel loop can be cancelled") {
  request_cancel();
  CHECK_THROWS_AS(parallel_for(10, [](int64_t) {}), Cancelled);
  clear_cancel();
}
