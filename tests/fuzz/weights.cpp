#include <ATen/ATen.h>

#include <fstream>

#include "io/safetensors.h"
#include "models/weight_files.h"
#include "tests/fuzz/harness.h"

// The index of weights in parts, beside one part.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace multiviz;
  static const std::string folder = [] {
    std::string name = "/tmp/multiviz-fuzz-XXXXXX";
    if (!::mkdtemp(name.data())) std::abort();
    save_safetensors(name + "/one.safetensors", {{"a", at::ones({2})}, {"b", at::zeros({1})}});
    return name;
  }();
  std::ofstream(folder + "/model.safetensors.index.json", std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  return expect_error_at_worst([] {
    for (const auto& [name, tensor] : load_weight_files(folder).tensors) tensor.clone();
  });
}
