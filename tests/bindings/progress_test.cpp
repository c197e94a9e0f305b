#include "bindings/progress.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

using namespace multiviz;

namespace {

// What a sink writes while two modalities of 100 samples each are worked on, in batches of 50.
template <typename MakeSink>
std::string written(MakeSink make_sink) {
  char* text = nullptr;
  size_t size = 0;
  std::FILE* file = open_memstream(&text, &size);
  auto sink = make_sink(file);
  auto* before = set_progress_sink(sink.get());
  {
    Progress whole("lime", 2);
    for (int modality = 0; modality < 2; ++modality) {
      Progress part("evaluating", 100);
      for (int batch = 0; batch < 2; ++batch) {
        usleep(2000);
        part.advance(50);
      }
      whole.advance();
    }
  }
  set_progress_sink(before);
  sink = nullptr;
  std::fclose(file);
  std::string out(text, size);
  std::free(text);
  return out;
}

}  // namespace

TEST_CASE("a progress bar shows the whole call's total, the rate and the time left, and goes") {
  auto text = written([](std::FILE* file) { return script::progress_bar(file, 0); });
  CHECK(text.find("\rlime  ############............   50 %  100/200  ") != std::string::npos);
  CHECK(text.find("75 %  150/200  ") != std::string::npos);
  CHECK(text.find("/s  0 s left\x1b[K") != std::string::npos);
  CHECK(text.find("evaluating") == std::string::npos);
  CHECK(text.ends_with("\r\x1b[K"));
}

TEST_CASE("without a terminal progress is a line a minute") {
  auto text = written([](std::FILE* file) { return script::progress_lines(file, 0); });
  CHECK(text.find("lime:  75 %  150/200  ") != std::string::npos);
  CHECK(text.find('\r') == std::string::npos);
  CHECK(written([](std::FILE* file) { return script::progress_lines(file, 60); }) == "");  // less than a minute
}
