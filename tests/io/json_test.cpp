#include "io/json.h"

#include <doctest/doctest.h>

#include "tests/scratch.h"

using namespace multiviz;
using nlohmann::json;

TEST_CASE("broken JSON names the file and the line") {
  CHECK(error_of([] { parse_json("{\n\"a\": 1,\n}", "x.json"); }) == has("x.json:3: not valid JSON: "));
  CHECK(error_of([] { parse_json("", "x.json"); }) == has("x.json:1: not valid JSON"));
  CHECK(error_of([] { parse_json("[1,", "data.jsonl", false, 17); }) == has("data.jsonl:17: not valid JSON"));
  CHECK(error_of([] { parse_json("\"\xff\"", "x.json"); }) == has("x.json:1: not valid JSON"));
  CHECK(error_of([] { parse_json("1e999", "x.json"); }) == has("x.json: not valid JSON"));
  CHECK(error_of([] { parse_json("[1] [2]", "x.json"); }) == has("x.json:1: not valid JSON"));
  CHECK(error_of([] { parse_json("\"" + std::string(10000, 'a'), "x.json"); }).size() < 300);
}

TEST_CASE("nesting is limited, but brackets in strings do not nest") {
  CHECK(parse_json(std::string(200, '[') + std::string(200, ']'), "x").is_array());
  CHECK(error_of([] { parse_json("\n" + std::string(201, '['), "x"); }) == has("x:2: JSON nested more than 200"));
  CHECK(error_of([] { parse_json(std::string(10'000'000, '['), "x"); }) == has("nested more than 200"));
  CHECK(parse_json("[\"" + std::string(300, '{') + "\\\"" + std::string(300, '[') + "\"]", "x").size() == 1);
}

TEST_CASE("repeated keys are refused on request") {
  const char* text = R"({"a": {"b": 1}, "c": {"b": 2}, "a": 3})";
  CHECK(parse_json(text, "x")["a"] == 3);
  CHECK(error_of([&] { parse_json(text, "x", true); }) == has("x: the key 'a' is there twice"));
  CHECK(parse_json(R"([{"b": 1}, {"b": 2}])", "x", true).size() == 2);
}

TEST_CASE("typed access says what was expected and what is there") {
  json object = {{"text", "t"},    {"count", 3},        {"half", 0.5},     {"flag", true},
                 {"list", {1, 2}}, {"mixed", {1, "a"}}, {"null", nullptr}, {"huge", UINT64_MAX}};
  CHECK(require<std::string>(object, "text", "f") == "t");
  CHECK(require<int64_t>(object, "count", "f") == 3);
  CHECK(require<double>(object, "count", "f") == 3);
  CHECK(require<bool>(object, "flag", "f"));
  CHECK(require<std::vector<int64_t>>(object, "list", "f") == std::vector<int64_t>{1, 2});
  CHECK(get_or<double>(object, "half", 1, "f") == 0.5);
  CHECK(get_or<double>(object, "absent", 1, "f") == 1);
  CHECK(get_or<double>(object, "null", 1, "f") == 1);

  CHECK(error_of([&] { require<int64_t>(object, "half", "f"); }) == "f: 'half' must be an integer, not a fraction");
  CHECK(error_of([&] { require<int64_t>(object, "flag", "f"); }) == "f: 'flag' must be an integer, not boolean");
  CHECK(error_of([&] { require<bool>(object, "count", "f"); }) == "f: 'count' must be true or false, not number");
  CHECK(error_of([&] { require<double>(object, "text", "f"); }) == "f: 'text' must be a number, not string");
  CHECK(error_of([&] { require<std::string>(object, "list", "f"); }) == "f: 'list' must be a string, not array");
  CHECK(error_of([&] { require<std::vector<int64_t>>(object, "mixed", "f"); }) == has("'mixed'[1] must be an integer"));
  CHECK(error_of([&] { require<int64_t>(object, "huge", "f"); }) == has("'huge' is too large"));
  CHECK(error_of([&] { require(object, "coutn", "f"); }) == "f: 'coutn' is missing; did you mean 'count'?");
  CHECK(error_of([&] { require(json(3), "a", "f"); }) == "f must be an object, not number");
  CHECK(error_of([&] { get_or<double>(json(3), "a", 1, "f"); }) == "f must be an object, not number");
}

TEST_CASE("strings that are not UTF-8 cannot be written") {
  CHECK(dump_json({{"a", 1}}, "f") == R"({"a":1})");
  CHECK(error_of([] { dump_json({{"a", "\xff"}}, "f"); }) == has("f: cannot be written as JSON: "));
}
