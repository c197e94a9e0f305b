#include "data/gqa/gqa.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>
#include <unordered_map>

#include "core/error.h"
#include "data/basic_dataset.h"
#include "io/json.h"

namespace multiviz {
namespace {

using nlohmann::json;

const Publication publication = {"GQA",
                                 "questions1.2/SPLIT_balanced_questions.json, sceneGraphs/SPLIT_sceneGraphs.json and "
                                 "images/ID.jpg",
                                 "https://cs.stanford.edu/people/dorarad/gqa/download.html"};

bool exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

void check_question(const json& question, const std::string& where) {
  const auto text = require<std::string>(question, "question", where);
  check(text.find_first_not_of(" \t\r\n") != std::string::npos, "{}: 'question' is empty", where);
  plain_file_name(question, "imageId", where);
  get_or<std::string>(question, "answer", "", where);
}

JsonRecordOptions records(const GqaOptions& options, std::vector<std::string> fields, const std::string& collect) {
  JsonRecordOptions records;
  records.layout = {JsonForm::dictionary, "", "", std::move(fields), collect};
  records.skip = options.on_error == OnError::skip;
  records.cache = options.cache;
  return records;
}

// Ids of the scene's objects in "sky (2486325)" or "man (1,2)"; "(-)" means none.
void add_ids(const std::string& argument, std::set<std::string>& ids) {
  const size_t open = argument.rfind('('), close = argument.rfind(')');
  if (open == std::string::npos || close == std::string::npos || close < open) return;
  std::string id;
  for (size_t i = open + 1; i <= close; ++i) {
    if (std::isdigit(static_cast<unsigned char>(argument[i]))) {
      id += argument[i];
    } else {
      if (!id.empty()) ids.insert(id);
      id.clear();
    }
  }
}

// What the program selects, and what the question's words were annotated with.
std::set<std::string> referred_ids(const json& question, const std::string& where) {
  std::set<std::string> ids;
  if (question.contains("semantic")) {
    const json& program = question.at("semantic");
    check(program.is_array(), "{}: 'semantic' must be a list, not {}", where, program.type_name());
    for (const json& step : program) add_ids(get_or<std::string>(step, "argument", "", where + ": 'semantic'"), ids);
  }
  if (!question.contains("annotations")) return ids;
  const json& marks = question.at("annotations");
  if (marks.is_object() && marks.contains("question"))
    for (const auto& [words, id] : marks.at("question").items())
      ids.insert(as<std::string>(id, where + ": 'annotations'"));
  return ids;
}

Region region_of(const json& object, const std::string& where) {
  std::string name;
  if (object.contains("attributes"))
    for (const std::string& attribute : require<std::vector<std::string>>(object, "attributes", where))
      name += attribute + " ";
  Region region{name + require<std::string>(object, "name", where), {}, {}};
  const auto x = require<double>(object, "x", where), y = require<double>(object, "y", where);
  region.box = {x, y, x + require<double>(object, "w", where), y + require<double>(object, "h", where)};
  return region;
}

class Gqa : public BasicDataset {
 public:
  explicit Gqa(GqaOptions options)
      : BasicDataset({{"image", ModalityKind::image}, {"question", ModalityKind::text}}),
        options_((check_split(options.split, {"train", "val", "testdev", "test", "challenge"}, publication),
                  std::move(options))) {
    name_ = "gqa/" + options_.split;
    std::vector<uint64_t> content;
    std::set<std::string> answers;
    for (const std::string& path : question_paths()) {
      JsonRecordOptions made = records(options_, {"question", "imageId"}, "answer");
      made.accept = check_question;
      made.accept_name = "gqa-1";
      parts_.push_back(std::make_unique<JsonRecords>(path, std::move(made)));
      size_ += parts_.back()->size();
      content.push_back(parts_.back()->content());
      answers.insert(parts_.back()->collected().begin(), parts_.back()->collected().end());
      add_skipped(skipped_, *parts_.back());
    }
    check(size_ > 0, "{} has no questions in '{}'", name_, parts_[0]->path());
    images_ = options_.images.empty() ? find_published(options_.root, {"images"}, publication) : options_.images;
    load_labels(answers);
    if (options_.scenes && (options_.split == "train" || options_.split == "val")) {
      const std::string name = options_.split + "_sceneGraphs.json";
      scenes_ = std::make_unique<JsonRecords>(find_published(options_.root, {"sceneGraphs/" + name, name}, publication),
                                              records(options_, {"objects"}, ""));
      content.push_back(scenes_->content());
      add_skipped(skipped_, *scenes_);
    }
    fingerprint_ =
        published_fingerprint("gqa", {options_.split, labels_, std::filesystem::absolute(images_).string()}, content);
  }

