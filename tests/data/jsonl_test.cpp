#include "data/jsonl.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "io/file.h"
#include "io/image.h"
#include "io/npy.h"
#include "tests/scratch.h"

using namespace multiviz;

namespace {

const Field picture{{"image", ModalityKind::image}, "image", {}};
const Field question{{"question", ModalityKind::text}, "question", {}};
const Field audio{{"audio", ModalityKind::time_series}, "audio", {}};
const Field vitals{{"vitals", ModalityKind::tabular}, "vitals", {}};

struct Folder : Scratch {
  DatasetPtr open(const std::string& text, RecordOptions options) const {
    write_file(*this / "val.jsonl", text);
    return open_jsonl(*this / "val.jsonl", options);
  }
  std::string refusal(const std::string& text, RecordOptions options, int64_t index = 0) const {
    return error_of([&] { open(text, options)->get(index); });
  }
};

RecordOptions asking(std::vector<Field> fields, const std::string& label = "answer") {
  RecordOptions options;
  options.fields = std::move(fields);
  options.label = label;
  return options;
}

}  // namespace

TEST_CASE("a line is a datapoint: image, text, label, id, and the rest as annotations") {
  Folder folder;
  make_folder(folder / "pictures");
  save_png(folder / "pictures/a.png", at::full({2, 3, 3}, 7, at::kByte));
  const std::string text =
      R"({"image": "pictures/a.png", "question": "Is it grey?", "answer": "yes", "source": {"n": 1}})"
      "\n\n"
      R"({"image": "pictures/a.png", "question": "Wie groß?", "answer": "no"})"
      "\r\n";
  DatasetPtr data = folder.open(text, asking({picture, question}));
  REQUIRE(data->size() == 2);
  CHECK(data->name() == "jsonl/val");
  CHECK(data->labels() == std::vector<std::string>{"no", "yes"});
  CHECK(data->modalities()[1].name == "question");
  Datapoint first = data->get(0), second = data->get(1);
  CHECK(first.id == "val:1");
  CHECK(std::get<Image>(first.values[0]).pixels.equal(at::full({2, 3, 3}, 7, at::kByte)));
  CHECK(std::get<Text>(first.values[1]).string == "Is it grey?");
  CHECK(first.labels == std::vector<int64_t>{1});
  CHECK(first.annotations == nlohmann::json{{"source", {{"n", 1}}}});
  CHECK(second.id == "val:3");
  CHECK(std::get<Text>(second.values[1]).string == "Wie groß?");
  CHECK(error_of([&] { data->get(2); }) == has("datapoint 3 is out of range: jsonl/val has 2"));
  CHECK(error_of([&] { data->get(-1); }) == has("out of range"));
}

TEST_CASE("many lines keep their offsets") {
  Folder folder;
  std::string text;
  for (int i = 0; i < 3000; ++i)
    text +=
        fmt::format(R"({{"question": "{} {}", "answer": {}}})", i, std::string(static_cast<size_t>(i % 1000), 'x'), i) +
        "\n";
  text.pop_back();
  DatasetPtr data = folder.open(text, asking({question}));
  REQUIRE(data->size() == 3000);
  for (int64_t i : {0, 999, 1000, 2042, 2999})
    CHECK(std::get<Text>(data->get(i).values[0]).string ==
          fmt::format("{} {}", i, std::string(static_cast<size_t>(i % 1000), 'x')));
  CHECK(data->labels()[10] == "10");  // by value, not "1", "10", "100"
  CHECK(data->get(42).labels == std::vector<int64_t>{42});
}

