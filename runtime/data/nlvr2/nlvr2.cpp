#include "data/nlvr2/nlvr2.h"

#include <algorithm>
#include <filesystem>

#include "core/error.h"
#include "data/basic_dataset.h"
#include "io/json.h"

namespace multiviz {
namespace {

using nlohmann::json;

const Publication publication = {"NLVR2",
                                 "SPLIT.json with an object a line, and pictures images/SPLIT/SPLIT-850-0-img0.png",
                                 "https://github.com/lil-lab/nlvr, nlvr2"};

// "dev-850-0-0": what comes before the last number names the pair of pictures.
std::string pair_of(const json& record, const std::string& where) {
  const std::string identifier = plain_file_name(record, "identifier", where);
  const size_t dash = identifier.rfind('-');
  check(dash != std::string::npos && dash > 0, "{}: 'identifier' must be split-set-pair-sentence, not '{}'", where,
        identifier);
  return identifier.substr(0, dash);
}

void check_record(const json& record, const std::string& where) {
  const auto text = require<std::string>(record, "sentence", where);
  check(text.find_first_not_of(" \t\r\n") != std::string::npos, "{}: 'sentence' is empty", where);
  pair_of(record, where);
  const auto label = get_or<std::string>(record, "label", "", where);
  check(label.empty() || label == "True" || label == "False", "{}: 'label' must be True or False, not '{}'", where,
        label);
}

JsonRecordOptions records(const Nlvr2Options& options) {
  JsonRecordOptions records;
  records.layout = {JsonForm::lines, "", "identifier", {"identifier", "sentence"}, ""};
  records.skip = options.on_error == OnError::skip;
  records.accept = check_record;
  records.accept_name = "nlvr2-1";
  records.cache = options.cache;
  return records;
}

class Nlvr2 : public BasicDataset {
 public:
  explicit Nlvr2(Nlvr2Options options)
      : BasicDataset({{"left", ModalityKind::image}, {"right", ModalityKind::image}, {"sentence", ModalityKind::text}},
                     {"False", "True"}),
        options_((check_split(options.split,
                              {"train", "dev", "test1", "test2", "balanced/dev", "balanced/test1", "balanced/test2",
                               "unbalanced/dev", "unbalanced/test1", "unbalanced/test2"},
                              publication),
                  std::move(options))),
        records_(find_published(options_.root,
                                {options_.split + ".json", "data/" + options_.split + ".json",
                                 "nlvr2/data/" + options_.split + ".json"},
                                publication),
                 records(options_)) {
    name_ = "nlvr2/" + options_.split;
    check(records_.size() > 0, "'{}' holds no sentences", records_.path());
    const std::string part = std::filesystem::path(options_.split).filename();
    images_ = options_.images.empty() ? find_published(options_.root, {"images/" + part, part, "images"}, publication)
                                      : options_.images;
    add_skipped(skipped_, records_);
    fingerprint_ = published_fingerprint("nlvr2", {options_.split, std::filesystem::absolute(images_).string()},
                                         {records_.content()});
  }

  int64_t size() const override { return records_.size(); }

  Datapoint get(int64_t index) const override {
    check_index(*this, index);
    const std::string where = records_.where(index);
    json record = records_.get(index);
    check_record(record, where);
    const std::string folder = folder_of(record, where), pair = pair_of(record, where);
    Datapoint datapoint;
    datapoint.id = require<std::string>(record, "identifier", where);
    for (const char* side : {"-img0.png", "-img1.png"})
      datapoint.values.push_back(Image{load_published(folder + pair + side, where, publication)});
    datapoint.values.push_back(Text{require<std::string>(record, "sentence", where)});
    if (const auto label = get_or<std::string>(record, "label", "", where); !label.empty())
      datapoint.labels = {label == "True"};
    for (const char* key : {"identifier", "sentence", "label"}) record.erase(key);
    datapoint.annotations = std::move(record);
    return datapoint;
  }

 private:
  // Train's pictures lie in the folder that the record names, when they are as the authors give them.
  std::string folder_of(const json& record, const std::string& where) const {
    if (!record.contains("directory")) return images_ + "/";
    const std::string folder = fmt::format("{}/{}/", images_, require<int64_t>(record, "directory", where));
    std::error_code ignored;
    return std::filesystem::is_directory(folder, ignored) ? folder : images_ + "/";
  }

  Nlvr2Options options_;
  std::string images_;
  JsonRecords records_;
};

}  // namespace

DatasetPtr open_nlvr2(Nlvr2Options options) { return std::make_shared<Nlvr2>(std::move(options)); }

}  // namespace multiviz
