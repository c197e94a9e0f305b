#include "present/region_drawing.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <limits>

#include "data/basic_dataset.h"
#include "data/resize_images.h"
#include "io/file.h"
#include "models/model.h"
#include "present/report_view.h"
#include "present/sample_page.h"
#include "tests/scratch.h"

using namespace multiviz;
using namespace multiviz::test;
using nlohmann::json;

namespace {

const double not_a_number = std::numeric_limits<double>::quiet_NaN();

std::vector<double> numbers(const Box& box) { return {box.x0, box.y0, box.x1, box.y1}; }

// The sample's datapoint, and its attribution to four regions.
struct Sample {
  Page page = sample_region_page();
  Datapoint& x = page.example.datapoint;
  Attribution& objects = page.explanations[0].attributions[0];

  const Value& series() const { return x.values[0]; }
  std::vector<PlayerBox> boxes() const { return region_boxes(objects.players, series(), x); }
};

// Both modalities of the sample and its picture as an image, which a model of regions does not read.
class WithImage : public BasicDataset {
 public:
  WithImage() : BasicDataset({{"image", ModalityKind::image}}, {"red"}) {
    for (const auto& modality : sample_region_page().modalities) modalities_.push_back(modality);
  }
  int64_t size() const override { return 1; }
  Datapoint get(int64_t) const override {
    auto x = sample_region_page().example.datapoint;
    x.values.insert(x.values.begin(), Image{x.picture.pixels});
    x.picture = {};
    return x;
  }
};

json panel_of(const Page& page, size_t explanation = 0) {
  Scratch scratch;
  ReportAssets assets(scratch / "report");
  return page_view(page, assets)["explanations"][explanation]["panels"][0];
}

}  // namespace

TEST_CASE("players of regions lie in their boxes") {
  Sample sample;
  auto boxes = sample.boxes();
  REQUIRE(boxes.size() == 4);
  for (size_t r = 0; r < 4; ++r) {
    CHECK(boxes[r].player == static_cast<int64_t>(r));
    CHECK(numbers(boxes[r].box) == numbers(sample.x.regions[r].box));
  }
  // Two frames a player.
  auto& cells = sample.objects.players.cells;
  cells = cells.view({2, 2, 4, 6}).any(1);
  sample.objects.players.names = {"a", "b"};
  boxes = sample.boxes();
  REQUIRE(boxes.size() == 4);
  CHECK(boxes[1].player == 0);
  CHECK(boxes[2].player == 1);
}

TEST_CASE("what is no region of the picture has no box") {
  SUBCASE("channels") {
    Sample sample;
    sample.objects.players.cells = at::eye(6).to(at::kBool).unsqueeze(1).expand({6, 4, 6}).contiguous();
    CHECK(sample.boxes().empty());
  }
  SUBCASE("frames that do not say where their regions are") {
    Sample sample;
    std::get<TimeSeries>(sample.x.values[0]).frames[2][5] = 0.9;
    CHECK(sample.boxes().empty());
  }
  SUBCASE("as many frames as regions are not regions for that") {
    Sample sample;
    std::get<TimeSeries>(sample.x.values[0]).frames.fill_(0.5);
    CHECK_FALSE(holds_regions(sample.series(), sample.x));
  }
  SUBCASE("another number of regions") {
    Sample sample;
    sample.x.regions.pop_back();
    CHECK(sample.boxes().empty());
  }
  SUBCASE("a picture of which nothing is known") {
    Sample sample;
    sample.x.picture = {};
    CHECK(sample.boxes().empty());
    CHECK_FALSE(panel_of(sample.page).contains("boxes"));
    CHECK(panel_of(sample.page).contains("bars"));
  }
}