TEST_CASE("time series and tables come from the line or from npy files") {
  Folder folder;
  save_npy(folder / "a.npy", at::arange(6).reshape({3, 2}));
  save_npy(folder / "v.npy", at::ones({2}, at::kDouble));
  Field named = vitals;
  named.names = {"pulse", "age"};
  DatasetPtr data = folder.open(R"({"audio": [[1, 2], [3, 4.5]], "vitals": [60, 41]})"
                                "\n"
                                R"({"audio": "a.npy", "vitals": "v.npy"})",
                                asking({audio, named}, ""));
  CHECK(data->labels().empty());
  Datapoint inline_values = data->get(0), files = data->get(1);
  CHECK(
      std::get<TimeSeries>(inline_values.values[0]).frames.equal(at::tensor({1.0f, 2.0f, 3.0f, 4.5f}).reshape({2, 2})));
  CHECK(std::get<TimeSeries>(files.values[0]).frames.equal(at::arange(6, at::kFloat).reshape({3, 2})));
  CHECK(std::get<Table>(inline_values.values[1]).columns.equal(at::tensor({60.0f, 41.0f})));
  CHECK(std::get<Table>(files.values[1]).names == named.names);
  CHECK(files.labels.empty());
}

TEST_CASE("labels: numbers, lists, null, and a given label space") {
  Folder folder;
  const std::string text = R"({"question": "a", "answer": ["red", 3]})"
                           "\n"
                           R"({"question": "b", "answer": null})"
                           "\n"
                           R"({"question": "c", "answer": true})";
  DatasetPtr data = folder.open(text, asking({question}));
  CHECK(data->labels() == std::vector<std::string>{"3", "red", "true"});
  CHECK(data->get(0).labels == std::vector<int64_t>{1, 0});
  CHECK(data->get(1).labels.empty());
  RecordOptions given = asking({question});
  given.labels = {"true", "red", "3", "blue"};
  CHECK(folder.open(text, given)->get(0).labels == std::vector<int64_t>{1, 2});
  given.labels = {"true", "red", "seven"};
  CHECK(folder.refusal(text, given) == has("val.jsonl:1: 'answer' is '3', which is not among the labels; known:"));
  given.labels = {"a", "a"};
  CHECK(folder.refusal(text, given) == has("the label 'a' is there twice"));
}

TEST_CASE("regression reads a number") {
  Folder folder;
  RecordOptions options = asking({question}, "score");
  options.regression = true;
  DatasetPtr data = folder.open(R"({"question": "a", "score": -1.5})", options);
  CHECK(data->labels().empty());
  CHECK(data->get(0).value == -1.5);
  CHECK(folder.refusal(R"({"question": "a", "score": "high"})", options) ==
        has("'score' must be a number, not string"));
  options.label = "";
  CHECK(folder.refusal("{}", options) == has("regression needs the field"));
}

TEST_CASE("ids are the user's own and must differ") {
  Folder folder;
  RecordOptions options = asking({question}, "");
  options.id = "key";
  CHECK(folder.open(R"({"question": "a", "key": 17})", options)->get(0).id == "17");
  CHECK(folder.refusal("{\"question\": \"a\", \"key\": \"x\"}\n{\"question\": \"b\", \"key\": \"x\"}", options) ==
        has("val.jsonl:2: the id 'x' is at"));
  CHECK(folder.refusal(R"({"question": "a", "key": 1.5})", options) == has("must be a string or an integer"));
  CHECK(folder.refusal(R"({"question": "a"})", options) == has("val.jsonl:1: 'key' is missing"));
}

TEST_CASE("a bad line is named before any analysis starts") {
  Folder folder;
  auto said = [&](const std::string& line, Field field) {
    return error_of([&] {
      folder.open("{\"ok\": 1, \"question\": \"q\", \"image\": \"i\", \"audio\": [[1]], \"vitals\": [1]}\n" + line,
                  asking({std::move(field)}, ""));
    });
  };
  CHECK(said("{\"question\": ", question) == has("val.jsonl:2: not valid JSON"));
  CHECK(said("[1]", question) == has("val.jsonl:2 must be an object, not array"));
  CHECK(said(std::string(300, '['), question) == has("val.jsonl:2: JSON nested more than 200"));
  CHECK(said(R"({"qestion": "a"})", question) == has("val.jsonl:2: 'question' is missing; did you mean 'qestion'?"));
  CHECK(said(R"({"question": "  "})", question) == has("val.jsonl:2: 'question' is empty"));
  CHECK(said(R"({"question": 3})", question) == has("val.jsonl:2: 'question' must be a string, not number"));
  CHECK(said(R"({"image": ""})", picture) == has("must be the name of an image file, not empty"));
  CHECK(said(R"({"image": [1]})", picture) == has("must be the name of an image file, not array"));
  CHECK(said(R"({"vitals": {}})", vitals) == has("must be a list of numbers or the name of an .npy file, not object"));
  CHECK(said(R"({"vitals": []})", vitals) == has("'vitals' is empty"));
  CHECK(folder.refusal("{\"question\": \"a\"}", asking({question})) == has("val.jsonl:1: 'answer' is missing"));
  CHECK(folder.refusal(R"({"question": "a", "answer": {}})", asking({question})) == has("not an object"));
  CHECK(folder.refusal(R"({"question": "a", "answer": ""})", asking({question})) == has("'answer' is empty"));
  CHECK(folder.refusal(R"({"question": "a", "answer": ["x", "x"]})", asking({question})) == has("names a label twice"));
  CHECK(folder.refusal(R"({"question": "a", "answer": [[]]})", asking({question})) == has("must be a list of labels"));
}

