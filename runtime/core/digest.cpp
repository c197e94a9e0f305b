#include "core/digest.h"

#include <fmt/format.h>

#include <cstring>

namespace multiviz {
namespace {

uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace

// Two lanes of eight bytes at a time.
void Digest::add(std::string_view bytes) {
  step(bytes.size());
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    uint64_t word;
    std::memcpy(&word, bytes.data(), 8);
    step(word);
  }
  uint64_t rest = 0;
  if (!bytes.empty()) std::memcpy(&rest, bytes.data(), bytes.size());
  step(rest);
}

std::string Digest::hex() const { return fmt::format("{:016x}{:016x}", mix(a_), mix(b_)); }

void Digest::step(uint64_t word) {
  a_ = mix(a_ ^ word) + 0x9e3779b97f4a7c15ULL;
  b_ = (b_ ^ word) * 0x100000001b3ULL + (b_ >> 29);
}

std::string digest(std::string_view bytes) {
  Digest digest;
  digest.add(bytes);
  return digest.hex();
}

}  // namespace multiviz
