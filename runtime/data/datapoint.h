#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "data/value.h"

namespace multiviz {

// Pixels [x0, x1) x [y0, y1) of an image.
struct Box {
  double x0, y0, x1, y1;
};

// A part of an image that the data set describes: an object, a phrase's box.
struct Region {
  std::string name;  // "large red rubber cube"
  Box box;
  at::Tensor mask;        // bool [H, W], undefined when the data set has none
  bool referred = false;  // the question's program, or the phrase, refers to it
};

// The image that regions lie in.
struct Picture {
  int64_t height = 0, width = 0;  // in pixels; 0 when not known
  at::Tensor pixels;              // uint8 [H, W, 3]; undefined when only its size is known
};

// One example of a data set.
struct Datapoint {
  std::string id;               // the data set's own, stable across runs and splits
  std::vector<Value> values;    // one per modality of the data set, in its order
  std::vector<int64_t> labels;  // 0-based into Dataset::labels(); empty when unlabelled, several when multi-label
  std::optional<double> value;  // the regression target
  std::vector<Region> regions;  // of the first image modality, or of `picture`
  nlohmann::json annotations = nlohmann::json::object();  // whatever else the data set knows: program, question family
  Picture picture = {};  // of a datapoint with regions and without an image: features of regions, read from a file
};

// The datapoint's first image, else its `picture`.
Picture picture_of(const Datapoint& datapoint);

// The part of the region's box that lies in an image of this size. Throws Error when nothing of it does, or when it is
// not finite.
Box box_in(const Region& region, int64_t height, int64_t width);

}  // namespace multiviz
