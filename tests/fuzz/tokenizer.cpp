#include "text/tokenizer.h"

#include "tests/fuzz/harness.h"

// A tokenizer.json and, after a line of three dashes, a text for it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace multiviz;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  return expect_error_at_worst([&] {
    const size_t end = input.find("\n---\n");
    const auto tokenizer = parse_tokenizer(input.substr(0, end), "x.json");
    const std::string text(end == std::string_view::npos ? input : input.substr(end + 5));
    EncodeOptions options;
    options.max_length = static_cast<int64_t>(size % 16);
    const auto tokens = tokenizer->encode(text, "caf\xc3\xa9 [MASK]", options);
    for (const auto& [begin, finish] : tokens.spans)
      if (begin > finish) __builtin_trap();
  });
}
