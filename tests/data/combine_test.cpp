#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "data/jsonl.h"
#include "io/file.h"
#include "io/image.h"
#include "tests/scratch.h"

using namespace multiviz;

namespace {

struct Folder : Scratch {
  DatasetPtr open(const std::string& name, const std::string& text, const std::string& label = "answer",
                  ModalityKind kind = ModalityKind::text) const {
    write_file(*this / name, text);
    RecordOptions options;
    options.fields = {{{"q", kind}, "q", {}}};
    options.label = label;
    return open_jsonl(*this / name, options);
  }
};

}  // namespace

TEST_CASE("concat joins the labels and keeps the ids") {
  Folder folder;
  DatasetPtr a = folder.open("a.jsonl", R"({"q": "one", "answer": "no"}
{"q": "two", "answer": "yes"})");
  DatasetPtr b = folder.open("b.jsonl", R"({"q": "three", "answer": "maybe"}
{"q": "four", "answer": "yes"})");
  DatasetPtr both = concat({a, b});
  REQUIRE(both->size() == 4);
  CHECK(both->name() == "jsonl/a+jsonl/b");
  CHECK(both->labels() == std::vector<std::string>{"no", "yes", "maybe"});
  CHECK(both->get(2).id == "b:1");
  CHECK(both->get(2).labels == std::vector<int64_t>{2});
  CHECK(both->get(3).labels == std::vector<int64_t>{1});
  CHECK(both->fingerprint() != concat({b, a})->fingerprint());
  CHECK(error_of([&] { both->get(4); }) == has("datapoint 5 is out of range"));
  CHECK(error_of([&] { concat({a, folder.open("c.jsonl", R"({"q": "x"})", "")}); }) == has("one has labels"));
  CHECK(error_of([&] {
          concat({a, folder.open("d.jsonl", R"({"q": "x.png", "answer": 1})", "answer", ModalityKind::image)});
        }) == has("jsonl/a has q (text), but jsonl/d has q (image)"));
  CHECK(error_of([] { concat({}); }) == has("at least one"));
}

TEST_CASE("readable leaves out what cannot be loaded and says why") {
  Folder folder;
  save_png(folder / "good.png", at::full({8, 8, 3}, 7, at::kByte));
  const std::string png = read_file(folder / "good.png");
  write_file(folder / "cut.png", png.substr(0, png.size() / 2));
  DatasetPtr data = folder.open("a.jsonl", R"({"q": "good.png"}
{"q": "cut.png"}
{"q": "gone.png"}
{"q": "good.png"})",
                                "", ModalityKind::image);
  REQUIRE(data->size() == 4);
  DatasetPtr good = readable(data);
  REQUIRE(good->size() == 2);
  CHECK(good->get(1).id == "a:4");
  CHECK(good->skipped().count == 2);
  REQUIRE(good->skipped().messages.size() == 2);
  CHECK(good->skipped().messages[0] == has("a.jsonl:2: 'q'"));
  CHECK(good->skipped().messages[1] == has("there is no file"));
}

TEST_CASE("in_memory loads every datapoint once, and reads no file again") {
  Folder folder;
  save_png(folder / "one.png", at::full({8, 8, 3}, 7, at::kByte));
  save_png(folder / "two.png", at::full({8, 8, 3}, 9, at::kByte));
  DatasetPtr data = folder.open("a.jsonl", R"({"q": "one.png"}
{"q": "two.png"})",
                                "", ModalityKind::image);
  DatasetPtr kept = in_memory(data);
  std::filesystem::remove(folder / "two.png");
  CHECK(error_of([&] { data->get(1); }) == has("there is no file"));
  CHECK(kept->get(1).id == "a:2");
  CHECK(kept->fingerprint() == data->fingerprint());
  CHECK(error_of([&] { kept->get(2); }) == has("datapoint 3 is out of range"));
  CHECK(error_of([&] { in_memory(data); }) == has("there is no file"));
}
