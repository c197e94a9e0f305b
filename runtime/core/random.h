#pragma once
#include <ATen/core/Generator.h>

#include <cstdint>

namespace multiviz {

// A LibTorch generator on the CPU with this seed. Sampling happens on the CPU and is moved to the device, so that the
// same seed gives the same coalitions everywhere.
at::Generator make_generator(uint64_t seed);

// A small counter-based generator (SplitMix64) for data that must be identical on every machine.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  Random(uint64_t seed, uint64_t stream) : state_(mix(seed ^ mix(stream + 0x9e3779b97f4a7c15ULL))) {}
  uint64_t next() { return mix(state_ += 0x9e3779b97f4a7c15ULL); }
  // Uniform in [0, n), without modulo bias to speak of (n is small). n > 0.
  int64_t below(int64_t n) { return static_cast<int64_t>((static_cast<unsigned __int128>(next()) * n) >> 64); }
  // Uniform in [0, 1), 53 bits.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }

 private:
  static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  uint64_t state_;
};

}  // namespace multiviz
