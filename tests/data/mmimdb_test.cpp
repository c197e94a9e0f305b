#include "data/mmimdb.h"

#include <ATen/ATen.h>

#include <filesystem>

#include "io/file.h"
#include "tests/scratch.h"

using namespace multiviz;

namespace {

// Made by tests/fixtures/data/make_mmimdb.py, which says what is in them.
const std::string hdf5 = "tests/fixtures/data/mmimdb", folder = "tests/fixtures/data/mmimdb_folder";

MmimdbOptions asking(const std::string& root, const std::string& split = "train") {
  MmimdbOptions options;
  options.root = root;
  options.split = split;
  return options;
}

std::vector<std::string> genres(const Dataset& data, const Datapoint& datapoint) {
  std::vector<std::string> names;
  for (int64_t label : datapoint.labels) names.push_back(data.labels()[static_cast<size_t>(label)]);
  return names;
}

}  // namespace

TEST_CASE("MM-IMDb's HDF5 file: splits, posters as they were, plots as words, genres") {
  auto train = open_mmimdb(asking(hdf5)), dev = open_mmimdb(asking(hdf5, "val"));
  CHECK(train->size() == 40);
  CHECK(dev->size() == 4);
  CHECK(dev->name() == "mmimdb/dev");
  CHECK(open_mmimdb(asking(hdf5 + "/multimodal_imdb.hdf5", "test"))->size() == 6);
  CHECK(train->labels() == mmimdb_genres());
  CHECK(train->fingerprint() != dev->fingerprint());
  Datapoint comedy = train->get(0), crime = train->get(1);
  CHECK(comedy.id == "0000100");
  CHECK(genres(*train, comedy) == std::vector<std::string>{"Comedy", "Romance"});
  CHECK(genres(*train, crime) == std::vector<std::string>{"Drama", "Crime"});
  CHECK(std::get<Text>(crime.values[1]).string == "a detective finds a murder .");
  CHECK(std::get<Text>(comedy.values[1]).string == "the joke of a wedding _UNK_");
  const at::Tensor pixels = std::get<Image>(crime.values[0]).pixels;
  REQUIRE(pixels.sizes() == at::IntArrayRef{256, 160, 3});
  CHECK(pixels[0][0].equal(at::tensor({20, 10, 30}, at::kByte)));  // RGB, as the script painted it
  CHECK(pixels[100][50].equal(at::tensor({200, 0, 40}, at::kByte)));
  CHECK(std::get<Image>(comedy.values[0]).pixels[255][159].equal(at::tensor({240, 230, 200}, at::kByte)));
}

TEST_CASE("MM-IMDb's features are tables") {
  auto options = asking(hdf5);
  options.poster = "vgg";
  options.plot = "word2vec";
  auto data = open_mmimdb(options);
  CHECK(data->modalities()[0].kind == ModalityKind::tabular);
  Datapoint crime = data->get(1);
  const auto& vgg = std::get<Table>(crime.values[0]).columns;
  CHECK(vgg.sizes() == at::IntArrayRef{4096});
  CHECK(vgg[1].item<float>() == 5);
  CHECK(vgg[101].item<float>() == 1.5);
  CHECK(std::get<Table>(crime.values[1]).columns.size(0) == 300);
}

TEST_CASE("MM-IMDb's folder: the longest plot, the genres among the 23") {
  auto data = open_mmimdb(asking(folder));
  CHECK(data->size() == 3);
  Datapoint crime = data->get(1);
  CHECK(crime.id == "0000201");
  CHECK(std::get<Text>(crime.values[1]).string == "A detective finds a murder.");
  CHECK(genres(*data, crime) == std::vector<std::string>{"Crime"});
  CHECK(crime.annotations["title"] == "Film 1");
  CHECK(std::get<Image>(crime.values[0]).pixels.sizes() == at::IntArrayRef{48, 32, 3});
}

TEST_CASE("what is wrong with MM-IMDb's files is said") {
  Scratch scratch;
  CHECK(error_of([&] { open_mmimdb(asking(scratch.folder().string())); }) ==
        has("multimodal_imdb.hdf5 and metadata.npy"));
  CHECK(error_of([] { open_mmimdb(asking(hdf5, "trian")); }) == has("did you mean 'train'?"));
  auto options = asking(folder);
  options.poster = "vgg";
  CHECK(error_of([&] { open_mmimdb(options); }) == has("features are in multimodal_imdb.hdf5"));
  std::filesystem::copy(hdf5 + "/multimodal_imdb.hdf5", scratch / "multimodal_imdb.hdf5");
  CHECK(error_of([&] { open_mmimdb(asking(scratch.folder().string())); }) ==
        has("metadata.npy', which holds the words"));
  write_file(scratch / "metadata.npy", read_file(hdf5 + "/metadata.npy").substr(0, 200));
  CHECK(error_of([&] { open_mmimdb(asking(scratch.folder().string())); }) == has("metadata.npy"));
  std::filesystem::create_directory(scratch / "films");
  write_file(scratch / "films/split.json", R"({"train": ["7"], "dev": ["../8"]})");
  auto data = open_mmimdb(asking(scratch / "films"));
  CHECK(error_of([&] { data->get(0); }) == has("there is no 'dataset/7.json' in"));
  CHECK(error_of([&] { data->get(0); }) ==
        has("expected as split.json, dataset/0000001.json and dataset/0000001.jpeg"));
  std::filesystem::create_directory(scratch / "films/dataset");
  write_file(scratch / "films/dataset/7.json", R"({"plot": ["a"], "genres": ["Drama"]})");
  CHECK(error_of([&] { data->get(0); }) == has("dataset/7.jpeg': MM-IMDb is expected as split.json"));
  CHECK(error_of([&] { data->get(0); }) == has("https://github.com/johnarevalo/gmu-mmimdb"));
  CHECK(readable(data)->size() == 0);
  CHECK(error_of([&] { open_mmimdb(asking(scratch / "films", "dev")); }) == has("'../8' is not the number of a film"));
  CHECK(error_of([&] { open_mmimdb(asking(scratch / "films", "test")); }) == has("'test'"));
}
