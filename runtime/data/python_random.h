#pragma once
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace multiviz {

// Python's `random` after `random.seed(n)`, n in [0, 2^32): splits that a data set's authors drew with it come out the
// same. The generator is MT19937, seeded as init_by_array does.
class PythonRandom {
 public:
  explicit PythonRandom(uint32_t seed);
  uint32_t bits();           // random.getrandbits(32)
  int64_t below(int64_t n);  // random.randrange(n), 0 < n <= 2^31

  // random.shuffle (Python 3.2 and newer).
  template <typename T>
  void shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i-- > 1;)
      std::swap(items[i], items[static_cast<size_t>(below(static_cast<int64_t>(i) + 1))]);
  }

 private:
  void generate();

  std::array<uint32_t, 624> state_;
  size_t next_ = 624;
};

}  // namespace multiviz
