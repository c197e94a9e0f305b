#include "data/python_random.h"

#include <doctest/doctest.h>

#include <numeric>

using namespace multiviz;

// The expected numbers are CPython 3.11's: random.seed(n), then random.getrandbits(32), shuffle or randrange.
TEST_CASE("Python's generator, draw by draw") {
  PythonRandom random(10);
  for (uint32_t expected : {2454155475U, 139951793U, 1842064464U, 2072586604U}) CHECK(random.bits() == expected);
  CHECK(PythonRandom(0).bits() == 3626764237U);
  CHECK(PythonRandom(4294967295U).bits() == 2728839433U);
  PythonRandom ranges(10);
  for (int64_t expected : {4, 0, 3, 3, 4, 0, 1, 3}) CHECK(ranges.below(7) == expected);
}

TEST_CASE("Python's shuffle") {
  std::vector<int> few(12), many(5000);
  std::iota(few.begin(), few.end(), 0);
  PythonRandom(10).shuffle(few);
  CHECK(few == std::vector<int>{11, 8, 4, 2, 5, 3, 1, 10, 7, 6, 0, 9});
  std::iota(many.begin(), many.end(), 0);
  PythonRandom(10).shuffle(many);  // long enough to make the state anew several times
  CHECK(std::vector<int>(many.begin(), many.begin() + 6) == std::vector<int>{252, 2776, 3701, 1150, 3143, 3342});
  CHECK(std::vector<int>(many.end() - 3, many.end()) == std::vector<int>{3513, 266, 4680});
}
