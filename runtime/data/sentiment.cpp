#include "data/sentiment.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>

#include "core/cancel.h"
#include "core/error.h"
#include "core/progress.h"
#include "core/suggest.h"
#include "data/basic_dataset.h"
#include "io/pickle.h"

namespace multiviz {
namespace {

constexpr std::array stream_names = {"text", "audio", "vision"};

std::string find_file(const SentimentOptions& options) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (fs::is_regular_file(options.root, ignored)) return options.root;
  const std::string mult = options.corpus == "mosei" ? "mosei_senti_data" : "mosi_data";
  std::vector<std::string> names = {mult + (options.aligned ? ".pkl" : "_noalign.pkl")};
  if (options.aligned) names.push_back(options.corpus + "_raw.pkl");
  for (const std::string& name : names)
    if (fs::is_regular_file(fs::path(options.root) / name, ignored)) return (fs::path(options.root) / name).string();
  fail(
      "there is no {} in '{}': give as root one of these files or its folder. {} and its *_noalign.pkl are those of "
      "https://github.com/yaohungt/Multimodal-Transformer, {}_raw.pkl is that of "
      "https://github.com/pliang279/MultiBench",
      fmt::join(names, " or "), options.root, mult + ".pkl", options.corpus);
}

struct Segment {
  std::string id, video;
  std::optional<double> begin, end;  // seconds of the video
};

// Begin and end of the frames of a stream [T, F] that are not zeros all over; one frame when all are.
std::pair<int64_t, int64_t> real_frames(const at::Tensor& frames) {
  const at::Tensor real = frames.ne(0).any(1).nonzero().flatten();
  if (real.numel() == 0) return {0, 1};
  return {real[0].item<int64_t>(), real[-1].item<int64_t>() + 1};
}

class Sentiment : public BasicDataset {
 public:
  explicit Sentiment(const SentimentOptions& options)
      : BasicDataset({{stream_names[0], ModalityKind::time_series},
                      {stream_names[1], ModalityKind::time_series},
                      {stream_names[2], ModalityKind::time_series}}),
        options_(options),
        path_(find_file(options)),
        split_(options.split == "val" ? "valid" : options.split),
        streams_(read_split()) {
    name_ = fmt::format("{}/{}", options.corpus, split_);
    if (!options.words.empty()) spoken_ = std::make_unique<SpokenWords>(options.words);
    open_streams();
    choose_rows();
    set_labels();
    fingerprint_ = fmt::format("{}-{}-{}-{}-{:016x}", options.corpus, split_, options.task, options.padding, hash());
  }

  int64_t size() const override { return std::ssize(rows_); }

  Datapoint get(int64_t index) const override {
    check_index(*this, index);
    const int64_t row = rows_[static_cast<size_t>(index)];
    const Segment segment = segment_of(row);
    const auto words = words_of(row, segment);
    Datapoint datapoint;
    datapoint.id = segment.id;
    const auto names = stream_values(row, segment, words, datapoint.values);
    const double sentiment = sentiments_[row].item<double>();
    if (options_.task == "regression")
      datapoint.value = sentiment;
    else
      datapoint.labels = {class_of(sentiment)};
    datapoint.annotations = {{"sentiment", sentiment}};
    if (!words.empty()) datapoint.annotations["words"] = names;
    if (segment.begin && segment.end) datapoint.annotations["seconds"] = {*segment.begin, *segment.end};
    return datapoint;
  }

 private:
  std::string where(const std::string& key) const { return fmt::format("'{}': '{}'", path_, key); }

  Pickle read_split() const {
    const Pickle file = load_pickle(path_);
    return file.at(split_, fmt::format("'{}'", path_));
  }

  void open_streams() {
    for (size_t s = 0; s < stream_names.size(); ++s) {
      const std::string place = where(stream_names[s]);
      arrays_.push_back(streams_.at(stream_names[s], place));
      const auto shape = arrays_.back().shape(place);
      check(shape.size() == 3 && shape[0] > 0 && shape[1] > 0 && shape[2] > 0, "{} must be [N, T, F], it is [{}]",
            place, fmt::join(shape, ", "));
      check(s == 0 || shape[0] == count_, "{} has {} segments and 'text' has {}", place, shape[0], count_);
      count_ = shape[0];
      lengths_.push_back(shape[1]);
      features_.push_back(s == 0 ? FeatureNames{} : s == 1 ? audio_features(shape[2]) : vision_features(shape[2]));
    }
    aligned_ = lengths_[0] == lengths_[1] && lengths_[1] == lengths_[2];
    const std::string place = where("labels");
    const at::Tensor labels = streams_.at("labels", place).tensor(place).to(at::kDouble);
    check(labels.dim() >= 1 && labels.size(0) == count_ && labels.numel() >= count_,
          "{} must have a sentiment for each of {} segments, it is [{}]", place, count_,
          fmt::join(labels.sizes(), ", "));
    sentiments_ = labels.reshape({count_, -1}).select(1, 0).contiguous();
    check(at::isfinite(sentiments_).all().item<bool>(), "{} holds a number that is not finite", place);
    if (const auto ids = streams_.find("id")) {
      ids_ = *ids;
      columns_ = count_ > 0 ? static_cast<int64_t>(ids_->size()) / count_ : 0;
      check(columns_ > 0 && static_cast<int64_t>(ids_->size()) == columns_ * count_, "{} does not name {} segments",
            where("id"), count_);
    }
    for (const char* key : {"words", "raw_text"})
      if (const auto found = streams_.find(key); found && static_cast<int64_t>(found->size()) == count_) {
        texts_ = *found;
        break;
      }
  }

