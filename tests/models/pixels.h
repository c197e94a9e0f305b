#pragma once
#include <ATen/ATen.h>

namespace multiviz::test {

// The numbers in [-1/2, 1/2) that tests/fixtures/recipe.py calls numbers(count, seed).
inline at::Tensor hashed(int64_t count, int64_t seed) {
  auto mixed = (at::arange(count, at::kLong) + seed * 7919) * 2654435761 % 4294967296;
  mixed = mixed.bitwise_xor(mixed.__rshift__(15)) * 1274126177 % 4294967296;
  mixed = mixed.bitwise_xor(mixed.__rshift__(13));
  return mixed.to(at::kDouble) / 4294967296.0 - 0.5;
}

// uint8 [h, w, 3], in blocks of 4 x 4: picture(h, w, seed) of tests/fixtures/frcnn/make_frcnn.py.
inline at::Tensor picture(int64_t h, int64_t w, int64_t seed) {
  auto blocks = hashed((h / 4 + 1) * (w / 4 + 1) * 3, seed).view({h / 4 + 1, w / 4 + 1, 3});
  auto bytes = ((blocks + 0.5) * 256).floor().clamp(0, 255).to(at::kByte);
  return bytes.repeat_interleave(4, 0).repeat_interleave(4, 1).slice(0, 0, h).slice(1, 0, w).contiguous();
}

}  // namespace multiviz::test
