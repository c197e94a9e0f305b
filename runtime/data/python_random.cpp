#include "data/python_random.h"

#include <bit>

namespace multiviz {

// Matsumoto and Nishimura's mt19937ar: init_genrand(19650218), then init_by_array with a key of one word.
PythonRandom::PythonRandom(uint32_t seed) {
  constexpr size_t n = 624;
  state_[0] = 19650218U;
  for (size_t i = 1; i < n; ++i)
    state_[i] = 1812433253U * (state_[i - 1] ^ (state_[i - 1] >> 30)) + static_cast<uint32_t>(i);
  size_t i = 1;
  auto step = [&] {
    if (++i >= n) {
      state_[0] = state_[n - 1];
      i = 1;
    }
  };
  for (size_t k = 0; k < n; ++k, step())
    state_[i] = (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30)) * 1664525U)) + seed;
  for (size_t k = 0; k < n - 1; ++k, step())
    state_[i] = (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30)) * 1566083941U)) - static_cast<uint32_t>(i);
  state_[0] = 0x80000000U;
}

void PythonRandom::generate() {
  constexpr size_t n = 624, m = 397;
  for (size_t k = 0; k < n; ++k) {
    const uint32_t y = (state_[k] & 0x80000000U) | (state_[(k + 1) % n] & 0x7fffffffU);
    state_[k] = state_[(k + m) % n] ^ (y >> 1) ^ ((y & 1U) ? 0x9908b0dfU : 0U);
  }
  next_ = 0;
}

uint32_t PythonRandom::bits() {
  if (next_ == state_.size()) generate();
  uint32_t y = state_[next_++];
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680U;
  y ^= (y << 15) & 0xefc60000U;
  return y ^ (y >> 18);
}

int64_t PythonRandom::below(int64_t n) {
  const int width = std::bit_width(static_cast<uint32_t>(n));
  for (;;) {
    const auto drawn = static_cast<int64_t>(bits() >> (32 - width));
    if (drawn < n) return drawn;
  }
}

}  // namespace multiviz
