#include <ATen/ATen.h>

#include <list>
#include <mutex>
#include <unordered_map>

#include "core/error.h"
#include "data/sentiment.h"
#include "io/hdf5.h"

namespace multiviz {

struct SpokenWords::State {
  explicit State(const std::string& path) : file(path) {}

  // Everything that is said in one video or segment. The last few are kept: segments of a video follow one another.
  std::vector<SpokenWord> load(const std::string& group) const {
    std::lock_guard lock(mutex);
    for (const auto& [name, words] : recent)
      if (name == group) return words;
    const std::string features = group + "/features", intervals = group + "/intervals";
    const auto shape = file.shape(features);
    check(!shape.empty(), "'{}': '{}' must be a list of words", file.path(), features);
    const auto texts = file.read_strings(features, 0, shape[0]);
    at::Tensor times;
    if (file.contains(intervals)) {
      times = file.read(intervals).to(at::kDouble);
      check(times.dim() == 2 && times.size(0) == shape[0] && times.size(1) == 2, "'{}': '{}' must be [{}, 2]",
            file.path(), intervals, shape[0]);
    }
    std::vector<SpokenWord> words;
    for (int64_t i = 0; i < std::ssize(texts); ++i) {
      if (texts[static_cast<size_t>(i)] == "sp") continue;
      const bool timed = times.defined();
      words.push_back({texts[static_cast<size_t>(i)], timed ? times[i][0].item<double>() : 0,
                       timed ? times[i][1].item<double>() : 0});
    }
    recent.emplace_front(group, words);
    if (recent.size() > 8) recent.pop_back();
    return words;
  }

  Hdf5File file;
  mutable std::mutex mutex;
  mutable std::list<std::pair<std::string, std::vector<SpokenWord>>> recent;
};

SpokenWords::SpokenWords(const std::string& path) : state_(std::make_unique<State>(path)) {
  check(state_->file.contains("words"),
        "'{}' has no 'words': give MultiBench's mosei.hdf5 or mosi.hdf5, or the SDK's CMU_MOSEI_TimestampedWords.csd",
        path);
}

SpokenWords::~SpokenWords() = default;

std::vector<SpokenWord> SpokenWords::find(const std::string& segment, const std::string& video,
                                          std::optional<double> begin, std::optional<double> end) const {
  const std::string own = "words/" + segment, whole = "words/data/" + video;
  if (state_->file.contains(own + "/features")) return state_->load(own);
  if (!begin || !end || !state_->file.contains(whole + "/features")) return {};
  std::vector<SpokenWord> inside;
  for (const SpokenWord& word : state_->load(whole)) {
    const double middle = (word.begin + word.end) / 2;
    if (middle >= *begin && middle < *end) inside.push_back(word);
  }
  return inside;
}

}  // namespace multiviz
