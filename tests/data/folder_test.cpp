#include "data/folder.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "io/file.h"
#include "io/image.h"
#include "io/npy.h"
#include "tests/scratch.h"

using namespace multiviz;

namespace {

const Field picture{{"image", ModalityKind::image}, "image", {}};
const Field caption{{"caption", ModalityKind::text}, "caption", {}};
const Field audio{{"audio", ModalityKind::time_series}, "audio", {}};
const Field video{{"video", ModalityKind::time_series}, "video", {}};

struct Folder : Scratch {
  Folder() {
    for (const char* name : {"cat/1", "cat/2", "dog/10"}) {
      make_folder((folder() / name).parent_path().string());
      save_png(*this / (std::string(name) + ".PNG"), at::full({2, 3, 3}, 7, at::kByte));
      write_file(*this / (std::string(name) + ".txt"), std::string("this is ") + name);
    }
    write_file(*this / "README", "no extension");
    write_file(*this / ".hidden.txt", "not ours");
  }
  DatasetPtr open(std::vector<Field> fields, const std::string& label = "folder",
                  OnError on_error = OnError::fail) const {
    RecordOptions options;
    options.root = folder().string();
    options.fields = std::move(fields);
    options.label = label;
    options.on_error = on_error;
    return open_folder(options);
  }
};

}  // namespace

TEST_CASE("files that share a name are a datapoint, and its folder is the label") {
  Folder folder;
  DatasetPtr data = folder.open({picture, caption});
  REQUIRE(data->size() == 3);
  CHECK(data->labels() == std::vector<std::string>{"cat", "dog"});
  Datapoint last = data->get(2);
  CHECK(last.id == "dog/10");
  CHECK(last.labels == std::vector<int64_t>{1});
  CHECK(std::get<Image>(last.values[0]).pixels.size(1) == 3);
  CHECK(std::get<Text>(last.values[1]).string == "this is dog/10");
  CHECK(folder.open({caption}, "")->labels().empty());
}

TEST_CASE("two modalities of a kind have their names in the files'") {
  Folder folder;
  for (const char* name : {"a.audio", "a.video", "b.audio", "b.video"})
    save_npy(folder / (std::string("cat/") + name + ".npy"), at::ones({4, 2}));
  DatasetPtr data = folder.open({audio, video}, "");
  REQUIRE(data->size() == 2);
  CHECK(data->get(0).id == "cat/a");
  CHECK(std::get<TimeSeries>(data->get(1).values[1]).frames.size(0) == 4);
}

TEST_CASE("folder: a file that is missing, two for one modality, no folder, no label") {
  Folder folder;
  write_file(folder / "cat/3.txt", "no picture");
  CHECK(error_of([&] {
          folder.open({picture, caption});
        }) == has("cat/3: there is no file for 'image': NAME.jpg or .jpeg"));
  DatasetPtr data = folder.open({picture, caption}, "folder", OnError::skip);
  CHECK(data->size() == 3);
  CHECK(data->skipped().count == 1);
  write_file(folder / "top.txt", "in no folder");
  CHECK(error_of([&] { folder.open({caption}); }) == has("it is in no folder below root"));
  CHECK(error_of([&] { folder.open({audio}); }) == has("no file below"));
  write_file(folder / "cat/1.jpg", "twice");
  CHECK(error_of([&] { folder.open({picture}); }) == has("are both the 'image' of one datapoint"));
  CHECK(error_of([&] { folder.open({picture}, "name"); }) == has("label must be \"folder\""));
  RecordOptions nowhere;
  nowhere.root = folder / "none";
  nowhere.fields = {picture};
  CHECK(error_of([&] { open_folder(nowhere); }) == has("there is no folder"));
}
