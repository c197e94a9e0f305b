#include <ATen/ATen.h>

#include <cstring>
#include <filesystem>

#include "core/error.h"
#include "data/basic_dataset.h"
#include "data/mmimdb.h"
#include "io/hdf5.h"
#include "io/json.h"
#include "io/mapping.h"
#include "io/pickle.h"

namespace multiviz {
namespace {

constexpr std::string_view npy_magic = "\x93NUMPY";

// The dictionary of the plots: metadata.npy, an array of one object, whose 'ix_to_word' maps numbers to words.
std::vector<std::string> load_dictionary(const std::string& path) {
  std::error_code ignored;
  check(std::filesystem::exists(path, ignored),
        "there is no '{}', which holds the words of the plots: put it beside multimodal_imdb.hdf5 (see "
        "https://github.com/johnarevalo/gmu-mmimdb), or ask for plot = \"word2vec\"",
        path);
  auto mapping = std::make_shared<Mapping>(path);
  const std::string_view bytes(mapping->data(), mapping->size());
  check(bytes.size() > 12 && bytes.starts_with(npy_magic), "'{}' is not an .npy file", path);
  const bool narrow = bytes[6] == 1;
  uint32_t header = 0;
  std::memcpy(&header, bytes.data() + 8, narrow ? 2 : 4);
  const size_t start = (narrow ? 10 : 12) + size_t{header};
  check(start < bytes.size(), "'{}' is cut short", path);
  const Pickle whole = read_pickle({mapping, bytes.substr(start)}, path);
  const std::string where = path + ": 'ix_to_word'";
  const Pickle words = (whole.is(PickleKind::dict) || whole.size() != 1 ? whole : whole[0]).at("ix_to_word", path);
  check(words.is(PickleKind::dict), "{} must be a dict", where);
  std::vector<std::string> dictionary(words.size());
  for (size_t i = 0; i < words.size(); ++i) {
    const int64_t index = words.key(i).integer(where);
    check(index >= 0 && index < std::ssize(dictionary), "{}: the number {} of a word is not below {}", where, index,
          dictionary.size());
    dictionary[static_cast<size_t>(index)] = words[i].text(where);
  }
  return dictionary;
}

// VGG's input back to a picture. The authors store blue, green, red with these means subtracted, cut towards zero: a
// channel p became p - ceil(mean) above the mean and p - floor(mean) below.
at::Tensor to_picture(const at::Tensor& stored, const std::string& where) {
  static constexpr std::array means = {103.939, 116.779, 123.68};
  at::Tensor planes = stored.to(at::kInt).clone();
  for (int64_t c = 0; c < 3; ++c) {
    at::Tensor plane = planes[c];
    plane.add_(
        at::where(plane.lt(0), static_cast<int64_t>(std::floor(means[c])), static_cast<int64_t>(std::ceil(means[c]))));
  }
  check(planes.ge(0).logical_and(planes.le(255)).all().item<bool>(),
        "{} holds colours that no picture has after VGG's means are added", where);
  return planes.flip(0).permute({1, 2, 0}).to(at::kByte).contiguous();
}

class MmimdbFile : public BasicDataset {
 public:
  MmimdbFile(const std::string& path, const MmimdbOptions& options)
      : options_(options), file_(path), split_(options.split == "val" ? "dev" : options.split) {
    name_ = "mmimdb/" + split_;
    modalities_ = {{"poster", options.poster == "vgg" ? ModalityKind::tabular : ModalityKind::image},
                   {"plot", options.plot == "word2vec" ? ModalityKind::tabular : ModalityKind::text}};
    read_split();
    read_labels();
    check_shape(poster(), options.poster == "vgg" ? 2 : 4);
    check_shape(options.plot == "word2vec" ? "features" : "sequences", options.plot == "word2vec" ? 2 : 1);
    if (options.plot == "words")
      dictionary_ = load_dictionary((std::filesystem::path(path).parent_path() / "metadata.npy").string());
  }

  int64_t size() const override { return end_ - begin_; }

