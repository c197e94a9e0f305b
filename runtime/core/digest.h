#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace multiviz {

// 128 bits of what was added, each piece with its length. Tells versions apart; not for secrets.
class Digest {
 public:
  void add(std::string_view bytes);
  std::string hex() const;  // 32 digits

 private:
  void step(uint64_t word);

  uint64_t a_ = 0, b_ = 0xcbf29ce484222325ULL;
};

// Of one piece.
std::string digest(std::string_view bytes);

}  // namespace multiviz
