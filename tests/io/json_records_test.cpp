#include "io/json_records.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "io/file.h"
#include "tests/scratch.h"

using namespace multiviz;
using nlohmann::json;

namespace {

struct Folder : Scratch {
  JsonRecords open(const std::string& text, JsonRecordOptions options) const {
    write_file(*this / "q.json", text);
    options.cache = *this / "cache";
    return JsonRecords(*this / "q.json", options);
  }
  std::string refusal(const std::string& text, const JsonRecordOptions& options) const {
    return error_of([&] { open(text, options); });
  }
  std::string cached() const { return std::filesystem::directory_iterator(*this / "cache")->path().string(); }
};

JsonRecordOptions questions(bool skip = false) {
  JsonRecordOptions options;
  options.layout = {JsonForm::list, "questions", "id", {"id", "text"}, "text"};
  options.skip = skip;
  return options;
}

const std::string good = R"( {"info": {"a": [1, 2, {"questions": []}]}, "questions": [
  {"id": 7, "text": "a } ] \" \\", "more": [{"id": 9, "text": "x"}]},
  {"text": "é\u00e9", "id": 3},{"id":-5,"text":"a } ] \" \\"}
 ], "end": [true, false, null, -0.5e+10, {}]} )";

}  // namespace

TEST_CASE("records of a list are found without reading the others") {
  Folder folder;
  const JsonRecords file = folder.open(good, questions());
  REQUIRE(file.size() == 3);
  CHECK(file.get(0)["id"] == 7);
  CHECK(file.get(1)["text"] == "éé");
  CHECK(file.get(2)["text"] == "a } ] \" \\");
  CHECK(file.find("3") == 1);
  CHECK(file.find("-5") == 2);
  CHECK(!file.find("9"));
  CHECK(file.collected() == std::vector<std::string>{"a } ] \" \\", "éé"});
  CHECK(file.where(1) == has("q.json', record 2 at byte "));
  CHECK(error_of([&] { file.get(3); }) == has("there is no record 4"));
}

TEST_CASE("lists without a name, dictionaries and lines") {
  Folder folder;
  JsonRecordOptions options;
  CHECK(folder.open(R"([{"a": 1}, {"a": 2}])", options).size() == 2);
  CHECK(folder.open("[]", options).size() == 0);
  options.layout.form = JsonForm::dictionary;
  const JsonRecords dictionary = folder.open(R"({"007": {"a": 1}, "8": {"a": {"9": {}}}})", options);
  REQUIRE(dictionary.size() == 2);
  CHECK(dictionary.find("007") == 0);
  CHECK(!dictionary.find("9"));
  CHECK(dictionary.get(1)["a"].contains("9"));
  options.layout = {JsonForm::lines, "", "id", {}, ""};
  const JsonRecords lines = folder.open("{\"id\": \"x-1\"}\r\n\n {\"id\": \"x-2\"}", options);
  REQUIRE(lines.size() == 2);
  CHECK(lines.find("x-2") == 1);
}

TEST_CASE("an index is kept, and made again when it or the file has changed") {
  Folder folder;
  CHECK(folder.open(good, questions()).size() == 3);
  const std::string path = folder.cached(), bytes = read_file(path);
  JsonRecordOptions options = questions();
  options.cache = folder / "cache";
  for (size_t damage : {size_t{0}, size_t{20}, bytes.size() / 2, bytes.size() - 1}) {
    std::string broken = bytes;
    broken[damage] = static_cast<char>(broken[damage] ^ 0x40);
    write_file(path, broken);
    CHECK(JsonRecords(folder / "q.json", options).size() == 3);
    CHECK(read_file(path) == bytes);
  }
  write_file(path, bytes.substr(0, 30));
  CHECK(JsonRecords(folder / "q.json", options).find("3") == 1);
  write_file(folder / "q.json", R"({"questions": [{"id": 1, "text": "b"}]})");
  CHECK(JsonRecords(folder / "q.json", options).size() == 1);
  // Where it cannot be written, the file is read all the same.
  write_file(folder / "no", "");
  options.cache = folder / "no/cache";
  CHECK(JsonRecords(folder / "q.json", options).size() == 1);
}

