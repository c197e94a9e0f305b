#include "data/flickr30k/flickr30k.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <unordered_map>

#include "core/cancel.h"
#include "core/error.h"
#include "core/progress.h"
#include "core/random.h"
#include "data/basic_dataset.h"
#include "data/flickr30k/entities.h"
#include "io/file.h"
#include "io/line_file.h"

namespace multiviz {
namespace {

using flickr30k::Caption;
using flickr30k::Objects;
using flickr30k::Phrase;
using nlohmann::json;

const Publication publication = {
    "Flickr30k Entities",
    "flickr30k-images/ID.jpg, SPLIT.txt with the pictures' ids, Sentences/ID.txt, Annotations/ID.xml",
    "https://github.com/BryanPlummer/flickr30k_entities"};
constexpr size_t captions = 5;                   // a picture
constexpr uint64_t largest = uint64_t{1} << 24;  // bytes of a file about one picture

std::vector<std::string> below(const std::string& name) {
  return {name, "flickr30k_entities/" + name, "annotations/" + name, "flickr30k_entities/annotations/" + name};
}

bool exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back()))) line.pop_back();
    if (!line.empty()) lines.push_back(std::move(line));
    at = end + 1;
  }
  return lines;
}

// results_20130124.token: "1000092795.jpg#0<tab>Two young guys ...", five lines a picture.
class TokenFile {
 public:
  explicit TokenFile(const std::string& path) : file_(path, "give results_20130124.token"), lines_(find_lines(file_)) {
    for (size_t i = 0; i < lines_.size(); ++i) {
      const std::string line = file_.read(lines_[i].offset, std::min<uint64_t>(lines_[i].size, 64));
      first_.emplace(line.substr(0, line.find('.')), i);
    }
  }

  std::vector<Caption> captions_of(const std::string& id) const {
    const auto found = first_.find(id);
    check(found != first_.end(), "'{}' has no captions of picture {}", file_.path(), id);
    std::vector<Caption> all;
    for (size_t i = found->second; i < lines_.size() && all.size() < captions; ++i) {
      const std::string line = file_.read(lines_[i].offset, lines_[i].size);
      const size_t tab = line.find('\t');
      check(line.starts_with(fmt::format("{}.jpg#{}", id, all.size())) && tab != std::string::npos &&
                tab + 1 < line.size(),
            "{}:{}: it must be '{}.jpg#{}', a tab and a caption", file_.path(), lines_[i].number, id, all.size());
      all.push_back({line.substr(tab + 1), {}});
    }
    return all;
  }

 private:
  LineFile file_;
  std::vector<Line> lines_;
  std::unordered_map<std::string, size_t> first_;
};

class Flickr30k : public BasicDataset {
 public:
  explicit Flickr30k(Flickr30kOptions options)
      : BasicDataset({{"image", ModalityKind::image}, {"caption", ModalityKind::text}}, {"no match", "match"}),
        options_((check_split(options.split, {"train", "val", "test"}, publication), std::move(options))) {
    name_ = "flickr30k/" + options_.split;
    check(options_.negatives >= 0, "there cannot be {} negatives", options_.negatives);
    const std::string list = find_published(options_.root, below(options_.split + ".txt"), publication);
    const std::string text = read_file(list);
    ids_ = lines_of(text);
    check(!ids_.empty(), "'{}' holds no ids of pictures", list);
    for (const std::string& id : ids_)
      check(id.size() < 64 && id.find_first_of("/.\\") == std::string::npos, "'{}': '{}' is no id of a picture", list,
            id);
    find_files();
    if (options_.on_error == OnError::skip) leave_out_damaged();
    check(options_.negatives == 0 || ids_.size() > 1, "negatives need at least two pictures, '{}' has {}", name_,
          ids_.size());
    const json settings = {options_.split,
                           options_.negatives,
                           options_.negatives > 0 ? options_.seed : 0,
                           std::filesystem::absolute(images_).string(),
                           ids_.size(),
                           sentences_.empty()};
    fingerprint_ = published_fingerprint("flickr30k", settings, {hash_bytes(text)});
  }

  int64_t size() const override { return static_cast<int64_t>(ids_.size() * captions) * (1 + options_.negatives); }

  Datapoint get(int64_t index) const override {
    check_index(*this, index);
    const int64_t pair = index / (1 + options_.negatives), negative = index % (1 + options_.negatives);
    const size_t picture = static_cast<size_t>(pair) / captions;
    size_t source = picture, caption = static_cast<size_t>(pair) % captions;
    const std::string& id = ids_[picture];
    Datapoint datapoint;
    datapoint.id = fmt::format("{}#{}", id, caption);
    if (negative > 0) {
      datapoint.id += fmt::format("-{}", negative);
      Random random(options_.seed, static_cast<uint64_t>(index));
      source = static_cast<size_t>(random.below(static_cast<int64_t>(ids_.size()) - 1));
      source += source >= picture;
      caption = static_cast<size_t>(random.below(static_cast<int64_t>(captions)));
    }
    const std::vector<Caption> all = captions_of(ids_[source]);
    datapoint.values = {Image{load_published(images_ + "/" + id + ".jpg", name_ + " " + datapoint.id, publication)},
                        Text{all[caption].text}};
    datapoint.labels = {negative == 0};
    datapoint.annotations = {{"image", id}, {"caption", caption + 1}};
    if (negative > 0) datapoint.annotations["caption_of"] = ids_[source];
    if (!sentences_.empty()) annotate(datapoint, id, all[caption], negative > 0);
    return datapoint;
  }

