#include "data/vqa/vqa.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <unordered_map>

#include "core/error.h"
#include "data/basic_dataset.h"
#include "io/file.h"
#include "io/json.h"
#include "io/json_scan.h"

namespace multiviz {
namespace {

using nlohmann::json;

const Publication publication = {
    "VQA 2.0",
    "v2_OpenEnded_mscoco_train2014_questions.json, v2_mscoco_train2014_annotations.json and pictures "
    "train2014/COCO_train2014_000000000000.jpg",
    "https://visualqa.org/download.html"};
const Publication answer_publication = {"The list of VQA's answers", "trainval_label2ans.json, [\"net\", ...]",
                                        "https://github.com/airsplay/lxmert, data/vqa"};

std::string year_of(const std::string& split) { return split + (split.starts_with("test") ? "2015" : "2014"); }

std::string find_json(const VqaOptions& options, const std::string& name) {
  return find_published(options.root,
                        {name, "questions/" + name, "annotations/" + name, "Questions/" + name, "Annotations/" + name},
                        publication);
}

void check_question(const json& question, const std::string& where) {
  const auto text = require<std::string>(question, "question", where);
  check(text.find_first_not_of(" \t\r\n") != std::string::npos, "{}: 'question' is empty", where);
  const auto image = require<int64_t>(question, "image_id", where);
  check(image >= 0, "{}: 'image_id' is {}", where, image);
  require<int64_t>(question, "question_id", where);
}

std::vector<std::string> answers_of(const json& annotation, const std::string& where) {
  const json& list = require(annotation, "answers", where);
  check(list.is_array(), "{}: 'answers' must be a list, not {}", where, list.type_name());
  std::vector<std::string> answers;
  for (const json& answer : list) answers.push_back(require<std::string>(answer, "answer", where + ": 'answers'"));
  return answers;
}

void check_annotation(const json& annotation, const std::string& where) {
  answers_of(annotation, where);
  for (const char* key : {"question_type", "answer_type", "multiple_choice_answer"})
    require<std::string>(annotation, key, where);
}

JsonRecordOptions records(const VqaOptions& options, const char* list, std::vector<std::string> fields,
                          void (*accept)(const json&, const std::string&)) {
  JsonRecordOptions records;
  records.layout = {JsonForm::list, list, "question_id", std::move(fields), ""};
  records.skip = options.on_error == OnError::skip;
  records.accept = accept;
  records.accept_name = std::string("vqa-1 ") + list;
  records.cache = options.cache;
  return records;
}

// [[question id, question id], ...], each pair both ways, sorted.
std::vector<std::pair<int64_t, int64_t>> load_pairs(const std::string& path) {
  const std::string text = read_file(path);
  const JsonScan scan(text);
  std::vector<std::pair<int64_t, int64_t>> pairs;
  const auto number = [&](size_t& at) {
    const size_t begin = scan.space(at);
    at = scan.value(begin);
    int64_t value = 0;
    if (std::from_chars(text.data() + begin, text.data() + at, value).ptr != text.data() + at)
      throw JsonBreak{begin, "expected a question's id"};
    return value;
  };
  try {
    size_t at = scan.space(scan.expect(scan.space(0), '['));
    while (scan.peek(at) != ']') {
      at = scan.expect(at, '[');
      const int64_t a = number(at);
      at = scan.expect(scan.space(at), ',');
      const int64_t b = number(at);
      at = scan.space(scan.expect(scan.space(at), ']'));
      pairs.push_back({a, b});
      pairs.push_back({b, a});
      if (scan.peek(at) != ']') at = scan.space(scan.expect(at, ','));
    }
  } catch (const JsonBreak& broken) {
    fail("'{}': byte {}: it must be a list of pairs of question ids: {}", path, broken.at, broken.reason);
  }
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

class Vqa : public BasicDataset {
 public:
  explicit Vqa(VqaOptions options)
      : BasicDataset({{"image", ModalityKind::image}, {"question", ModalityKind::text}}),
        options_((check_split(options.split, {"train", "val", "test", "test-dev"}, publication), std::move(options))),
        questions_(find_json(options_, "v2_OpenEnded_mscoco_" + year_of(options_.split) + "_questions.json"),
                   records(options_, "questions", {"question", "image_id", "question_id"}, check_question)) {
    name_ = "vqa/" + options_.split;
    check(questions_.size() > 0, "'{}' holds no questions", questions_.path());
    find_images();
    load_labels();
    add_skipped(skipped_, questions_);
    std::vector<uint64_t> content = {questions_.content()};
    if (!options_.split.starts_with("test")) {
      const std::string stem = "v2_mscoco_" + year_of(options_.split);
      annotations_.emplace(find_json(options_, stem + "_annotations.json"),
                           records(options_, "annotations", {"question_id", "answers"}, check_annotation));
      content.push_back(annotations_->content());
      add_skipped(skipped_, *annotations_);
      const auto pairs =
          std::filesystem::path(annotations_->path()).parent_path() / (stem + "_complementary_pairs.json");
      std::error_code ignored;
      if (std::filesystem::exists(pairs, ignored)) pairs_ = load_pairs(pairs.string());
    }
    fingerprint_ = published_fingerprint(
        "vqa", {options_.split, labels_, pairs_.size(), std::filesystem::absolute(images_).string()}, content);
  }

  int64_t size() const override { return questions_.size(); }

  Datapoint get(int64_t index) const override {
    check_index(*this, index);
    const std::string where = questions_.where(index);
    const json question = questions_.get(index);
    check_question(question, where);
    const auto id = require<int64_t>(question, "question_id", where),
               image = require<int64_t>(question, "image_id", where);
    Datapoint datapoint;
    datapoint.id = fmt::format("{}/{}", options_.split, id);
    datapoint.values = {Image{load_published(fmt::format("{}{:012}.jpg", images_, image), where, publication)},
                        Text{require<std::string>(question, "question", where)}};
    datapoint.annotations = {{"question_id", id}, {"image_id", image}};
    if (annotations_) annotate(datapoint, id, where);
    return datapoint;
  }

 private:
  void find_images() {
    const std::string year = options_.split.starts_with("test") ? "test2015" : year_of(options_.split);
    std::string folder = options_.images;
    if (folder.empty())
      folder = find_published(options_.root, {year, "images/" + year, "Images/mscoco/" + year}, publication);
    images_ = folder + "/COCO_" + year + "_";
  }

  void load_labels() {
    labels_ = load_answers(options_.answers.empty()
                               ? find_published(options_.root, {"trainval_label2ans.json"}, answer_publication)
                               : options_.answers);
    for (size_t i = 0; i < labels_.size(); ++i) positions_[labels_[i]] = static_cast<int64_t>(i);
  }

  void annotate(Datapoint& datapoint, int64_t id, const std::string& question) const {
    const auto found = annotations_->find(std::to_string(id));
    if (!found && options_.on_error == OnError::skip) return;
    check(found.has_value(), "{}: '{}' has no annotation with the 'question_id' {}", question, annotations_->path(),
          id);
    const std::string where = annotations_->where(*found);
    const json annotation = annotations_->get(*found);
    check_annotation(annotation, where);
    const std::vector<std::string> answers = answers_of(annotation, where);
    const auto common = require<std::string>(annotation, "multiple_choice_answer", where);
    add_scores(datapoint, answers, common);
    datapoint.annotations["answers"] = answers;
    for (const char* key : {"question_type", "answer_type", "multiple_choice_answer"})
      datapoint.annotations[key] = annotation.at(key);
    const auto pair = std::lower_bound(pairs_.begin(), pairs_.end(), std::make_pair(id, INT64_MIN));
    if (pair != pairs_.end() && pair->first == id) datapoint.annotations["complementary"] = pair->second;
  }

  void add_scores(Datapoint& datapoint, const std::vector<std::string>& answers, const std::string& common) const {
    json scores = json::object();
    double best = 0;
    const auto consider = [&](const std::string& answer) {
      const auto position = positions_.find(answer);
      const int64_t people = std::count(answers.begin(), answers.end(), answer);
      if (position == positions_.end() || people == 0) return;
      const double score = vqa_score(people);
      scores[answer] = score;
      if (score <= best) return;
      best = score;
      datapoint.labels = {position->second};
    };
    consider(common);
    for (const std::string& answer : answers) consider(answer);
    datapoint.annotations["scores"] = std::move(scores);
  }

  VqaOptions options_;
  std::string images_;
  std::unordered_map<std::string, int64_t> positions_;
  JsonRecords questions_;
  std::optional<JsonRecords> annotations_;
  std::vector<std::pair<int64_t, int64_t>> pairs_;
};

}  // namespace

double vqa_score(int64_t people) { return std::min(1.0, 0.3 * static_cast<double>(people)); }

DatasetPtr open_vqa(VqaOptions options) { return std::make_shared<Vqa>(std::move(options)); }

}  // namespace multiviz
