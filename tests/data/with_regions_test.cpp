#include "data/with_regions.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "data/basic_dataset.h"
#include "data/region_store.h"
#include "io/file.h"
#include "io/npy.h"
#include "tests/scratch.h"

using namespace multiviz;

namespace {

const std::string folder = "tests/fixtures/regions/";  // its make_regions.py says what the numbers are

// Two questions about the image 42 and one about the image 137, with the image itself or without.
class Questions : public BasicDataset {
 public:
  explicit Questions(bool pictures = true, int64_t first = 42) : BasicDataset({}, {"yes", "no"}), first_(first) {
    name_ = fingerprint_ = "questions";
    if (pictures) modalities_.push_back({"image", ModalityKind::image});
    modalities_.push_back({"question", ModalityKind::text});
  }
  int64_t size() const override { return 3; }
  Datapoint get(int64_t index) const override {
    Datapoint out;
    out.id = fmt::format("question {}", index);
    if (modalities_.size() == 2) out.values.push_back(Image{at::zeros({30, 40, 3}, at::kByte)});
    out.values.push_back(Text{"what is it"});
    out.annotations = {{"image_id", index < 2 ? first_ : 137}};
    out.annotations["file"] = index < 2 ? "val/COCO_val2014_000000000042.jpg" : "COCO_val2014_000000000137.jpg";
    return out;
  }

 private:
  int64_t first_;
};

RegionOptions from(const std::string& path, const std::string& objects = "", const std::string& attributes = "",
                   const std::string& key = "") {
  RegionOptions out;
  out.path = path, out.objects = objects, out.attributes = attributes, out.key = key;
  return out;
}

DatasetPtr opened(RegionOptions options, bool pictures = true) {
  options.path = folder + options.path;
  return with_regions(std::make_shared<Questions>(pictures), options);
}

std::string refusal(const std::string& path, const std::string& image = "42") {
  return error_of([&] { open_region_store(path)->find(image); });
}

}  // namespace

TEST_CASE("regions of images meet the data set's datapoints, whatever file they come from") {
  auto r = at::arange(3, at::kFloat).unsqueeze(1), c = at::arange(20, at::kFloat).unsqueeze(0);
  auto boxes = at::tensor({0., 0., .5, .5, .25, .25, .75, .75, .1, .1, .2, .2}, at::kFloat).view({3, 4});
  for (const char* file : {"regions.tsv", "short.tsv", "header.tsv", "rows.npz", "npz", "groups.h5", "rows.h5"}) {
    CAPTURE(file);
    auto data = opened(from(file));
    REQUIRE(data->size() == 3);
    REQUIRE(data->modalities().size() == 3);
    CHECK(data->modalities()[2].name == "objects");
    for (int64_t i : {1, 2}) {
      auto x = data->get(i);
      const auto& series = std::get<TimeSeries>(x.values.at(2));
      CHECK(at::allclose(series.frames, at::cat({(i - 1) + r / 10 + c / 100, boxes}, 1), 1e-6, 1e-6));
      REQUIRE(x.regions.size() == 3);
      // In pixels of the datapoint's own image, which is 40 x 30 though the detector saw 80 x 60.
      CHECK(x.regions[1].box.x0 == doctest::Approx(10));
      CHECK(x.regions[1].box.y1 == doctest::Approx(22.5));
      CHECK(series.frame_names[1] == x.regions[1].name);
    }
  }
}

TEST_CASE("regions are called as the detector's lists say") {
  auto names = [](const RegionOptions& options) {
    auto x = opened(options)->get(0);
    return std::get<TimeSeries>(x.values.at(2)).frame_names;
  };
  using Names = std::vector<std::string>;
  auto objects = folder + "objects.txt", attributes = folder + "attributes.txt";
  CHECK(names(from("regions.tsv", objects, attributes)) == Names{"blue car", "tall dog", "blue red panda"});
  CHECK(names(from("groups.h5", objects)) == Names{"car", "dog", "red panda"});
  CHECK(names(from("rows.npz")) == Names{"object 2", "object 0", "object 1"});
  CHECK(names(from("short.tsv", objects)) == Names{"region 1", "region 2", "region 3"});
  CHECK(error_of([&] { names(from("regions.tsv", attributes)); }) == has("the number 2, and"));
  CHECK(error_of([&] { names(from("regions.tsv", folder + "none.txt")); }) == has("none.txt"));
}

