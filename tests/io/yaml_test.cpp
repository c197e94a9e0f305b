#include "io/yaml.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/scratch.h"

using namespace multiviz;
using nlohmann::json;

TEST_CASE("settings in YAML, as PyYAML writes them and as people do") {
  const auto read = parse_yaml(R"(---
# a comment
RPN:
  IN_FEATURES: [res4]   # in one line
  NMS_THRESH: 0.7
  SIZES:
  - - 32
    - 64
  - [1, [2.5, -3e-2]]
  empty: {}
  nothing:
"quoted: key": 'a # b'
list:
  - name: a
    on: true
  -
    name: "b"
word: a:b c
1: ~
tuples: !!python/tuple
- !!python/tuple
  - 1
  - 2
- !!python/tuple [3]
)",
                               "a.yaml");
  // From yaml.safe_load of the same text, but for `on`, which there is a key True.
  CHECK(read == json::parse(R"({"RPN": {"IN_FEATURES": ["res4"], "NMS_THRESH": 0.7,
    "SIZES": [[32, 64], [1, [2.5, -0.03]]], "empty": {}, "nothing": null}, "quoted: key": "a # b",
    "list": [{"name": "a", "on": true}, {"name": "b"}], "word": "a:b c", "1": null, "tuples": [[1, 2], [3]]})"));
  // What yaml.dump makes of {"a": w, "b": [w, [5, w]], "c": t, "d": t} with w = [1.0, 2] and t = (3,).
  CHECK(parse_yaml("a: &id001\n- 1.0\n- 2\nb:\n- *id001\n- - 5\n  - *id001\nc: &id002 !!python/tuple\n- 3\nd: *id002\n",
                   "a") == json::parse(R"({"a": [1.0, 2], "b": [[1.0, 2], [5, [1.0, 2]]], "c": [3], "d": [3]})"));
  CHECK(parse_yaml("- &x 1\n- [*x, *x]\n- &y\n  k: *x\n- *y\n", "a") ==
        json::parse(R"([1, [1, 1], {"k": 1}, {"k": 1}])"));
  CHECK(parse_yaml("", "a") == json::object());
  CHECK(parse_yaml("- 1\n- x\n", "a") == json::array({1, "x"}));
}

TEST_CASE("what is no such YAML is refused with its line") {
  auto refusal = [](const std::string& text) { return error_of([&] { parse_yaml(text, "a.yaml"); }); };
  CHECK(refusal("a: 1\nb\n") == has("a.yaml:2: the line is neither"));
  CHECK(refusal("a: 1\n  b: 2\n") == has("a.yaml:2: the line is indented otherwise"));
  CHECK(refusal("a: & 1\n") == has("an & without a name"));
  CHECK(refusal("a: &x 1\nb: *y\n") == has("a.yaml:2: the line repeats 'y', which nothing"));
  CHECK(refusal("a: &x\n- *x\n") == has("repeats 'x'"));
  std::string laughs = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n";
  for (int i = 1; i < 30; ++i)
    laughs += fmt::format("a{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}]\n", i, i - 1);
  CHECK(refusal(laughs) == has("repeats more than settings need"));
  CHECK(refusal("a: !!python/object:os.system [1]\n") == has("uses '!'"));
  CHECK(refusal("a: [1, 2\n") == has("does not end"));
  CHECK(refusal("a: [1] 2\n") == has("goes on after"));
  CHECK(refusal("a: 'x\n") == has("a quote that does not end"));
  CHECK(refusal("a: {b: 1}\n") == has("in braces"));
  CHECK(refusal("a: 1\na: 2\n") == has("repeats the key 'a'"));
  CHECK(refusal("\ta: 1\n") == has("with a tab"));
  CHECK(refusal("a: " + std::string(200, '[') + "\n") == has("nests too deep"));
  std::string deep;
  for (size_t i = 0; i < 300; ++i) deep += std::string(i, ' ') + "a:\n";
  CHECK(refusal(deep) == has("nests too deep"));
}