  Datapoint get(int64_t index) const override {
    check_index(*this, index);
    const int64_t row = begin_ + index;
    const std::string where = fmt::format("'{}': row {}", file_.path(), row);
    Datapoint datapoint;
    datapoint.id = ids_[static_cast<size_t>(index)];
    datapoint.values = {poster_value(row, where), plot_value(row, where)};
    const at::Tensor genres = genres_[index];
    for (int64_t g = 0; g < std::ssize(labels_); ++g)
      if (genres[g].item<int64_t>() != 0) datapoint.labels.push_back(g);
    return datapoint;
  }

 private:
  std::string poster() const { return options_.poster == "vgg" ? "vgg_features" : "images"; }

  void read_split() {
    const auto splits = file_.text_column("/", "split", "split"), sources = file_.text_column("/", "split", "source");
    const auto starts = file_.integer_column("/", "split", "start"), stops = file_.integer_column("/", "split", "stop");
    bool found = false;
    for (size_t i = 0; i < splits.size(); ++i)
      if (splits[i] == split_ && sources[i] == "genres") {
        begin_ = starts[i];
        end_ = stops[i];
        found = true;
      }
    check(found, "'{}' has no split '{}' of 'genres'", file_.path(), split_);
    check(begin_ >= 0 && begin_ < end_, "'{}': the split '{}' has the rows {} to {}", file_.path(), split_, begin_,
          end_);
  }

  void read_labels() {
    check_shape("genres", 2);
    const auto text = file_.text_attribute("genres", "target_names");
    const std::string where = fmt::format("'{}': the attribute 'target_names' of 'genres'", file_.path());
    check(text.has_value(), "{} is missing", where);
    labels_ = as<std::vector<std::string>>(parse_json(*text, where), where);
    genres_ = file_.read("genres", begin_, end_).to(at::kInt);
    check(genres_.size(1) == std::ssize(labels_), "{} names {} genres and there are {}", where, labels_.size(),
          genres_.size(1));
    ids_ = file_.read_strings("imdb_ids", begin_, end_);
    uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a
    auto add = [&](std::string_view bytes) {
      for (char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    };
    add({static_cast<const char*>(genres_.const_data_ptr()), genres_.nbytes()});
    for (const std::string& id : ids_) add(id);
    fingerprint_ = fmt::format("mmimdb-hdf5-{}-{}-{}-{:016x}", split_, options_.poster, options_.plot, hash);
  }

  void check_shape(const std::string& name, size_t dimensions) const {
    const auto shape = file_.shape(name);
    check(shape.size() == dimensions && shape[0] >= end_, "'{}': '{}' must have {} dimensions and {} rows, it has [{}]",
          file_.path(), name, dimensions, end_, fmt::join(shape, ", "));
    check(name != "images" || shape[1] == 3, "'{}': 'images' must have 3 channels, it has {}", file_.path(), shape[1]);
  }

  Value poster_value(int64_t row, const std::string& where) const {
    const at::Tensor stored = file_.read(poster(), row, row + 1)[0];
    if (options_.poster == "pixels") return Image{to_picture(stored, where + " of 'images'")};
    return table(stored, where + " of 'vgg_features'");
  }

  Value plot_value(int64_t row, const std::string& where) const {
    if (options_.plot == "word2vec") return table(file_.read("features", row, row + 1)[0], where + " of 'features'");
    std::string plot;
    for (int64_t word : file_.read_sequence("sequences", row)) {
      check(word >= 0 && word < std::ssize(dictionary_),
            "{} of 'sequences' has the word {}, the dictionary has {} words", where, word, dictionary_.size());
      plot += (plot.empty() ? "" : " ") + dictionary_[static_cast<size_t>(word)];
    }
    check(!plot.empty(), "{} of 'sequences' has no words", where);
    return Text{std::move(plot)};
  }

  static Value table(const at::Tensor& row, const std::string& where) {
    at::Tensor columns = row.to(at::kFloat);
    check(at::isfinite(columns).all().item<bool>(), "{} holds a number that is not finite", where);
    return Table{columns, {}};
  }

  MmimdbOptions options_;
  Hdf5File file_;
  std::string split_;
  std::vector<std::string> ids_, dictionary_;
  at::Tensor genres_;  // int [N, 23]
  int64_t begin_ = 0, end_ = 0;
};

}  // namespace

DatasetPtr open_mmimdb_hdf5(const std::string& path, const MmimdbOptions& options) {
  return std::make_shared<MmimdbFile>(path, options);
}

}  // namespace multiviz
