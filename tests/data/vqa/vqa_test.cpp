#include "data/vqa/vqa.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "io/file.h"
#include "tests/data/published_folder.h"

using namespace multiviz;
using nlohmann::json;

namespace {

struct Vqa : test::PublishedFolder<VqaOptions> {
  Vqa() : PublishedFolder("vqa", "train") {}
  std::string refusal(const VqaOptions& options, int64_t index = 0) const {
    return error_of([&] { open_vqa(options)->get(index); });
  }
};

}  // namespace

TEST_CASE("the official accuracy over the ten sets of nine is what an answer scores") {
  // From the evaluation's definition: for each of the ten left out, min(1, matches among the other nine / 3).
  for (int64_t n = 0; n <= 10; ++n) {
    double sum = 0;
    for (int64_t left_out = 0; left_out < 10; ++left_out)
      sum += std::min(1.0, static_cast<double>(n - (left_out < n ? 1 : 0)) / 3);
    CHECK(vqa_score(n) == doctest::Approx(sum / 10));
  }
}

TEST_CASE("VQA as published: questions and annotations meet by question_id") {
  Vqa folder;
  const DatasetPtr data = open_vqa(folder.options());
  REQUIRE(data->size() == 12);
  CHECK(data->name() == "vqa/train");
  CHECK(data->labels().size() == 7);
  const Datapoint color = data->get(3), yes = data->get(1), nobody = data->get(2);
  CHECK(color.id == "train/25000");
  CHECK(std::get<Text>(color.values[1]).string == "What color is the wall?");
  CHECK(std::get<Image>(color.values[0]).pixels.size(0) == 32);
  CHECK(data->labels()[static_cast<size_t>(color.labels.at(0))] == "green");
  // Six said green, three "pale green", which is no label, one white.
  CHECK(color.annotations["scores"] == json{{"green", 1.0}, {"white", 0.3}});
  CHECK(color.annotations["answers"].size() == 10);
  CHECK(color.annotations["question_type"] == "what color is the");
  CHECK(color.annotations["answer_type"] == "other");
  CHECK(color.annotations["complementary"] == 9000);
  CHECK(data->get(0).annotations["complementary"] == 25000);
  CHECK(!yes.annotations.contains("complementary"));
  CHECK(yes.annotations["scores"] == json{{"yes", 1.0}, {"no", 0.3}});
  CHECK(nobody.labels.empty());
  CHECK(nobody.annotations["scores"].empty());
  const Datapoint blind = open_vqa(folder.options("test"))->get(0);
  CHECK(blind.labels.empty());
  CHECK(!blind.annotations.contains("answers"));
}

TEST_CASE("of answers with equal scores the most common one in the file is the label") {
  Vqa folder;
  const std::string path = folder.path("v2_mscoco_val2014_annotations.json");
  json file = json::parse(read_file(path));
  json& last = file["annotations"].back();
  REQUIRE(last["question_id"] == 9000);
  for (size_t i = 0; i < 10; ++i) last["answers"][i]["answer"] = i % 2 == 0 ? "green" : "red";
  last["multiple_choice_answer"] = "red";
  write_file(path, file.dump());
  const DatasetPtr data = open_vqa(folder.options("val"));
  CHECK(data->labels()[static_cast<size_t>(data->get(0).labels.at(0))] == "red");
}

TEST_CASE("what is missing or damaged in VQA is told") {
  Vqa folder;
  CHECK(folder.refusal(folder.options("valid")) == has("VQA 2.0 has no split 'valid'; did you mean 'val'?"));
  std::filesystem::remove(folder.path("train2014/COCO_train2014_000000000025.jpg"));
  CHECK(folder.refusal(folder.options(), 3) == has("COCO_train2014_000000000025.jpg': VQA 2.0 is expected as"));
  VqaOptions other = folder.options();
  other.answers = folder / "answers.json";
  write_file(other.answers, R"(["a", "b", "a"])");
  CHECK(folder.refusal(other) == has("holds the answer 'a' twice"));
  std::filesystem::remove(folder.path("trainval_label2ans.json"));
  CHECK(folder.refusal(folder.options()) == has("airsplay/lxmert"));
  write_file(other.answers, R"(["red", "no"])");
  CHECK(open_vqa(other)->labels().size() == 2);
  write_file(folder.path("v2_mscoco_train2014_complementary_pairs.json"), "[[1, 2], [3]]");
  CHECK(folder.refusal(other) == has("complementary_pairs.json': byte 11: it must be a list of pairs"));
  std::filesystem::remove(folder.path("v2_mscoco_train2014_complementary_pairs.json"));
  CHECK(!open_vqa(other)->get(0).annotations.contains("complementary"));
  std::filesystem::remove(folder.path("v2_mscoco_train2014_annotations.json"));
  CHECK(folder.refusal(other) == has("there is no 'v2_mscoco_train2014_annotations.json' in"));
}

TEST_CASE("damaged annotations of VQA are errors, or leave their question without an answer") {
  Vqa folder;
  const std::string path = folder.path("v2_mscoco_train2014_annotations.json");
  std::string text = read_file(path);
  text.replace(text.rfind("\"answers\""), 9, "\"answerz\"");  // of the first question
  write_file(path, text);
  CHECK(folder.refusal(folder.options()) == has("annotations.json', record 12 at byte"));
  VqaOptions options = folder.options();
  options.on_error = OnError::skip;
  const DatasetPtr data = open_vqa(options);
  CHECK(data->size() == 12);
  CHECK(data->get(0).labels.empty());
  CHECK(data->get(1).labels.size() == 1);
  REQUIRE(data->skipped().count == 1);
  CHECK(data->skipped().messages[0] == has("'answers' is missing"));
}
