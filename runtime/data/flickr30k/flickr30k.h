#pragma once
#include "data/published.h"

namespace multiviz {

struct Flickr30kOptions : PublishedOptions {
  std::string images;     // the folder of pictures; empty: flickr30k-images/ below root
  int64_t negatives = 0;  // captions of other pictures of the split that each caption's picture is shown with as well
  uint64_t seed = 0;      // of the negatives
};

// Flickr30k (Young et al., 2014) with Flickr30k Entities (Plummer et al., 2017) as published: flickr30k-images/ID.jpg,
// and from the Entities repository train.txt, val.txt and test.txt, Sentences/ID.txt and Annotations/ID.xml. Without
// Sentences, captions come from results_20130124.token and have no phrases.
//
// Modalities image and caption; labels "no match" and "match", those of the retrieval models. A picture has five
// captions, each followed by `negatives` datapoints with the same picture and a caption drawn for it from the other
// pictures of the split: datapoint (5 i + c) (1 + negatives) + k is picture i, caption c, the pair itself for k = 0. The
// id is "1000092795#2" (captions from 0, as in the token file), with "-1", "-2" ... for negatives.
//
// Regions are the picture's boxes, named by their phrases; `referred` are those of the caption (of matches).
// Annotations: image, caption (from 1), phrases, each { phrase, id, types, first_word (from 1), boxes, no_box, scene }.
// With OnError::skip, pictures are left out whose sentences or annotations are damaged: all are read on opening.
DatasetPtr open_flickr30k(Flickr30kOptions options);

}  // namespace multiviz