 private:
  void find_files() {
    images_ = options_.images.empty()
                  ? find_published(options_.root, {"flickr30k-images", "flickr30k_images", "images"}, publication)
                  : options_.images;
    for (const std::string& folder : below("Sentences"))
      if (sentences_.empty() && exists(options_.root + "/" + folder)) sentences_ = options_.root + "/" + folder;
    if (sentences_.empty())
      tokens_.emplace(find_published(options_.root, {"results_20130124.token", "flickr30k/results_20130124.token"},
                                     {"Flickr30k without Entities' Sentences/", "results_20130124.token",
                                      "https://shannon.cs.illinois.edu/DenotationGraph/"}));
    else
      boxes_ = find_published(options_.root, below("Annotations"), publication);
  }

  void leave_out_damaged() {
    Progress progress("checking " + name_, static_cast<int64_t>(ids_.size()));
    std::erase_if(ids_, [&](const std::string& id) {
      throw_if_cancelled();
      progress.advance();
      return !read_record(OnError::skip, skipped_, [&] {
        captions_of(id);
        if (!sentences_.empty()) objects_of(id);
      });
    });
    check(!ids_.empty(), "{}: every picture is damaged, the first: {}", name_,
          skipped_.messages.empty() ? "" : skipped_.messages[0]);
  }

  std::vector<Caption> captions_of(const std::string& id) const {
    if (tokens_) return tokens_->captions_of(id);
    const std::string path = sentences_ + "/" + id + ".txt";
    std::vector<Caption> all;
    for (const std::string& line : lines_of(read_file(path, largest)))
      all.push_back(flickr30k::parse_caption(line, fmt::format("{}:{}", path, all.size() + 1)));
    check(all.size() == captions, "'{}' has {} captions: it must have {}, one a line", path, all.size(), captions);
    return all;
  }

  Objects objects_of(const std::string& id) const {
    const std::string path = boxes_ + "/" + id + ".xml";
    return flickr30k::parse_objects(read_file(path, largest), "'" + path + "'");
  }

  void annotate(Datapoint& datapoint, const std::string& id, const Caption& caption, bool other) const {
    const Objects objects = objects_of(id);
    json phrases = json::array();
    for (const Phrase& phrase : caption.phrases) {
      json entry = {
          {"phrase", phrase.text}, {"id", phrase.id}, {"types", phrase.types}, {"first_word", phrase.first_word + 1}};
      if (!other) {
        entry["boxes"] = json::array();
        if (auto found = objects.boxes.find(phrase.id); found != objects.boxes.end())
          for (const Box& box : found->second) entry["boxes"].push_back({box.x0, box.y0, box.x1, box.y1});
        entry["no_box"] = objects.no_box.contains(phrase.id);
        entry["scene"] = objects.scene.contains(phrase.id);
      }
      phrases.push_back(std::move(entry));
    }
    datapoint.annotations["phrases"] = std::move(phrases);
    add_regions(datapoint, objects, id, caption, other);
  }

  // Named as the caption says, or as another caption of the picture does.
  void add_regions(Datapoint& datapoint, const Objects& objects, const std::string& id, const Caption& caption,
                   bool other) const {
    std::unordered_map<std::string, std::string> names;
    if (!other)
      for (const Phrase& phrase : caption.phrases) names.emplace(phrase.id, phrase.text);
    const size_t said = names.size();
    std::set<std::string> referred;
    for (const auto& [chain, text] : names) referred.insert(chain);
    if (said < objects.boxes.size())
      for (const Caption& one : captions_of(id))
        for (const Phrase& phrase : one.phrases) names.emplace(phrase.id, phrase.text);
    for (const auto& [chain, boxes] : objects.boxes) {
      const auto name = names.find(chain);
      for (const Box& box : boxes)
        datapoint.regions.push_back({name == names.end() ? chain : name->second, box, {}, referred.contains(chain)});
    }
  }

  Flickr30kOptions options_;
  std::string images_, sentences_, boxes_;
  std::vector<std::string> ids_;
  std::optional<TokenFile> tokens_;
};

}  // namespace

DatasetPtr open_flickr30k(Flickr30kOptions options) { return std::make_shared<Flickr30k>(std::move(options)); }

}  // namespace multiviz
