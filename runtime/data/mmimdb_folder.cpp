#include <algorithm>
#include <filesystem>

#include "core/error.h"
#include "data/basic_dataset.h"
#include "data/mmimdb.h"
#include "data/published.h"
#include "io/json.h"

namespace multiviz {
namespace {

int64_t characters(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; });
}

const Publication& publication() {
  static const Publication publication = {"MM-IMDb", "split.json, dataset/0000001.json and dataset/0000001.jpeg",
                                          "https://github.com/johnarevalo/gmu-mmimdb"};
  return publication;
}

class MmimdbFolder : public BasicDataset {
 public:
  MmimdbFolder(const std::string& root, const MmimdbOptions& options)
      : BasicDataset({{"poster", ModalityKind::image}, {"plot", ModalityKind::text}}, mmimdb_genres()), root_(root) {
    check(options.poster == "pixels" && options.plot == "words",
          "mmimdb: features are in multimodal_imdb.hdf5, and '{}' holds posters and plots: leave out poster and plot",
          root);
    const std::string split = options.split == "val" ? "dev" : options.split;
    name_ = "mmimdb/" + split;
    const std::string path = root_ + "/split.json";
    ids_ = require<std::vector<std::string>>(load_json(path), split, path);
    check(!ids_.empty(), "{}: the split '{}' is empty", path, split);
    uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a
    for (const std::string& id : ids_) {
      check(id.find('/') == std::string::npos, "{}: '{}' is not the number of a film", path, id);
      for (char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    }
    fingerprint_ = fmt::format("mmimdb-folder-{}-{:016x}", split, hash);
  }

  int64_t size() const override { return std::ssize(ids_); }

  Datapoint get(int64_t index) const override {
    check_index(*this, index);
    Datapoint datapoint;
    datapoint.id = ids_[static_cast<size_t>(index)];
    const std::string stem = root_ + "/dataset/" + datapoint.id;
    find_published(root_, {"dataset/" + datapoint.id + ".json"}, publication());
    const nlohmann::json film = load_json(stem + ".json");
    const auto plots = require<std::vector<std::string>>(film, "plot", stem + ".json");
    const auto longest = std::max_element(plots.begin(), plots.end(),
                                          [](const auto& a, const auto& b) { return characters(a) < characters(b); });
    check(longest != plots.end() && longest->find_first_not_of(" \t\r\n") != std::string::npos,
          "{}.json: 'plot' is empty", stem);
    datapoint.values = {Image{load_published(stem + ".jpeg", stem + ".json", publication())}, Text{*longest}};
    const auto& known = mmimdb_genres();
    for (const std::string& genre : require<std::vector<std::string>>(film, "genres", stem + ".json")) {
      const auto found = std::find(known.begin(), known.end(), genre);
      if (found != known.end()) datapoint.labels.push_back(found - known.begin());  // rare genres are not among the 23
    }
    std::sort(datapoint.labels.begin(), datapoint.labels.end());
    for (const char* key : {"title", "year", "genres", "kind"})
      if (film.contains(key)) datapoint.annotations[key] = film[key];
    return datapoint;
  }

 private:
  std::string root_;
  std::vector<std::string> ids_;
};

}  // namespace

DatasetPtr open_mmimdb_folder(const std::string& root, const MmimdbOptions& options) {
  return std::make_shared<MmimdbFolder>(root, options);
}

}  // namespace multiviz
