#include "core/digest.h"

#include <doctest/doctest.h>

using namespace multiviz;

TEST_CASE("digests tell pieces of bytes apart, wherever they are cut") {
  CHECK(digest("a") == digest("a"));
  CHECK(digest("a").size() == 32);
  CHECK(digest("a") != digest("b"));
  CHECK(digest("a") != digest(std::string_view("a\0", 2)));
  CHECK(digest("eight or more bytes") != digest("eight or more bytez"));
  Digest whole, parts;
  whole.add("ab");
  parts.add("a"), parts.add("b");
  CHECK(whole.hex() != parts.hex());
}