TEST_CASE("the strongest region is drawn last, in its colour") {
  Sample sample;
  auto drawing = draw_regions(sample.objects, sample.series(), sample.x);
  REQUIRE(drawing);
  CHECK(drawing->picture.pixels.is_same(sample.x.picture.pixels));
  std::vector<int64_t> order;
  for (const auto& box : drawing->boxes) order.push_back(box.player);
  CHECK(order == std::vector<int64_t>{2, 1, 0, 3});
  CHECK(drawing->boxes.back().weight == 1);

  auto panel = panel_of(sample.page);
  const auto& boxes = panel["boxes"];
  REQUIRE(boxes.size() == 4);
  CHECK(boxes[3]["name"] == "highlight");
  CHECK(boxes[3]["color"] == "#b2182b");  // the ends and the middle of ColorBrewer's RdBu
  CHECK(boxes[0]["color"] == "#f7f7f7");
  CHECK(boxes[1]["color"] == "#d1e5f0");  // a quarter of the way to blue from the middle
  CHECK(boxes[2]["color"] == "#f4a582");
  CHECK(boxes[2]["strength"] == 0.5);
  // [10, 8, 60, 80] of 128 x 96 pixels, in percent.
  CHECK(boxes[2]["x"].get<double>() == doctest::Approx(7.8125));
  CHECK(boxes[2]["y"].get<double>() == doctest::Approx(8.3333));
  CHECK(boxes[2]["width"].get<double>() == doctest::Approx(39.0625));
  CHECK(boxes[2]["height"].get<double>() == doctest::Approx(75));
  CHECK(panel["top"].size() == 3);  // none for a weight of 0
  CHECK(panel["top"][0]["name"] == "highlight");
  CHECK(panel["top"][0]["at"]["x"].get<double>() == doctest::Approx(15.625));
  CHECK(panel["rest"] == 1);
  CHECK(panel["legend"]["colors"][8] == "rgba(178, 24, 43, 1.000)");
  CHECK(panel["caption"] == "Regions that raise (red) or lower (blue) the logit of red");
  CHECK(panel_of(sample.page, 2)["caption"] == "Regions that interact with “sphere” in the logit of red");
}

TEST_CASE("regions of an image follow it when it is resized") {
  WithImage data;
  auto x = resize_images(data.get(0), 48, 256);
  CHECK(numbers(region_boxes(Sample().objects.players, x.values[1], x).at(0).box) ==
        std::vector<double>{20, 4, 120, 40});
  // A model that does not read the image keeps it for its regions.
  Signature signature;
  signature.modalities = sample_region_page().modalities;
  signature.labels = {"red"};
  x.labels.clear();
  auto adapted = adapt(signature, data, x);
  REQUIRE(adapted.values.size() == 2);
  CHECK(adapted.picture.pixels.is_same(std::get<Image>(x.values[0]).pixels));
  auto drawing = draw_regions(Sample().objects, adapted.values[0], adapted);
  REQUIRE(drawing);
  CHECK(drawing->picture.width == 256);
  CHECK(numbers(drawing->boxes.back().box) == std::vector<double>{40, 10, 80, 20});
  signature.modalities = data.modalities();
  CHECK(adapt(signature, data, x).picture.height == 0);
  signature.modalities = {{"question", ModalityKind::text}};
  x.regions.clear();
  CHECK(adapt(signature, data, x).picture.height == 0);
}

TEST_CASE("a box is cut at the picture's edge, and one that cannot be drawn is an error") {
  Sample sample;
  sample.x.regions[2].box = {-0.5, 0, 128.9, 96};
  CHECK(numbers(sample.boxes().at(2).box) == std::vector<double>{0, 0, 128, 96});
  sample.x.regions[2].box = {0, not_a_number, 128, 96};
  CHECK(error_of([&] { sample.boxes(); }) == has("of 'ground' does not lie in the image of 128 x 96 pixels"));
  sample.x.regions[2].box = {0, 0, 128, 96};
  // Another image's regions: both the frames and the boxes say 140 pixels and more.
  std::get<TimeSeries>(sample.x.values[0]).frames[1].slice(0, 2).copy_(at::tensor({1.1, 0.1, 1.3, 0.2}, at::kFloat));
  sample.x.regions[1].box = {140.8, 9.6, 166.4, 19.2};
  CHECK(error_of([&] { sample.boxes(); }) == has("of 'blue sphere' does not lie in the image"));
  auto explanation = sample.page.explanations[0];
  CHECK(error_of([&] { sample.page.add(explanation); }) == has("of 'blue sphere' does not lie in the image"));
  sample.x.regions[1].box = {70, 40, std::numeric_limits<double>::infinity(), 76};
  CHECK(error_of([&] { box_in(sample.x.regions[1], 96, 128); }) == has("does not lie in the image"));
}

