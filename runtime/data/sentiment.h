#pragma once
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace multiviz {

struct SentimentOptions {
  std::string corpus = "mosei";  // "mosei" or "mosi"
  std::string root;              // the pickle, or its folder
  std::string split = "train";   // "train", "valid" (also called "val") or "test"
  bool aligned = true;           // a folder: MulT's file with every stream cut to the words, or the one without
  // "regression": the sentiment from -3 to 3. "non-negative": negative, or 0 and above (the paper's, and MOSEI's usual
  // has-0 accuracy). "positive": above 0 or not (MultiBench's). "nonzero": negative or positive, segments of 0 left
  // out. "seven": rounded, -3 to 3. "bins": classes between the numbers of `bins`.
  std::string task = "regression";
  std::vector<double> bins;  // rising; a sentiment equal to a bound belongs to the class above
  std::string words;         // an HDF5 file with the words of the segments; empty: those of the pickle, if any
  bool padding = false;      // keep the frames of zeros before and after each stream
};

// CMU-MOSEI (Zadeh et al. 2018) and CMU-MOSI (Zadeh et al. 2016): segments of speech with the sentiment that they
// express. Modalities "text" (GloVe vectors, a frame a word), "audio" (COVAREP) and "vision" (FACET or OpenFace), all
// time series [T, F] with the names of their features and groups. Reads MulT's mosei_senti_data.pkl and mosi_data.pkl
// (and *_noalign.pkl) and MultiBench's mosei_raw.pkl and mosi_raw.pkl; of the latter segments without any text are left
// out, as its get_data.py does. Numbers that are not finite become 0. Datapoints are read out of the file when asked
// for.
//
// Frames are named by the word spoken where words are known and as many as the text's frames: those of the pickle
// ("words" or "raw_text"), or of an HDF5 file in the layout of MultiBench (words/SEGMENT/features) or of the CMU
// Multimodal SDK (words/data/VIDEO/features and intervals). Streams that are not aligned to words, of segments whose
// begin and end are known, have frames named by their time, which spreads them evenly over the segment.
//
// Throws Error naming the file, or what in it is not as expected.
DatasetPtr open_sentiment(const SentimentOptions& options);

// What the F channels of a stream are called, and their groups; nothing when no extractor with so many is known.
struct FeatureNames {
  std::vector<std::string> channels;
  std::vector<ChannelGroup> groups;
};
FeatureNames audio_features(int64_t width);
FeatureNames vision_features(int64_t width);

// A word and when it is spoken, seconds of the video.
struct SpokenWord {
  std::string word;
  double begin = 0, end = 0;
};

// The words of a segment out of such an HDF5 file.
class SpokenWords {
 public:
  explicit SpokenWords(const std::string& path);
  ~SpokenWords();
  // `segment` is "03bSnISJMiM[5]" for MultiBench's layout; for the SDK's it is the video, and the words are those
  // inside [begin, end). Pauses ("sp") are left out. Empty when the file does not have the segment.
  std::vector<SpokenWord> find(const std::string& segment, const std::string& video, std::optional<double> begin,
                               std::optional<double> end) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace multiviz
