#pragma once
#include <string>

#include "data/dataset.h"

namespace multiviz {

struct RegionOptions {
  std::string path;     // a file or folder of data/region_store.h
  std::string objects;  // the detector's lists of names, one a line ("objects_vocab.txt", "attributes_vocab.txt"; what
  std::string attributes;  // follows a comma is another name); empty: regions are called "object 12"
  std::string key;         // the annotation that holds the image's name, or "id"; empty: the first that there is of
                           // image_id, imageId, img_id, image, image_filename, else the id
  OnError on_error = OnError::fail;  // of datapoints whose image is not in the file
};

// `data` with one more modality, the time series "objects": a frame is a region, its features, then its box (x0, y0,
// x1, y1) / (width, height), which is what LXMERT reads. Frames are named after what the detector took them for ("red
// car"), and are the datapoint's regions, in pixels of its first image, in place of any that the data set has; without
// an image, in pixels of the one that the detector saw, whose size is the datapoint's picture. Throws Error when the
// data set has such a modality, and, for a datapoint, when its image is not in the file.
DatasetPtr with_regions(DatasetPtr data, RegionOptions options);

}  // namespace multiviz
