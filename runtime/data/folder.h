#pragma once
#include <string>

#include "data/records.h"

namespace multiviz {

// A data set of the user's: files below options.root. A datapoint is the files that share a path but for the
// extension, one for each modality: images (.jpg, .jpeg, .png, .bmp, .gif, .ppm, .pgm, .tga), texts
// (.txt), time series and tables (.npy). Where two modalities are of one kind, their names stand before the extension:
// "17.audio.npy" and "17.video.npy". options.label is "folder" for the name of the folder that a datapoint is in, or
// empty for no label. In order of path. A datapoint's id is its path below root without the extension.
// Throws Error for a datapoint that lacks a modality (OnError::skip leaves it out), and when there is none at all.
DatasetPtr open_folder(RecordOptions options);

}  // namespace multiviz
