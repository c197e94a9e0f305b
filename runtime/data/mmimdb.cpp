#include "data/mmimdb.h"

#include <algorithm>
#include <filesystem>

#include "core/error.h"
#include "core/suggest.h"

namespace multiviz {

const std::vector<std::string>& mmimdb_genres() {
  static const std::vector<std::string> genres = {
      "Drama",       "Comedy",    "Romance", "Thriller", "Crime",  "Action",    "Adventure", "Horror",
      "Documentary", "Mystery",   "Sci-Fi",  "Fantasy",  "Family", "Biography", "War",       "History",
      "Music",       "Animation", "Musical", "Western",  "Sport",  "Short",     "Film-Noir"};
  return genres;
}

DatasetPtr open_mmimdb(const MmimdbOptions& options) {
  namespace fs = std::filesystem;
  auto choose = [](const char* option, const std::string& given, std::vector<std::string> known) {
    if (std::find(known.begin(), known.end(), given) == known.end())
      fail("mmimdb: {} cannot be '{}'{}", option, given, suggestion(given, known));
  };
  choose("split", options.split, {"train", "dev", "val", "test"});
  choose("poster", options.poster, {"pixels", "vgg"});
  choose("plot", options.plot, {"words", "word2vec"});
  const fs::path root(options.root);
  std::error_code ignored;
  if (fs::is_regular_file(root, ignored)) return open_mmimdb_hdf5(root.string(), options);
  if (fs::exists(root / "multimodal_imdb.hdf5", ignored))
    return open_mmimdb_hdf5((root / "multimodal_imdb.hdf5").string(), options);
  for (const fs::path& folder : {root, root / "mmimdb"})
    if (fs::exists(folder / "split.json", ignored)) return open_mmimdb_folder(folder.string(), options);
  fail(
      "there is neither '{0}/multimodal_imdb.hdf5' nor '{0}/split.json': give as root the folder with "
      "multimodal_imdb.hdf5 and metadata.npy, or the unpacked mmimdb.tar.gz with split.json and dataset/*.json, "
      "*.jpeg; "
      "see https://github.com/johnarevalo/gmu-mmimdb",
      options.root);
}

}  // namespace multiviz
