#pragma once
#include <string>
#include <vector>

#include "data/dataset.h"

namespace multiviz {

struct MmimdbOptions {
  // The folder with multimodal_imdb.hdf5 and metadata.npy, or with split.json and dataset/*.json, *.jpeg; or the path
  // of the HDF5 file.
  std::string root;
  std::string split = "train";    // "train", "dev" (also called "val") or "test"
  std::string poster = "pixels";  // "pixels", or "vgg": the 4,096 features of the HDF5 file, a table
  std::string plot = "words";     // "words", or "word2vec": the mean of the words' 300 features, a table
};

// The 23 genres in the authors' order, by how many films have them.
const std::vector<std::string>& mmimdb_genres();

// MM-IMDb (Arevalo et al. 2017): the poster and the plot of a film, and which of 23 genres it belongs to (multi-label).
// Modalities "poster" and "plot". The HDF5 file's posters are those of the authors' preprocessing, 160 x 256, with the
// mean that they subtracted added again; its plots are lower case, with N for numbers and _UNK_ for unknown words. A
// folder's posters and plots are as they were published; of several plots it is the longest, as the authors choose.
// Throws Error naming the file that is missing and the layout expected.
DatasetPtr open_mmimdb(const MmimdbOptions& options);

// The two layouts, each in its own file; open_mmimdb chooses.
DatasetPtr open_mmimdb_hdf5(const std::string& path, const MmimdbOptions& options);
DatasetPtr open_mmimdb_folder(const std::string& root, const MmimdbOptions& options);

}  // namespace multiviz