TEST_CASE("a value that cannot be read names the line, the file and what to check") {
  Folder folder;
  auto said = [&](const std::string& line, const Field& field) { return folder.refusal(line, asking({field}, "")); };
  std::string missing = said(R"({"image": "none.png"})", picture);
  CHECK(missing == has("val.jsonl:1: 'image': there is no file '"));
  CHECK(missing == has("none.png': check the name, and the root folder"));
  write_file(folder / "half.png", "\x89PNG\r\n\x1a\n");
  CHECK(said(R"({"image": "half.png"})", picture) == has("val.jsonl:1: 'image': the image '"));
  CHECK(said(R"({"image": "half.png"})", picture) == has("half.png' is truncated: copy or download it again"));
  CHECK(said(R"({"audio": [[1, 2], [3]]})", audio) == has("'audio': frame 2 has 1 numbers and the first has 2"));
  CHECK(said(R"({"audio": [1, 2]})", audio) == has("frame 1 must be a list of numbers"));
  CHECK(said(R"({"audio": [[]]})", audio) == has("'audio' is empty"));
  CHECK(said(R"({"audio": [["a"]]})", audio) == has("must hold numbers, not string"));
  CHECK(said(R"({"vitals": [1e300]})", vitals) == has("not finite"));
  save_npy(folder / "three.npy", at::ones({2, 2, 2}));
  CHECK(said(R"({"audio": "three.npy"})", audio) == has("'three.npy' has 3 dimensions, it must have 2"));
  Field named = vitals;
  named.names = {"a", "b", "c"};
  CHECK(said(R"({"vitals": [1, 2]})", named) == has("has 2 columns and 3 names"));
}

TEST_CASE("the file itself: missing, empty, a folder, changed while open") {
  Folder folder;
  RecordOptions options = asking({question}, "");
  CHECK(folder.refusal("\n  \n", options) == has("has no lines"));
  CHECK(error_of([&] { open_jsonl(folder / "none.jsonl", options); }) ==
        has("no such file or directory: check the path"));
  CHECK(error_of([&] { open_jsonl(folder.folder().string(), options); }) == has("it is not a file"));
  CHECK(folder.refusal("{}", asking({}, "")) == has("at least one modality"));
  CHECK(folder.refusal("{}", asking({question, question}, "")) == has("'question' is there twice"));
  DatasetPtr data = folder.open("{\"question\": \"abcdefgh\"}", asking({question}, ""));
  std::filesystem::resize_file(folder / "val.jsonl", 5);
  CHECK(error_of([&] { data->get(0); }) == has("became shorter while it was in use"));
}

TEST_CASE("the fingerprint follows the file's content and the options") {
  Folder folder;
  const std::string text = R"({"question": "a", "answer": "x"})";
  const std::string first = folder.open(text, asking({question}))->fingerprint();
  CHECK(folder.open(text, asking({question}))->fingerprint() == first);
  CHECK(folder.open(R"({"question": "b", "answer": "x"})", asking({question}))->fingerprint() != first);
  CHECK(folder.open(text, asking({question}, ""))->fingerprint() != first);
}
