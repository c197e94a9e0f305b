#pragma once
#include "data/published.h"

namespace multiviz {

struct Nlvr2Options : PublishedOptions {
  std::string images;  // the folder of pictures; empty: images/SPLIT, SPLIT or images below root
};

// NLVR2 (Suhr et al., 2019) as published: SPLIT.json with an object a line, below root or in data/ (its folders
// balanced and unbalanced: split "balanced/dev"), and pictures named after the identifier, train-10171-0-img0.png,
// those of train in numbered folders. Splits train, dev, test1, test2.
//
// Modalities left and right (images) and sentence (text); labels "False" and "True". Annotations: all other fields,
// such as synset, query, writer and validation. The id is the identifier, "dev-850-0-0".
DatasetPtr open_nlvr2(Nlvr2Options options);

}  // namespace multiviz
