#include "data/clevr/clevr.h"

#include <algorithm>
#include <filesystem>

#include "core/error.h"
#include "data/basic_dataset.h"
#include "data/blocks/program.h"
#include "data/clevr/camera.h"
#include "data/clevr/program.h"
#include "io/json.h"

namespace multiviz {
namespace {

using nlohmann::json;

const Publication publication = {
    "CLEVR v1.0",
    "images/SPLIT/CLEVR_SPLIT_000000.png, questions/CLEVR_SPLIT_questions.json and scenes/CLEVR_SPLIT_scenes.json",
    "https://cs.stanford.edu/people/jcjohns/clevr/"};
const Publication human_publication = {"CLEVR-Humans",
                                       "CLEVR-Humans-SPLIT.json, beside the images/ and scenes/ of CLEVR v1.0",
                                       "https://cs.stanford.edu/people/jcjohns/iep/"};

std::string question_path(const ClevrOptions& options) {
  if (!options.questions.empty()) return options.questions;
  if (!options.humans)
    return find_published(options.root, {"questions/CLEVR_" + options.split + "_questions.json"}, publication);
  const std::string name = "CLEVR-Humans-" + options.split + ".json";
  return find_published(options.root, {name, "CLEVR-Humans/" + name, "questions/" + name}, human_publication);
}

// What every question must have to be a datapoint.
void check_question(const json& question, const std::string& where) {
  const auto text = require<std::string>(question, "question", where);
  check(text.find_first_not_of(" \t\r\n") != std::string::npos, "{}: 'question' is empty", where);
  plain_file_name(question, "image_filename", where);
  require<int64_t>(question, "image_index", where);
  const auto answer = get_or<std::string>(question, "answer", "", where);
  const auto& answers = blockworld::answers();
  check(answer.empty() || std::find(answers.begin(), answers.end(), answer) != answers.end(),
        "{}: 'answer' is '{}', which is none of CLEVR's 28 answers", where, answer);
}

JsonRecordOptions question_options(const ClevrOptions& options) {
  JsonRecordOptions records;
  records.layout = {JsonForm::list, "questions", "", {"question", "image_filename", "image_index"}, ""};
  records.skip = options.on_error == OnError::skip;
  records.accept = check_question;
  records.accept_name = "clevr-1";
  records.cache = options.cache;
  return records;
}

JsonRecordOptions scene_options(const ClevrOptions& options) {
  JsonRecordOptions records;
  records.layout = {JsonForm::list, "scenes", "image_index", {"image_index", "objects"}, ""};
  records.skip = options.on_error == OnError::skip;
  records.cache = options.cache;
  return records;
}

std::string object_name(const json& object, const std::string& where) {
  std::string name;
  for (const char* attribute : {"size", "color", "material", "shape"})
    name += (name.empty() ? "" : " ") + require<std::string>(object, attribute, where);
  return name;
}

std::vector<Region> regions_of(const json& scene, const at::Tensor& pixels, const std::string& where) {
  const int64_t height = pixels.size(0), width = pixels.size(1);
  const clevr::Camera camera = clevr::fit_camera(scene, width, height, clevr::focal_length(width), where);
  std::vector<Region> regions;
  for (const json& object : scene.at("objects")) {
    const std::string here = fmt::format("{}: object {}", where, regions.size() + 1);
    Region region{object_name(object, here), {}, {}};
    region.box = clevr::box_of(clevr::solid_from_json(object, here), camera, width, height);
    regions.push_back(std::move(region));
  }
  return regions;
}

class Clevr : public BasicDataset {
 public:
  explicit Clevr(ClevrOptions options)
      : BasicDataset({{"image", ModalityKind::image}, {"question", ModalityKind::text}}, blockworld::answers()),
        options_((check_split(options.split, {"train", "val", "test"}, publication), std::move(options))),
        questions_(question_path(options_), question_options(options_)) {
    name_ = fmt::format("{}/{}", options_.humans ? "clevr-humans" : "clevr", options_.split);
    check(questions_.size() > 0, "'{}' holds no questions", questions_.path());
    images_ = find_published(options_.root, {"images/" + options_.split}, publication);
    std::vector<uint64_t> content = {questions_.content()};
    add_skipped(skipped_, questions_);
    if (options_.scenes && options_.split != "test") {
      const std::string path =
          find_published(options_.root, {"scenes/CLEVR_" + options_.split + "_scenes.json"}, publication);
      scenes_.emplace(path, scene_options(options_));
      content.push_back(scenes_->content());
      add_skipped(skipped_, *scenes_);
    }
    fingerprint_ = published_fingerprint(options_.humans ? "clevr-humans" : "clevr",
                                         {options_.split, std::filesystem::absolute(images_).string()}, content);
  }

  int64_t size() const override { return questions_.size(); }

  Datapoint get(int64_t index) const override {
    check_index(*this, index);
    const std::string where = questions_.where(index);
    json question = questions_.get(index);
    check_question(question, where);
    Datapoint datapoint;
    datapoint.id = fmt::format("{}/{}", options_.split, get_or<int64_t>(question, "question_index", index, where));
    const std::string file = images_ + "/" + plain_file_name(question, "image_filename", where);
    datapoint.values = {Image{load_published(file, where, publication)},
                        Text{require<std::string>(question, "question", where)}};
    if (const auto answer = get_or<std::string>(question, "answer", "", where); !answer.empty())
      datapoint.labels = {std::find(labels().begin(), labels().end(), answer) - labels().begin()};
    if (scenes_) add_scene(datapoint, question, where);
    for (const char* key : {"question", "answer", "image_filename", "question_index", "split"}) question.erase(key);
    datapoint.annotations.update(question);
    return datapoint;
  }

 private:
  void add_scene(Datapoint& datapoint, const json& question, const std::string& where) const {
    const auto image = require<int64_t>(question, "image_index", where);
    const auto found = scenes_->find(std::to_string(image));
    if (!found && options_.on_error == OnError::skip) return;
    check(found.has_value(), "{}: '{}' has no scene with the 'image_index' {}", where, scenes_->path(), image);
    const json scene = scenes_->get(*found);
    datapoint.regions = regions_of(scene, std::get<Image>(datapoint.values[0]).pixels, scenes_->where(*found));
    datapoint.annotations["objects"] = scene.at("objects");
    if (!question.contains("program")) return;
    const clevr::Outcome outcome = clevr::execute(question.at("program"), scene, where);
    for (size_t i = 0; i < datapoint.regions.size(); ++i) datapoint.regions[i].referred = outcome.referred[i];
  }

  ClevrOptions options_;
  std::string images_;
  JsonRecords questions_;
  std::optional<JsonRecords> scenes_;
};

}  // namespace

DatasetPtr open_clevr(ClevrOptions options) { return std::make_shared<Clevr>(std::move(options)); }

}  // namespace multiviz
