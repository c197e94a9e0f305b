#include "representation/fingerprint.h"

#include <ATen/ATen.h>

#include <cstring>

namespace multiviz {
namespace {

uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

// Two lanes of eight bytes at a time.
class Digest {
 public:
  void add(std::string_view bytes) {
    step(bytes.size());
    for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
      uint64_t word;
      std::memcpy(&word, bytes.data(), 8);
      step(word);
    }
    uint64_t rest = 0;
    std::memcpy(&rest, bytes.data(), bytes.size());
    step(rest);
  }
  std::string hex() const { return fmt::format("{:016x}{:016x}", mix(a_), mix(b_)); }

 private:
  void step(uint64_t word) {
    a_ = mix(a_ ^ word) + 0x9e3779b97f4a7c15ULL;
    b_ = (b_ ^ word) * 0x100000001b3ULL + (b_ >> 29);
  }
  uint64_t a_ = 0, b_ = 0xcbf29ce484222325ULL;
};

}  // namespace

std::string digest(std::string_view bytes) {
  Digest digest;
  digest.add(bytes);
  return digest.hex();
}

std::string fingerprint(const Model& model) {
  auto parameters = model.parameters();
  if (parameters.empty()) return "";
  Digest digest;
  digest.add(model.signature().name);
  digest.add(model.config().dump());
  for (const auto& [name, weight] : parameters) {
    at::Tensor values = weight.detach().cpu().contiguous();
    digest.add(name);
    digest.add(c10::str(values.scalar_type(), values.sizes()));
    digest.add({static_cast<const char*>(values.data_ptr()), values.nbytes()});
  }
  return digest.hex();
}

}  // namespace multiviz
