#pragma once
#include <optional>
#include <span>
#include <vector>

#include "models/model.h"

namespace multiviz {

// What a model found in an image, and which words of the text it means.
struct Detection {
  Box box;                         // in pixels of the original image
  double score = 0;                // the probability that there is something
  std::optional<double> referred;  // the probability that the text asks for it, of models that say so
  std::vector<double> words;       // the share of each word of the text; the rest is "nothing" and special tokens
};

// What models that detect can do beside Model.
class Detector {
 public:
  virtual ~Detector() = default;
  // One list for each row of the leaves, best first, of what has at least this score.
  virtual std::vector<std::vector<Detection>> detect(std::span<const Leaf> leaves, double threshold) const = 0;
};

}  // namespace multiviz
