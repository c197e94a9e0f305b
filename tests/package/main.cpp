#include <cstdio>

#include "core/device.h"
#include "data/value.h"

int main() {
  if (multiviz::parse_device("cpu") != at::kCPU) return 1;
  auto words = multiviz::word_list("What colour is the cube?");
  std::printf("%zu words\n", words.size());
  return words.size() == 6 ? 0 : 1;
}
