#include "io/pickle.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <cmath>

#include "io/file.h"
#include "tests/scratch.h"

namespace multiviz {
namespace {

Pickle fixture(const std::string& name, const PickleOptions& options = {}) {
  return load_pickle("tests/fixtures/io/pickle_" + name + ".pkl", options);
}

// What is said of a file with these bytes.
std::string refusal(std::string_view bytes) {
  auto owner = std::make_shared<std::string>(bytes);
  return error_of([&] { read_pickle({owner, *owner}, "x.pkl"); });
}

bool same(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() && a.equal(b);
}

void check_containers(const Pickle& root) {
  CHECK(root.at("empty", "x").size() == 6);
  CHECK(root.at("empty", "x")[4].bytes("x").empty());
  auto tuple = root.at("tuple", "x");
  CHECK(tuple.is(PickleKind::tuple));
  CHECK(tuple[2][0].integer("x") == 3);
  CHECK(root.at("set", "x").is(PickleKind::set));
  CHECK(root.at("set", "x").size() == 3);
  CHECK(root.at("frozenset", "x")[0].integer("x") == 4);
  CHECK(root.at("shared", "x")[1][1].integer("x") == 2);
  CHECK(root.find(7)->text("x") == "seven");
  CHECK(!root.find(8));
  auto ordered = root.at("ordered", "x");
  CHECK(ordered.key(0).text("x") == "z");
  CHECK(ordered.size() == 2);
  CHECK(root.at("default", "x").at("x", "x")[0].number("x") == 1.5);
  CHECK(root.at("counter", "x").at("a", "x").integer("x") == 2);
  CHECK(root.at("namespace", "x").at("depth", "x").integer("x") == 3);
  CHECK(root.at("deque", "x")[1].integer("x") == 2);
}

}  // namespace

// The values are those of tests/fixtures/io/make_pickle.py.
TEST_CASE("pickles of every protocol hold the same values") {
  for (int protocol = 0; protocol <= 5; ++protocol) {
    CAPTURE(protocol);
    auto root = fixture(fmt::format("protocol{}", protocol));
    CHECK(root.key(0).text("x") == "none");
    CHECK(root.at("none", "x").is_none());
    CHECK(root.at("true", "x").boolean("x"));
    CHECK_FALSE(root.at("false", "x").boolean("x"));
    const int64_t integers[] = {0, 1, -1, 255, 256, 65535, 65536, -(int64_t{1} << 31), int64_t{1} << 40, INT64_MIN};
    for (size_t i = 0; i < std::size(integers); ++i) CHECK(root.at("integers", "x")[i].integer("x") == integers[i]);
    auto big = root.at("big", "x");
    CHECK(big[0].number("x") == 0x1p63);
    CHECK(big[1].number("x") == -0x1p80);
    CHECK(big[2].number("x") == doctest::Approx(1e30));
    CHECK(error_of([&] { big[0].integer("here"); }) == "here: the integer does not fit 64 bits");
    auto floats = root.at("floats", "x");
    CHECK(floats[1].number("x") == -1.5);
    CHECK(floats[2].number("x") == 1e300);
    CHECK(std::isinf(floats[3].number("x")));
    CHECK(floats[4].number("x") == 3.141592653589793);
    CHECK(root.at("complex", "x").complex("x") == std::complex<double>(1.5, -2));
    CHECK(root.at("text", "x").text("x") == "h\xc3\xa9llo \xe4\xb8\x96\xe7\x95\x8c \xf0\x9f\x98\x80\n\\'\"");
    CHECK(root.at("bytes", "x").bytes("x") == std::string_view("\x00\xff\n'\\abc", 8));
    CHECK(root.at("bytearray", "x").bytes("x") == "ab\x80");
    CHECK(root.at("b", "x").text("x") == "bytes key");
    check_containers(root);
    CHECK(same(root.at("array", "x").tensor("x"), at::arange(6, at::kFloat).reshape({2, 3})));
    CHECK(root.at("number", "x").number("x") == 2.5);
    CHECK(root.at("count", "x").integer("x") == -7);
    CHECK(root.at("flag", "x").boolean("x"));
    CHECK(root.at("word", "x").text("x") == "w\xc3\xb6rd");
  }
}

TEST_CASE("arrays of every dtype, byte order and memory order") {
  const std::pair<const char*, at::ScalarType> types[] = {
      {"b1", at::kBool},  {"i1", at::kChar},   {"i2", at::kShort},        {"i4", at::kInt},           {"i8", at::kLong},
      {"u1", at::kByte},  {"u2", at::kUInt16}, {"u4", at::kUInt32},       {"u8", at::kUInt64},        {"f2", at::kHalf},
      {"f4", at::kFloat}, {"f8", at::kDouble}, {"c8", at::kComplexFloat}, {"c16", at::kComplexDouble}};
  auto grid = at::arange(24).reshape({2, 3, 4});
  for (const char* protocol : {"2", "4", "5"}) {
    auto root = fixture("arrays" + std::string(protocol));
    for (const auto& [code, type] : types)
      for (std::string name : {"<", ">"}) {
        name += code;
        CAPTURE(name);
        auto expected = (type == at::kBool ? grid % 2 : grid).to(type);
        CHECK(same(root.at(name, "x").tensor("x"), expected));
        CHECK(same(root.at(name + "F", "x").tensor("x"), expected));
        CHECK(same(root.at(name, "x").rows(1, 2, "x"), expected.slice(0, 1, 2)));
        CHECK(same(root.at(name + "F", "x").rows(0, 1, "x"), expected.slice(0, 0, 1)));
      }
    CHECK(same(root.at("empty", "x").tensor("x"), at::zeros({0, 5})));
    CHECK(root.at("empty", "x").rows(0, 0, "x").numel() == 0);
    CHECK(root.at("scalar", "x").number("x") == 3.5);
    CHECK(same(root.at("sliced", "x").tensor("x"), at::arange(0, 10, 2)));
    CHECK(root.at("S", "x")[0].bytes("x") == "ab");
    CHECK(root.at("S", "x")[2].bytes("x").empty());
    for (const char* name : {"U", "UF", "U>"}) {
      CHECK(root.at(name, "x").shape("x") == std::vector<int64_t>{2, 2});
      CHECK(root.at(name, "x")[0].text("x") == "\xc3\xa9\xc3\xa8");
      CHECK(root.at(name, "x")[1].text("x") == "b");
      CHECK(root.at(name, "x")[3].text("x") == "\xf0\x9f\x98\x80");
    }
    for (const char* name : {"O", "OF"}) {
      CHECK(root.at(name, "x")[1].integer("x") == 1);
      CHECK(root.at(name, "x")[2].is_none());
      CHECK(error_of([&] { root.at(name, "x").tensor("here"); }) == has("here: it is an array of objects"));
    }
    CHECK(error_of([&] { root.at("<f4", "x").rows(1, 3, "here"); }) == has("here: rows 1 to 3 of an array [2, 3, 4]"));
  }
  auto scalars = fixture("u8_scalar");
  CHECK(scalars[0].number("x") == 0x1p63 + 5);
  CHECK(scalars[1].number("x") == 1.5);
  CHECK(scalars[2].complex("x") == std::complex<double>(1, 2));
  CHECK(scalars[3].number("x") == 3);
  CHECK(scalars[4].bytes("x") == "x");
}

TEST_CASE("an array keeps its file, and writing to it leaves the file alone") {
  at::Tensor tensor = [] { return fixture("arrays4").at("<f4", "x").tensor("x"); }();
  tensor.add_(1);
  CHECK(fixture("arrays4").at("<f4", "x").tensor("x").sum().item<double>() == 276);  // 0 + ... + 23
}

TEST_CASE("files of Python 2 hold text and bytes in one kind") {
  auto root = fixture("python2");
  CHECK(root.at("name", "x").text("x") == "caf\xc3\xa9");
  CHECK(root.at("name", "x").bytes("x") == "caf\xe9");
  CHECK(root.at("utf8", "x").text("x") == "\xc3\xa9");
  CHECK(same(root.at("x", "x").tensor("x"), at::tensor({1.5, -2.5}, at::kDouble).reshape({1, 2})));
  auto text = fixture("python2_text");
  CHECK(text.find(std::string_view("a\0\n'b", 5))->boolean("x"));
  CHECK(text.at("\xe4\xb8\x96\xf0\x9f\x98\x80", "x").number("x") == doctest::Approx(12345678901234567890.0));
  CHECK(text.at("q", "x").number("x") == 1.5e10);
}

TEST_CASE("other classes are refused by name, or kept as data when asked for") {
  for (const char* protocol : {"0", "2", "4"}) {
    std::string name = "custom" + std::string(protocol);
    CHECK(error_of([&] { fixture(name); }) == has("holds a mylib.models.Custom, which is not built here"));
    auto root = fixture(name, {.persistent = {}, .call = {}, .keep_objects = true});
    auto object = root.at("object", "x");
    CHECK(object.class_name("x") == "mylib.models.Custom");
    CHECK(object.state("x")->at("depth", "x").integer("x") == 2);
    CHECK(root.at("mapping", "x").find("a")->integer("x") == 1);
    CHECK(root.at("mapping", "x").state("x")->at("extra", "x").integer("x") == 3);
  }
  CHECK(error_of([] { fixture("code"); }) == has("posix.system"));
  CHECK(error_of([] { fixture("masked"); }) == has("numpy.ma"));
  CHECK(error_of([] { fixture("record"); }) == has("'V8', which is neither numbers nor strings"));
  CHECK(error_of([] { fixture("dates"); }) == has("'M8', which is neither numbers nor strings"));
}

TEST_CASE("values that would trap whoever walks them are refused") {
  CHECK(error_of([] { fixture("cycle"); }) == has("a list in it holds itself"));
  CHECK(error_of([] { fixture("deep"); }) == has("nests more than 500 levels deep"));
  CHECK(error_of([] { fixture("laughs"); }) == has("repeats its values beyond measure"));
}

TEST_CASE("accessors say the place and what is there") {
  auto root = fixture("protocol4");
  CHECK(error_of([&] { root.at("non", "x.pkl"); }) == "x.pkl: the key 'non' is missing; did you mean 'none'?");
  CHECK(error_of([&] { root.at("text", "x").integer("x.pkl: 'text'"); }) ==
        "x.pkl: 'text': expected int, and it is str");
  CHECK(error_of([&] { root.at("tuple", "x").at("a", "here"); }) == "here: expected dict, and it is tuple");
  CHECK(error_of([&] { root.at("array", "x").number("here"); }) == "here: expected a number, and it is an array of 6");
  CHECK(error_of([&] { root.at("tuple", "x")[3]; }) == has("item 3 of 3"));
  CHECK(error_of([&] { root.at("tuple", "x").tensor("here"); }) == "here: expected array, and it is tuple");
}

TEST_CASE("persistent ids and unknown functions go to those who know them") {
  PickleOptions options;
  options.persistent = [](const Pickle& id) { return at::full({2}, id.integer("id")); };
  options.call = [](const std::string& function, const Pickle& arguments) -> std::optional<at::Tensor> {
    if (function != "lib.twice") return std::nullopt;
    return arguments[0].tensor("x") * 2;
  };
  auto read = [&](std::string_view bytes) {
    auto owner = std::make_shared<std::string>(bytes);
    return read_pickle({owner, *owner}, "x.pkl", options);
  };
  CHECK(read("\x80\x02"
             "clib\ntwice\nK\x03Q\x85R.")
            .tensor("x")
            .equal(at::tensor({6, 6})));
  CHECK(error_of([&] {
          read(
              "\x80\x02"
              "clib\nthrice\nK\x03Q\x85R.");
        }) == has("holds a lib.thrice"));
  CHECK(refusal("\x80\x02K\x03Q.") == has("refers to objects that are not in it"));
}

TEST_CASE("damaged pickles are refused at the byte where they break, before memory is taken") {
  CHECK(refusal("") == has("it ends too early"));
  CHECK(refusal("PK\x03\x04") == has("no pickle"));
  CHECK(refusal("\x80\x09.") == has("protocol 9"));
  CHECK(refusal("\x80\x02.") == has("takes a value that is not there"));
  CHECK(refusal("\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.") == has("byte 2: it ends too early"));
  CHECK(refusal(std::string_view("\x80\x02Nr\xff\xff\xff\x7f.", 9)) == has("numbers values beyond its length"));
  CHECK(refusal("\x80\x02h\x05.") == has("refers to a value that is not there"));
  CHECK(refusal("\x80\x02]}a.") == "");
  CHECK(refusal("\x80\x02}]Ns.") == has("a list is a key in it"));
  CHECK(refusal("\x80\x02(Nu.") == has("takes a value that is not there"));
  CHECK(refusal("\x80\x02}(Nu.") == has("a key has no value"));
  CHECK(refusal("\x80\x02NNa.") == has("a None in it is given an item"));
  CHECK(refusal("\x80\x02NNR.") == has("calls what is no function"));
  CHECK(refusal("I12x\n.") == has("an integer is not well written"));
  CHECK(refusal("Fx\n.") == has("a number is not well written"));
  CHECK(refusal("S'a\n.") == has("a string is not well written"));
  CHECK(refusal("\x80\x05\x97.") == has("without buffer_callback"));
  CHECK(refusal("\x80\x02\x82\x01.") == has("registry of extensions"));
  std::string whole = read_file("tests/fixtures/io/pickle_arrays4.pkl");
  for (size_t length = 0; length < whole.size(); length += 97) CHECK(refusal(whole.substr(0, length)) != "");
}

}  // namespace multiviz