TEST_CASE("damage is told by record and byte") {
  Folder folder;
  const JsonRecordOptions options = questions();
  CHECK(folder.refusal(good.substr(0, 150), options) ==
        has(fmt::format("record 2 at byte {}: not valid JSON: the file ends inside of it (byte 150)",
                        good.find("{\"text\""))));
  CHECK(folder.refusal(R"({"questions": [{"id": 1, "text": "a"} {"id": 2}]})", options) ==
        has("expected ',', not '{'"));
  CHECK(folder.refusal(R"({"questions": [{"id": 1, "text": tru}]})", options) == has("this is no value"));
  CHECK(folder.refusal(R"({"questions": [{"id": 01, "text": "a"}]})", options) == has("expected ',', not '1'"));
  CHECK(folder.refusal(R"({"questions": [{"id": 1, "text": "\x"}]})", options) == has("there is no escape"));
  CHECK(folder.refusal(R"({"questions": [{"id": 1}]})", options) == has("record 1 at byte 15: 'text' is missing"));
  CHECK(folder.refusal(R"({"questions": [{"id": 1.5, "text": ""}]})", options) ==
        has("'id' must be a string or an integer"));
  CHECK(folder.refusal(R"({"questions": [{"id": 4, "text": ""}, {"id": 4, "text": ""}]})", options) ==
        has("bytes 15 and 38 have the same 'id'"));
  CHECK(folder.refusal(R"({"questions": [3]})", options) == has("a record must be an object"));
  CHECK(folder.refusal(R"({"questions": 3})", options) == has("'questions' must be one list"));
  CHECK(folder.refusal(R"({"question": []})", options) == has("it has no 'questions'"));
  CHECK(folder.refusal("[]", options) == has("its outermost value must be an object"));
  CHECK(folder.refusal("", options) == has("byte 0: not valid JSON: the file ends"));
  CHECK(folder.refusal(R"({"questions": []} x)", options) == has("something follows the end"));
  std::string deep;
  for (int i = 0; i < 300; ++i) deep += '[';
  CHECK(folder.refusal(R"({"questions": [{"id": 1, "text": )" + deep, options) ==
        has("nested more than 200 levels deep"));
}

TEST_CASE("damaged records are left out if asked, and the others keep their order") {
  Folder folder;
  const std::string text =
      R"({"questions": [{"id": 1, "text": "a", "l": [{"id": 8}]}, {"id": 2, "text": "b, "l": [{"id": 9}]},
         {"id": 3, "text": "c"}, {"id": "4", "txet": "d"}, {"id": 5, "text": "e"}, {"id": 6, "text": "f)";
  const JsonRecords file = folder.open(text, questions(true));
  REQUIRE(file.size() == 3);
  CHECK(file.get(1)["text"] == "c");
  CHECK(file.find("5") == 2);
  REQUIRE(file.skipped() == 4);
  CHECK(file.reasons()[0] == has("record 2 at byte 57: not valid JSON"));
  CHECK(file.reasons()[1] == has("'text' is missing"));
  CHECK(file.reasons()[2] == has("the file ends inside of it"));
  CHECK(file.reasons()[3] == has("the file ends inside of its records"));
  // The same again from the cache.
  CHECK(folder.open(text, questions(true)).reasons() == file.reasons());
  JsonRecordOptions strict = questions(true);
  strict.accept = [](const json& record, const std::string& where) { check(record["id"] != 3, "{}: three", where); };
  strict.accept_name = "not three";
  CHECK(folder.open(text, strict).size() == 2);
}

TEST_CASE("damage in a dictionary and in lines is left out") {
  Folder folder;
  JsonRecordOptions options;
  options.skip = true;
  options.layout = {JsonForm::dictionary, "", "", {"q"}, ""};
  const JsonRecords file = folder.open(R"({"1": {"q": 1}, "2": {"q": }, "3": {"x": {"y": {}}, "q": 4}})", options);
  REQUIRE(file.size() == 2);
  CHECK(file.find("3") == 1);
  CHECK(!file.find("2"));
  // The quotes before the second record hold a control character, which no name has: reading goes on behind it.
  options.layout.fields = {"a"};
  const JsonRecords last = folder.open("{\"1\": {\"a\": \x01\": {\"a\": 2}, \"3\": {\"a\": 4}}", options);
  REQUIRE(last.size() == 1);
  CHECK(last.find("3") == 0);
  options.layout = {JsonForm::lines, "", "", {}, ""};
  CHECK(folder.open("{\"a\": 1}\n{\"a\": \n{\"a\": 2} 3\n{\"a\": 4}\n", options).size() == 2);
}
