#include "text/word_tokenizer.h"

#include <doctest/doctest.h>

#include "core/error.h"

namespace multiviz {
namespace {

TEST_CASE("words are lower-cased and numbered, unknown ones alike") {
  WordTokenizer tokenizer({"red", "cube", "?"});
  CHECK(tokenizer.size() == 5);
  CHECK(tokenizer.encode("Red zeppelin CUBE?") == std::vector<int64_t>{2, 1, 3, 4});
  CHECK(tokenizer.encode("").empty());
  CHECK_THROWS_WITH_AS(WordTokenizer({"red", "red"}), "the vocabulary holds 'red' twice", Error);
}

TEST_CASE("a vocabulary is by frequency, then by alphabet") {
  std::vector<std::string> texts = {"B b a", "c a, b"};
  CHECK(vocabulary(texts) == std::vector<std::string>{"b", "a", ",", "c"});
  CHECK(vocabulary(texts, 2) == std::vector<std::string>{"b", "a"});
}

}  // namespace
}  // namespace multiviz
