#include "data/csv.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "io/file.h"
#include "tests/scratch.h"

using namespace multiviz;

namespace {

Field words() { return {{"question", ModalityKind::text}, "question", {}}; }
Field vitals() { return {{"vitals", ModalityKind::tabular}, "vitals", {}, {"age", "weight"}}; }

RecordOptions asking(std::vector<Field> fields, const std::string& label = "answer") {
  RecordOptions options;
  options.fields = std::move(fields);
  options.label = label;
  return options;
}

struct Folder : Scratch {
  DatasetPtr open(const std::string& text, RecordOptions options, char label_separator = '\0') const {
    write_file(*this / "val.csv", text);
    return open_csv(*this / "val.csv", std::move(options), '\0', label_separator);
  }
  std::string refusal(const std::string& text, RecordOptions options) const {
    return error_of([&] { open(text, std::move(options)); });
  }
};

}  // namespace

TEST_CASE("a csv line is a datapoint: quoted cells, columns of numbers as a table, the rest as annotations") {
  Folder folder;
  DatasetPtr data = folder.open(
      "\xef\xbb\xbfquestion,age,weight,answer,ward\r\n"
      "\"Is \"\"A\"\", or\nis B?\",61,70.5,yes,7\r\n"
      "\n"
      "plain, -1e2 ,3,no,\"\"\n",
      asking({words(), vitals()}));
  REQUIRE(data->size() == 2);
  CHECK(data->name() == "csv/val");
  CHECK(data->labels() == std::vector<std::string>{"no", "yes"});
  Datapoint first = data->get(0), second = data->get(1);
  CHECK(first.id == "val:2");
  CHECK(second.id == "val:5");
  CHECK(std::get<Text>(first.values[0]).string == "Is \"A\", or\nis B?");
  CHECK(std::get<Table>(first.values[1]).columns.equal(at::tensor({61.0f, 70.5f})));
  CHECK(std::get<Table>(second.values[1]).columns.equal(at::tensor({-100.0f, 3.0f})));
  CHECK(std::get<Table>(first.values[1]).names == std::vector<std::string>{"age", "weight"});
  CHECK(first.annotations == nlohmann::json{{"ward", "7"}});
  CHECK(second.labels == std::vector<int64_t>{0});
}

TEST_CASE("csv: several labels in a cell, no label, a number to predict, tabs by the file's name") {
  Folder folder;
  DatasetPtr films = folder.open("question,answer\na,Drama|Crime\nb,\nc,Crime\n", asking({words()}), '|');
  CHECK(films->labels() == std::vector<std::string>{"Crime", "Drama"});
  CHECK(films->get(0).labels == std::vector<int64_t>{1, 0});
  CHECK(films->get(1).labels.empty());
  RecordOptions scores = asking({words()});
  scores.regression = true;
  CHECK(folder.open("question,answer\na,1.5\n", scores)->get(0).value == 1.5);
  write_file(folder / "val.tsv", "question\tanswer\na, b\tyes\n");
  CHECK(std::get<Text>(open_csv(folder / "val.tsv", asking({words()}))->get(0).values[0]).string == "a, b");
}

TEST_CASE("csv: what is wrong is said with its line") {
  Folder folder;
  CHECK(folder.refusal("question,anwser\na,b\n", asking({words()})) ==
        has("no column 'answer'; did you mean 'anwser'?"));
  CHECK(folder.refusal("question,answer\na,b,c\n", asking({words()})) ==
        has("val.csv:2: 3 cells, but the first line names 2"));
  CHECK(folder.refusal("question,answer\n\"a,b\n", asking({words()})) == has("never closed"));
  CHECK(folder.refusal("question,answer\na\"b\",c\n", asking({words()})) ==
        has("val.csv:2: a double quote inside a cell"));
  CHECK(folder.refusal("question,answer\n\"a\"b,c\n", asking({words()})) == has("text after a quoted cell"));
  CHECK(folder.refusal("question,age,weight,answer\na,1,x,yes\n", asking({vitals()})) ==
        has("val.csv:2: 'weight' must be a number, not 'x'"));
  CHECK(folder.refusal("question,age,weight,answer\na,1,1e999,yes\n", asking({vitals()})) == has("must be a number"));
  CHECK(folder.refusal("question,question,answer\na,b,c\n", asking({words()})) ==
        has("the column 'question' is there twice"));
  CHECK(folder.refusal("question,answer\n", asking({words()})) == has("a first line that names the columns"));
  CHECK(folder.refusal("", asking({words()})) == has("a first line that names the columns"));
  Field text = words();
  text.columns = {"a", "b"};
  CHECK(folder.refusal("a,b,answer\n1,2,3\n", asking({text})) == has("only a table is made of several columns"));
}

TEST_CASE("damaged records are left out when asked, counted, and the first messages kept") {
  Folder folder;
  const std::string text = "question,age,weight,answer\na,1,2,yes\nb,1\nc,?,2,no\nd,3,4,no\n";
  RecordOptions options = asking({words(), vitals()});
  CHECK(error_of([&] { folder.open(text, options); }) == has("val.csv:3: 2 cells"));
  options.on_error = OnError::skip;
  DatasetPtr data = folder.open(text, options);
  REQUIRE(data->size() == 2);
  CHECK(data->get(1).id == "val:5");
  CHECK(data->skipped().count == 2);
  REQUIRE(data->skipped().messages.size() == 2);
  CHECK(data->skipped().messages[1] == has("val.csv:4: 'age' must be a number, not '?'"));
  CHECK(subset(data, {0})->skipped().count == 2);
  CHECK(folder.refusal("question,age,weight,answer\nb,1\n", options) == has("none of its 1 records could be read"));
}
