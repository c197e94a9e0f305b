#include "core/suggest.h"

#include <doctest/doctest.h>

#include <vector>

using namespace multiviz;

TEST_CASE("the nearest name is suggested only when it is near") {
  std::vector<std::string> known = {"samples", "kernel_width", "seed"};
  CHECK(nearest("sample", known) == "samples");
  CHECK(nearest("kernel_widht", known) == "kernel_width");
  CHECK(nearest("vla", std::vector<std::string>{"train", "val"}) == "val");
  CHECK(nearest("colour", known).empty());
  CHECK(nearest("foo", std::vector<std::string>{"bool", "fit"}).empty());
  CHECK(nearest("a", std::vector<std::string>{"b"}).empty());
  CHECK(suggestion("sed", known) == "; did you mean 'seed'?");
  CHECK(suggestion("colour", known) == "; known: samples, kernel_width, seed");
}
