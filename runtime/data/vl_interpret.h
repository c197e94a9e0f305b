#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/dataset.h"

namespace multiviz {

// What a vision-language transformer did with a picture and a text, as VL-InterpreT (Aflalo et al. 2022) keeps it. T
// tokens: those of the text first, then those of the picture.
struct Recording {
  std::string id;                                  // a number
  at::Tensor image;                                // uint8 [H, W, 3]
  std::vector<std::string> tokens;                 // T
  int64_t text_length = 0;                         // how many of them are the text's
  std::vector<std::pair<int64_t, int64_t>> cells;  // x, y of each picture token in its grid, or none
  std::optional<bool> correct;                     // whether the model's prediction was right
  at::Tensor attention;                            // [L, heads, T, T]
  at::Tensor hidden_states;                        // [L + 1, T, E], before the first layer and after each
  std::map<std::string, at::Tensor> metrics;       // of its user's own: [L, heads]
};

// A database of VL-InterpreT, an LMDB folder whose values are LZ4 frames of MessagePack of pickles. Examples are read
// when asked for; pickles build data only.
class Recordings {
 public:
  explicit Recordings(const std::string& folder);
  ~Recordings();
  int64_t size() const;
  // Throws Error naming the folder and the example when it is damaged or its parts do not fit together.
  Recording get(int64_t index) const;
  const std::string& folder() const;
  const std::vector<std::string>& ids() const;  // rising

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The recording in the bytes of a database's value. `where` starts every Error.
Recording read_recording(std::string_view value, const std::string& id, const std::string& where);

// Writes a database that VL-InterpreT's VliLmdb opens; its preprocess() adds the t-SNE maps before the app can show it.
// The ids must be different numbers. Throws Error when a recording's parts do not fit together.
void save_recordings(const std::string& folder, const std::vector<Recording>& recordings);

// The pictures and texts of a database as a data set: modalities "image" and "text", whose words are the text's tokens
// without [CLS], [SEP] and [PAD]. The labels say whether the recorded model's prediction was "wrong" or "right", where
// that is known. Annotations hold it too, and the tokens and the cells.
DatasetPtr open_vl_interpret(const std::string& folder);

}  // namespace multiviz
