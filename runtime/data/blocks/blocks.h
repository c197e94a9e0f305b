#pragma once
#include <cstdint>
#include <string>

#include "data/dataset.h"

namespace multiviz {

struct BlocksOptions {
  std::string split = "train";  // train, val, test: different scenes
  int64_t size = -1;            // datapoints; -1: 70,000 for train, 15,000 for val and test
  uint64_t seed = 0;
  int64_t width = 128, height = 96;  // pixels of the pictures, 16 to 2,048 each; does not change what is in them
  int64_t questions = 1;             // a scene; datapoint i is question i % questions of scene i / questions
};

// Questions about scenes of 3 to 8 simple objects, after CLEVR (Johnson et al., 2017): modalities image and question,
// its 28 answers as labels. Scenes, pictures and questions are made when asked for, from (seed, split, index) alone and
// with IEEE arithmetic only, so every machine gets the same ones; nothing is stored but the last few scenes. Each
// datapoint has a region for every object, with its visible pixels, and annotations `program` (CLEVR's form), `family`,
// `hops` and `objects`; its id ends in its 1-based index. Throws Error for an unknown split and for sizes out of range.
DatasetPtr blocks(const BlocksOptions& options = {});

}  // namespace multiviz