  // MultiBench leaves out segments without text, "nonzero" those without sentiment.
  void choose_rows() {
    const bool drop = std::filesystem::path(path_).filename().string().find("_raw") != std::string::npos;
    const std::string place = where(stream_names[0]);
    Progress progress("opening " + name_, count_);
    constexpr int64_t block = 256;
    for (int64_t begin = 0; begin < count_; begin += block) {
      throw_if_cancelled();
      const int64_t end = std::min(begin + block, count_);
      at::Tensor keep = at::ones({end - begin}, at::kBool);
      if (drop) keep = arrays_[0].rows(begin, end, place).flatten(1).ne(0).any(1);
      if (options_.task == "nonzero") keep = keep.logical_and(sentiments_.slice(0, begin, end).ne(0));
      for (int64_t i = 0; i < end - begin; ++i)
        if (keep[i].item<bool>()) rows_.push_back(begin + i);
      progress.advance(end - begin);
    }
    check(!rows_.empty(), "{} has no segments that can be used", where(split_));
  }

  void set_labels() {
    const std::string& task = options_.task;
    if (task == "non-negative") labels_ = {"negative", "non-negative"};
    if (task == "positive") labels_ = {"not positive", "positive"};
    if (task == "nonzero") labels_ = {"negative", "positive"};
    if (task == "seven") labels_ = {"-3", "-2", "-1", "0", "1", "2", "3"};
    if (task != "bins") return;
    const auto& bins = options_.bins;
    labels_.push_back(fmt::format("below {:g}", bins[0]));
    for (size_t b = 1; b < bins.size(); ++b) labels_.push_back(fmt::format("{:g} to {:g}", bins[b - 1], bins[b]));
    labels_.push_back(fmt::format("{:g} and above", bins.back()));
  }

  int64_t class_of(double sentiment) const {
    if (options_.task == "non-negative") return sentiment >= 0;
    if (options_.task == "seven") return std::lrint(std::clamp(sentiment, -3.0, 3.0)) + 3;  // ties to even, as NumPy
    if (options_.task == "bins")
      return std::upper_bound(options_.bins.begin(), options_.bins.end(), sentiment) - options_.bins.begin();
    return sentiment > 0;
  }

  // MulT: video, begin and end. MultiBench: the segment, "03bSnISJMiM[5]".
  Segment segment_of(int64_t row) const {
    if (!ids_) return {fmt::format("{}:{}", split_, row + 1), "", {}, {}};
    auto part = [&](int64_t column) {
      const Pickle value = (*ids_)[static_cast<size_t>(row * columns_ + column)];
      const Pickle inner = value.size() == 1 ? value[0] : value;
      if (inner.is(PickleKind::integer) || inner.is(PickleKind::real))
        return fmt::format("{:g}", inner.number(where("id")));
      return inner.text(where("id"));
    };
    Segment segment;
    segment.video = segment.id = part(0);
    if (const size_t bracket = segment.video.find('['); bracket != std::string::npos) segment.video.resize(bracket);
    if (columns_ < 3) return segment;
    auto seconds = [&](int64_t column) -> std::optional<double> {
      const std::string text = part(column);
      char* end = nullptr;
      const double value = std::strtod(text.c_str(), &end);
      return text.empty() || *end != '\0' || !std::isfinite(value) ? std::nullopt : std::optional(value);
    };
    segment.begin = seconds(1);
    segment.end = seconds(2);
    segment.id = fmt::format("{}[{}-{}]", segment.video, part(1), part(2));
    return segment;
  }

