#include "core/random.h"

#include <ATen/CPUGeneratorImpl.h>

namespace multiviz {

at::Generator make_generator(uint64_t seed) { return at::make_generator<at::CPUGeneratorImpl>(seed); }

}  // namespace multiviz