TEST_CASE("images are found by number, by name, and by another annotation") {
  auto x = opened(from("regions.tsv", "", "", "file"))->get(2);
  CHECK(std::get<TimeSeries>(x.values.at(2)).frames[0][0].item<float>() == 1);
  auto store = open_region_store(folder + "short.tsv");
  CHECK(store->find("COCO_val2014_000000000137").has_value());
  CHECK(store->find("137").has_value());
  CHECK(!store->find("138").has_value());
  CHECK(!open_region_store(folder + "regions.tsv")->find("COCO_train2014_000000000137").has_value());
  CHECK(error_of([&] { opened(from("regions.tsv", "", "", "fil"))->get(0); }) == has("did you mean 'file'?"));
  CHECK(error_of([&] { opened(from("regions.tsv", "", "", "id"))->get(0); }) == has("'question 0'"));
}

TEST_CASE("without an image, boxes are in pixels of the one that the detector saw") {
  auto x = opened(from("regions.tsv"), false)->get(0);
  CHECK(x.regions.at(0).box.x1 == 40);
  CHECK(x.regions.at(0).box.y1 == 30);
  CHECK(x.picture.width == 80);
  CHECK(x.picture.height == 60);
  CHECK(opened(from("regions.tsv"))->get(0).picture.height == 0);      // the image says it
  CHECK(opened(from("rows.npz"), false)->get(0).picture.height == 0);  // boxes in parts of the image, and no size
}

TEST_CASE("datapoints without regions are told or left out") {
  auto missing = std::make_shared<Questions>(true, 7);
  auto options = from(folder + "regions.tsv");
  CHECK(error_of([&] { with_regions(missing, options)->get(0); }) == has("has no regions of the image '7'"));
  options.on_error = OnError::skip;
  auto data = with_regions(missing, options);
  CHECK(data->size() == 1);
  CHECK(data->skipped().count == 2);
  CHECK(error_of([&] { with_regions(with_regions(missing, options), options); }) == has("'objects' of its own"));
}

TEST_CASE("damaged files of regions are refused with their place") {
  Scratch scratch;
  auto tsv = [&](const std::string& text) {
    write_file(scratch / "a.tsv", text);
    return refusal(scratch / "a.tsv");
  };
  CHECK(tsv("") == has("is empty"));
  CHECK(tsv("no tab here\n") == has("a.tsv:1: the line does not begin"));
  CHECK(tsv("42\t80\t60\t1\t\t\n") == has("not the numbers of 1 boxes"));
  CHECK(tsv("42\t80\t60\t0\tAAAA\tAAAA\n") == has("num_boxes is 0"));
  CHECK(tsv("42\t80\t60\tmany\tAAAA\tAAAA\n") == has("num_boxes is 'many', not an integer"));
  CHECK(tsv("42\t80\t60\t1\tAAA\tAAAAAA==\n") == has("cut short"));
  CHECK(tsv("42\t80\t60\t1\tA*AA\tAAAAAA==\n") == has("has the character '*'"));
  CHECK(tsv("42\t80\t60\t1\tAAAAAA==\tAAAAAA==\n") == has("a box has 1 numbers, not 4"));
  CHECK(tsv("42\t80\n42\t81\n") == has("twice"));
  CHECK(tsv("42\t80\t60\n") == has("there are 3 columns"));
  CHECK(tsv("img_id\tboxes\n") == has("there is no column 'num_boxes'"));
  CHECK(refusal(folder + "objects.txt") == has("they are read from .tsv, .npz and .h5 files"));
  CHECK(refusal(folder + "none.h5") == has("there is no file or folder"));
  CHECK(refusal(scratch.folder().string()) == has("has no .npz files"));
  write_file(scratch / "a.npz", read_file(folder + "rows.npz").substr(0, 900));
  CHECK(refusal(scratch / "a.npz") == has("truncated"));
  auto packed = read_file(folder + "npz/COCO_val2014_000000000042.npz");
  packed[packed.find("x.npy") + 40] ^= 0x55;
  write_file(scratch / "b.npz", packed);
  CHECK(!error_of([&] { load_npz(scratch / "b.npz"); }).empty());
}