  std::vector<SpokenWord> words_of(int64_t row, const Segment& segment) const {
    if (spoken_) return spoken_->find(segment.id, segment.video, segment.begin, segment.end);
    if (!texts_) return {};
    const Pickle entry = (*texts_)[static_cast<size_t>(row)];
    std::vector<SpokenWord> words;
    auto add = [&](const std::string& text) {
      for (size_t begin = 0, end; begin < text.size(); begin = end + 1) {
        end = std::min(text.find(' ', begin), text.size());
        if (end > begin && text.compare(begin, end - begin, "sp") != 0)
          words.push_back({text.substr(begin, end - begin)});
      }
    };
    if (entry.is(PickleKind::text) || entry.is(PickleKind::bytes)) {
      add(entry.text(where("words")));
    } else {
      for (size_t i = 0; i < entry.size(); ++i) add(entry[i].text(where("words")));
    }
    return words;
  }

  // Reads the three streams into `values`; returns the words that name the text's frames, none when they do not fit.
  std::vector<std::string> stream_values(int64_t row, const Segment& segment, const std::vector<SpokenWord>& words,
                                         std::vector<Value>& values) const {
    std::vector<std::string> names;
    std::pair<int64_t, int64_t> shared;
    for (size_t s = 0; s < stream_names.size(); ++s) {
      const std::string place = where(stream_names[s]);
      at::Tensor frames = arrays_[s].rows(row, row + 1, place)[0].to(at::kFloat);
      frames = at::where(at::isfinite(frames), frames, 0.0f);
      const auto own = real_frames(frames);
      if (s == 0) {
        shared = own;
        for (const SpokenWord& word : words) names.push_back(word.word);
        const int64_t spoken = shared.second - shared.first;
        if (std::ssize(names) > spoken && spoken == frames.size(0)) names.resize(static_cast<size_t>(spoken));
        if (std::ssize(names) != spoken) names.clear();
      }
      const auto [begin, end] = aligned_ ? shared : own;
      TimeSeries series{frames.slice(0, begin, end).clone(), features_[s].channels, features_[s].groups, {}};
      if (aligned_ || s == 0)
        series.frame_names = names;
      else if (segment.begin && segment.end && *segment.end > *segment.begin)
        series.frame_names = times(end - begin, segment, words);
      if (options_.padding) pad(series, frames, begin, end);
      values.push_back(std::move(series));
    }
    return names;
  }

  static void pad(TimeSeries& series, const at::Tensor& frames, int64_t begin, int64_t end) {
    series.frames = frames.clone();
    if (series.frame_names.empty()) return;
    std::vector<std::string> names(static_cast<size_t>(begin), "padding");
    names.insert(names.end(), series.frame_names.begin(), series.frame_names.end());
    names.insert(names.end(), static_cast<size_t>(frames.size(0) - end), "padding");
    series.frame_names = std::move(names);
  }

  // "1.25 s good": frames spread evenly over the segment, and the word spoken then.
  static std::vector<std::string> times(int64_t frames, const Segment& segment, const std::vector<SpokenWord>& words) {
    std::vector<std::string> names;
    const double length = *segment.end - *segment.begin;
    for (int64_t t = 0; t < frames; ++t) {
      const double at = (static_cast<double>(t) + 0.5) / static_cast<double>(frames) * length;
      names.push_back(fmt::format("{:.2f} s", at));
      for (const SpokenWord& word : words)
        if (word.begin <= at + *segment.begin && at + *segment.begin < word.end) {
          names.back() += " " + word.word;
          break;
        }
    }
    return names;
  }

  uint64_t hash() const {
    uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a
    auto add = [&](std::string_view bytes) {
      for (char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    };
    add({static_cast<const char*>(sentiments_.const_data_ptr()), sentiments_.nbytes()});
    add(fmt::format("{} {} {} {}", std::filesystem::file_size(path_), fmt::join(lengths_, " "),
                    fmt::join(options_.bins, " "), options_.words));
    return hash;
  }

  SentimentOptions options_;
  std::string path_, split_;
  Pickle streams_;
  std::vector<Pickle> arrays_;
  std::vector<FeatureNames> features_;
  std::vector<int64_t> lengths_, rows_;
  int64_t count_ = 0, columns_ = 0;
  bool aligned_ = true;
  at::Tensor sentiments_;  // float64 [N]
  std::optional<Pickle> ids_, texts_;
  std::unique_ptr<SpokenWords> spoken_;
};

void choose(const char* option, const std::string& given, const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), given) == known.end())
    fail("{} cannot be '{}'{}", option, given, suggestion(given, known));
}

}  // namespace

DatasetPtr open_sentiment(const SentimentOptions& options) {
  choose("corpus", options.corpus, {"mosei", "mosi"});
  choose("split", options.split, {"train", "valid", "val", "test"});
  choose("task", options.task, {"regression", "non-negative", "positive", "nonzero", "seven", "bins"});
  check(options.bins.empty() == (options.task != "bins"), "bins and task = \"bins\" go together");
  check(std::is_sorted(options.bins.begin(), options.bins.end(), std::less_equal<>()), "bins must rise");
  return std::make_shared<Sentiment>(options);
}

}  // namespace multiviz
