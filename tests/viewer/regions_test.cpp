#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "present/sample_page.h"
#include "viewer/explanation_view.h"

using namespace multiviz;

namespace {

// The sample's weights of four regions: 0.5, -0.25, 0 and 1.
struct Sample {
  Page page = test::sample_region_page();
  const Attribution& objects = page.explanations[0].attributions[0];
  RegionDrawing drawing = *draw_regions(objects, page.example.datapoint.values[0], page.example.datapoint);
  HeatmapRange range = range_of(objects.weights);
  HeatSettings settings;

  std::vector<ColoredBox> boxes() const { return colored_boxes(objects, drawing, settings, range, 2); }
};

}  // namespace

TEST_CASE("viewer: boxes of regions have the report's colours and order") {
  Sample sample;
  auto boxes = sample.boxes();
  REQUIRE(boxes.size() == 4);
  CHECK(boxes[3].part == 3);
  CHECK(boxes[3].color == Colormap::diverging().at(1));
  CHECK(boxes[3].strength == 1);
  CHECK(boxes[3].mark == "1");
  CHECK(boxes[3].text == "highlight\nweight 1");
  CHECK(boxes[2].mark == "2");
  CHECK(boxes[1].mark.empty());
  CHECK(boxes[1].color == color_of(-0.25, sample.range));
  CHECK(boxes[0].color == Colormap::diverging().at(0.5));
  CHECK(boxes[2].box.x1 == 60);
}

TEST_CASE("viewer: signs, a threshold and a colour map choose the boxes as they choose pixels") {
  Sample sample;
  auto parts = [&] {
    std::vector<int64_t> out;
    for (const auto& box : sample.boxes()) out.push_back(box.part);
    return out;
  };
  sample.settings.sign = HeatSettings::Sign::negative;
  CHECK(parts() == std::vector<int64_t>{2, 1});
  sample.settings.sign = HeatSettings::Sign::both;
  sample.settings.threshold = 0.4F;
  CHECK(parts() == std::vector<int64_t>{2, 0, 3});
  sample.settings.map = HeatSettings::Map::grey;
  CHECK(sample.boxes().back().color == Color{255, 255, 255});
}

TEST_CASE("viewer: the smallest box under the mouse is meant") {
  Sample sample;
  auto content = region_content(sample.objects, sample.drawing, sample.settings, sample.range);
  CHECK(content.image.is_same(sample.page.example.datapoint.picture.pixels));
  auto part = [&](double x, double y) {
    auto* box = box_under(content, {x, y});
    return box ? box->part : -1;
  };
  CHECK(part(30, 30) == 3);
  CHECK(part(12, 10) == 0);
  CHECK(part(100, 50) == 1);
  CHECK(part(5, 90) == 2);
  CHECK(part(128, 50) == -1);
}