TEST_CASE("a page keeps the picture of its regions") {
  Sample sample;
  Scratch scratch;
  save(sample.page, scratch / "page");
  auto loaded = load_page(scratch / "page");
  CHECK(loaded.example.datapoint.picture.pixels.equal(sample.x.picture.pixels));
  CHECK(panel_of(loaded) == panel_of(sample.page));
  CHECK(panel_of(loaded, 2) == panel_of(sample.page, 2));

  // Features from files only: the frame of the size that the detector saw.
  sample.x.picture.pixels.reset();
  save(sample.page, scratch / "frame");
  loaded = load_page(scratch / "frame");
  CHECK_FALSE(loaded.example.datapoint.picture.pixels.defined());
  CHECK(loaded.example.datapoint.picture.width == 128);
  auto panel = panel_of(loaded);
  CHECK(panel["picture"] == json{{"src", nullptr}, {"width", 128}, {"height", 96}});
  CHECK(panel["boxes"].size() == 4);

  auto refused = [&](const std::string& page, const std::function<void(json&)>& edit) {
    auto document = json::parse(read_file(scratch / (page + "/page.json")));
    edit(document["example"]["datapoint"]);
    auto text = document.dump();
    save(page == "page" ? Sample().page : sample.page, scratch / "edited");
    write_file(scratch / "edited/page.json", text);
    return error_of([&] { load_page(scratch / "edited"); });
  };
  CHECK(refused("page", [](json& x) { x["picture"]["width"] = 127; }) == has("is of another size"));
  CHECK(refused("frame", [](json& x) { x["picture"]["height"] = -1; }) == has("has a size that no picture has"));
  CHECK(refused("frame", [](json& x) { x["picture"]["height"] = 1e9; }) == has("picture"));
  CHECK(refused("frame", [](json& x) { x["picture"] = {1, 2}; }) == has("picture"));
  CHECK(refused("page", [](json& x) { x["regions"][1]["box"][2] = nullptr; }) == has("does not lie in the image"));
}

TEST_CASE("the pairs of words and regions are numbered on the picture") {
  Scratch scratch;
  ReportAssets assets(scratch / "report");
  auto view = page_view(sample_region_page(), assets)["explanations"][1]["interactions"][0];
  CHECK(view["picture"]["width"] == 128);
  REQUIRE(view["picture"]["boxes"].size() == 4);
  CHECK(view["picture"]["boxes"][1]["name"] == "blue sphere");
  CHECK(view["picture"]["boxes"][1]["x"].get<double>() == doctest::Approx(54.6875));
  for (const auto& pair : view["pairs"]) CHECK(pair["at"].is_object());
}

TEST_CASE("weights of regions become weights of pixels") {
  WithImage data;
  auto x = data.get(0);
  auto made = on_image(sample_region_page().explanations[0], data.modalities(), x);
  REQUIRE(made.attributions.size() == 1);
  auto map = made.attributions[0].pixels();
  CHECK(map[30][30].item<float>() == 1);     // the highlight, which lies in the red sphere
  CHECK(map[10][12].item<float>() == 0.5F);  // the red sphere
  CHECK(map[50][80].item<float>() == -0.25F);
  CHECK(map[2][2].item<float>() == 0);
  const auto& bare = sample_region_page();
  CHECK(error_of([&] { on_image(bare.explanations[0], bare.modalities, bare.example.datapoint); }) ==
        has("has no image"));
  CHECK(error_of([&] { on_image(bare.explanations[1], data.modalities(), x); }) == has("no weights of the 4 regions"));
}
