#include <fmt/format.h>

#include "data/sentiment.h"

namespace multiviz {
namespace {

using Names = std::vector<std::string>;

void number(Names& names, const char* format, int first, int last) {
  for (int i = first; i <= last; ++i) names.push_back(fmt::format(fmt::runtime(format), i));
}

// The dimension names of CMU_MOSEI_COVAREP.csd; the groups are those of the MultiViz paper's figures.
FeatureNames covarep() {
  Names names = {"F0", "VUV", "NAQ", "QOQ", "H1H2", "PSP", "MDQ", "peakSlope", "Rd", "Rd_conf", "creak"};
  number(names, "MCEP_{}", 0, 24);
  number(names, "HMPDM_{}", 0, 24);
  number(names, "HMPDD_{}", 0, 12);
  return {names, {{"pitch", 0, 1}, {"glottal", 1, 11}, {"amplitude", 11, 36}, {"phase", 36, 74}}};
}

// The five of them that MOSI's authors chose: 1, 3, 6, 25 and 60 (CMU-MultimodalSDK issue 172).
FeatureNames covarep_of_mosi() {
  return {{"VUV", "QOQ", "MDQ", "MCEP_14", "HMPDM_24"}, {{"glottal", 0, 3}, {"amplitude", 3, 4}, {"phase", 4, 5}}};
}

// FACET 4.2 (CMU-MultimodalSDK issue 239), in the groups of the MultiViz paper's figures.
FeatureNames facet() {
  return {
      {"Anger",       "Contempt", "Disgust", "Joy",         "Fear",    "Baseline", "Sadness", "Surprise", "Confusion",
       "Frustration", "AU1",      "AU2",     "AU4",         "AU5",     "AU6",      "AU7",     "AU9",      "AU10",
       "AU12",        "AU14",     "AU15",    "AU17",        "AU18",    "AU20",     "AU23",    "AU24",     "AU25",
       "AU26",        "AU28",     "AU43",    "Has_Glasses", "Is_Male", "Pitch",    "Yaw",     "Roll"},
      {{"face emotion", 0, 10},
       {"brow", 10, 13},
       {"eye", 13, 16},
       {"nose", 16, 17},
       {"lip", 17, 21},
       {"chin", 21, 22},
       {"lip", 22, 27},
       {"chin", 27, 28},
       {"lip", 28, 29},
       {"eye", 29, 30},
       {"others", 30, 32},
       {"head movement", 32, 35}}};
}

// The twenty features of FACET 4.1 that MOSI's authors chose (CMU-MultimodalSDK issue 172).
FeatureNames facet_of_mosi() {
  return {{"Frametime",
           "Face Y",
           "Anger",
           "Negative",
           "Neutral",
           "Positive",
           "Surprise",
           "Anger intensity",
           "Joy intensity",
           "Fear intensity",
           "Negative intensity",
           "Positive intensity",
           "Sadness intensity",
           "AU1",
           "AU2",
           "AU4",
           "AU5",
           "AU10",
           "AU12",
           "AU17"},
          {{"others", 0, 1},
           {"head movement", 1, 2},
           {"face emotion", 2, 13},
           {"brow", 13, 16},
           {"eye", 16, 17},
           {"lip", 17, 19},
           {"chin", 19, 20}}};
}

// The columns that OpenFace 2 writes, after the number of the frame.
FeatureNames openface() {
  Names names = {"face_id", "timestamp", "confidence", "success"};
  std::vector<ChannelGroup> groups;
  auto group = [&, begin = int64_t{0}](const char* name) mutable {
    groups.push_back({name, begin, std::ssize(names)});
    begin = std::ssize(names);
  };
  group("tracking");
  for (int eye = 0; eye < 2; ++eye)
    for (char axis : {'x', 'y', 'z'}) names.push_back(fmt::format("gaze_{}_{}", eye, axis));
  names.insert(names.end(), {"gaze_angle_x", "gaze_angle_y"});
  group("gaze");
  for (const char* axis : {"x", "y", "X", "Y", "Z"})
    for (int i = 0; i < 56; ++i) names.push_back(fmt::format("eye_lmk_{}_{}", axis, i));
  group("eye landmarks");
  for (const char* pose : {"Tx", "Ty", "Tz", "Rx", "Ry", "Rz"}) names.push_back(fmt::format("pose_{}", pose));
  group("head pose");
  for (const char* axis : {"x", "y", "X", "Y", "Z"})
    for (int i = 0; i < 68; ++i) names.push_back(fmt::format("{}_{}", axis, i));
  group("face landmarks");
  names.insert(names.end(), {"p_scale", "p_rx", "p_ry", "p_rz", "p_tx", "p_ty"});
  number(names, "p_{}", 0, 33);
  group("face shape");
  static constexpr int units[] = {1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45};
  for (int unit : units) names.push_back(fmt::format("AU{:02}_r", unit));
  for (int unit : units) {
    names.push_back(fmt::format("AU{:02}_c", unit));
    if (unit == 26) names.push_back("AU28_c");
  }
  group("action units");
  return {names, groups};
}

}  // namespace

FeatureNames audio_features(int64_t width) {
  for (const FeatureNames& known : {covarep(), covarep_of_mosi()})
    if (std::ssize(known.channels) == width) return known;
  return {};
}

FeatureNames vision_features(int64_t width) {
  for (const FeatureNames& known : {facet(), facet_of_mosi(), openface()})
    if (std::ssize(known.channels) == width) return known;
  return {};
}

}  // namespace multiviz