  int64_t size() const override { return size_; }

  Datapoint get(int64_t index) const override {
    check_index(*this, index);
    size_t part = 0;
    for (; index >= parts_[part]->size(); ++part) index -= parts_[part]->size();
    const JsonRecords& records = *parts_[part];
    const std::string where = records.where(index);
    json question = records.get(index);
    check_question(question, where);
    const std::string image = plain_file_name(question, "imageId", where);
    Datapoint datapoint;
    datapoint.id = fmt::format("{}/{}", options_.split, records.key(index));
    datapoint.values = {Image{load_published(images_ + "/" + image + ".jpg", where, publication)},
                        Text{require<std::string>(question, "question", where)}};
    if (const auto answer = get_or<std::string>(question, "answer", "", where); positions_.contains(answer))
      datapoint.labels = {positions_.at(answer)};
    if (scenes_) add_scene(datapoint, question, image, where);
    question.erase("question");
    datapoint.annotations = std::move(question);
    return datapoint;
  }

 private:
  std::vector<std::string> question_paths() const {
    const std::string stem = options_.split + (options_.balanced ? "_balanced" : "_all") + "_questions";
    std::vector<std::string> candidates;
    for (const char* folder : {"questions1.2/", "questions/", ""}) {
      candidates.push_back(folder + stem + ".json");
      if (!options_.balanced) candidates.push_back(folder + stem);  // train's are in a folder of ten files
    }
    const std::string found = find_published(options_.root, candidates, publication);
    if (!std::filesystem::is_directory(found)) return {found};
    std::vector<std::string> paths;
    for (int i = 0; exists(fmt::format("{}/{}_{}.json", found, stem, i)); ++i)
      paths.push_back(fmt::format("{}/{}_{}.json", found, stem, i));
    check(!paths.empty(), "there is no '{}_0.json' in '{}'", stem, found);
    return paths;
  }

  void load_labels(const std::set<std::string>& answers) {
    const std::string beside = options_.root + "/trainval_label2ans.json";
    const std::string path = options_.answers.empty() && exists(beside) ? beside : options_.answers;
    labels_ = path.empty() ? std::vector<std::string>(answers.begin(), answers.end()) : load_answers(path);
    for (size_t i = 0; i < labels_.size(); ++i) positions_[labels_[i]] = static_cast<int64_t>(i);
  }

  void add_scene(Datapoint& datapoint, const json& question, const std::string& image, const std::string& where) const {
    const auto found = scenes_->find(image);
    if (!found && options_.on_error == OnError::skip) return;
    check(found.has_value(), "{}: '{}' has no scene graph of picture {}", where, scenes_->path(), image);
    const json scene = scenes_->get(*found);
    const std::string here = scenes_->where(*found);
    const std::set<std::string> referred = referred_ids(question, where);
    const json& objects = require(scene, "objects", here);
    check(objects.is_object(), "{}: 'objects' must be an object, not {}", here, objects.type_name());
    for (const auto& [id, object] : objects.items()) {
      datapoint.regions.push_back(region_of(object, fmt::format("{}: object {}", here, id)));
      datapoint.regions.back().referred = referred.contains(id);
    }
  }

  GqaOptions options_;
  std::string images_;
  std::unordered_map<std::string, int64_t> positions_;
  std::vector<std::unique_ptr<JsonRecords>> parts_;
  std::unique_ptr<JsonRecords> scenes_;
  int64_t size_ = 0;
};

}  // namespace

DatasetPtr open_gqa(GqaOptions options) { return std::make_shared<Gqa>(std::move(options)); }

}  // namespace multiviz
