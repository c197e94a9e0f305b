#include "viewer/plot.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "viewer/desktop.h"
#include "viewer/tokens.h"

using namespace multiviz;

namespace {

WindowOptions hidden() {
  WindowOptions options;
  options.visible = false;
  options.width = options.height = 400;
  options.scale = 1;
  return options;
}

// How many pixels in a part of a picture are not as its first.
int64_t drawn(const at::Tensor& pixels, int64_t x0, int64_t y0, int64_t x1, int64_t y1) {
  auto part = pixels.slice(0, y0, y1).slice(1, x0, x1);
  return part.ne(part[0][0]).any(2).sum().item<int64_t>();
}

}  // namespace

TEST_CASE("viewer: an outline drawn on a scatter chooses the points in it, once it ends") {
  Desktop desktop;
  std::vector<int64_t> chosen;
  int64_t hovered = -1;
  const std::vector<Spot> points = {{0, 0}, {0.5, 0.5}, {1, 1}};
  auto window = desktop.open(hidden(), [&](Window& w) {
    auto events = plot_scatter(w, "points", points, {}, {"low", "middle", "high"}, {300, 300, "", "", false});
    if (!events.chosen.empty()) chosen = events.chosen;
    hovered = events.hovered;
  });
  desktop.settle();
  // Around the middle of the plot, which is 300 pixels wide at (12, 12).
  const std::pair<float, float> corners[] = {{120, 110}, {240, 110}, {240, 220}, {120, 220}};
  window->post(InputEvent::move(corners[0].first, corners[0].second));
  window->post(InputEvent::button(0, true));
  for (auto [x, y] : corners) {
    window->post(InputEvent::move(x, y));
    desktop.settle();
  }
  CHECK(chosen.empty());
  window->post(InputEvent::button(0, false));
  desktop.settle();
  CHECK(chosen == std::vector<int64_t>{1});
  window->post(InputEvent::move(5, 395));
  desktop.settle();
  CHECK(hovered == -1);
}

TEST_CASE("viewer: the ink on a weight is far from its fill in lightness") {
  Desktop desktop;
  int compared = 0;
  for (bool dark : {true, false}) {
    auto options = hidden();
    options.dark = dark;
    desktop.open(options, [&](Window&) {
      for (bool is_signed : {true, false})
        for (double weight : {-1.0, -0.3, 0.0, 0.3, 1.0}) {
          auto look = weight_look(weight, {1, is_signed});
          auto lightness = [](ImU32 color) {
            auto c = ImGui::ColorConvertU32ToFloat4(color);
            return 0.2126 * c.x + 0.7152 * c.y + 0.0722 * c.z;
          };
          CHECK(std::abs(lightness(look.fill) - lightness(look.ink)) > 0.35);
          ++compared;
        }
    });
    desktop.settle();
  }
  CHECK(compared >= 20);
}

TEST_CASE("viewer: a quick outline keeps the corners that the mouse passed within one frame") {
  Desktop desktop;
  std::vector<int64_t> chosen;
  const std::vector<Spot> points = {{0, 0}, {0.5, 0.5}, {1, 1}};
  auto window = desktop.open(hidden(), [&](Window& w) {
    auto events = plot_scatter(w, "points", points, {}, {}, {300, 300, "", "", false});
    if (!events.chosen.empty()) chosen = events.chosen;
  });
  desktop.settle();
  window->post(InputEvent::move(120, 110));
  desktop.settle();
  window->post(InputEvent::button(0, true));
  for (auto [x, y] : {std::pair{240.0F, 110.0F}, {240.0F, 220.0F}, {120.0F, 220.0F}})
    window->post(InputEvent::move(x, y));
  window->post(InputEvent::button(0, false));
  desktop.settle();
  CHECK(chosen == std::vector<int64_t>{1});
}

TEST_CASE("viewer: every row and column of a matrix with small cells can be told by name") {
  constexpr int64_t rows = 40, columns = 20;
  Desktop desktop;
  std::vector<std::string> row_names, column_names;
  for (int64_t i = 0; i < rows; ++i) row_names.push_back("MMMM");
  for (int64_t j = 0; j < columns; ++j) column_names.push_back("MMMMMMMM");
  auto values = at::zeros({rows, columns}, at::kDouble);
  float line = 0, end = 0;
  auto window = desktop.open(hidden(), [&](Window& w) {
    line = ImGui::GetTextLineHeight();
    plot_matrix(w, "matrix", values, row_names, column_names, {});
    end = ImGui::GetCursorPosY();
  });
  auto pixels = desktop.capture(*window, 400, 1000, 1);
  REQUIRE(end > rows * line);
  auto bottom = static_cast<int64_t>(end) - 7;
  auto height = static_cast<double>(rows) * line, top = static_cast<double>(bottom) - height;
  for (int64_t i = 0; i < rows; ++i) {
    auto y = static_cast<int64_t>(top + height * static_cast<double>(i) / rows);
    CAPTURE(i);
    CHECK(drawn(pixels, 10, y, 50, y + static_cast<int64_t>(line)) > 20);
  }
  // Column names stand upright: taller than a line.
  CHECK(drawn(pixels, 70, 12, 388, 12 + static_cast<int64_t>(line)) > 100);
  CHECK(drawn(pixels, 70, 12 + static_cast<int64_t>(2 * line), 388, 12 + static_cast<int64_t>(3 * line)) > 100);
}

TEST_CASE("viewer: the names of lines are above them, in the height asked for") {
  Desktop desktop;
  std::vector<Series> lines;
  for (int i = 0; i < 25; ++i) lines.push_back({"a long name of line " + std::to_string(i), {0, 1}, {0, 1.0 * i}});
  float begin = 0, end = 0;
  auto window = desktop.open(hidden(), [&](Window& w) {
    begin = ImGui::GetCursorPosY();
    plot_lines(w, "lines", lines, {.height = 200, .x_label = "", .y_label = ""});
    end = ImGui::GetCursorPosY() - ImGui::GetStyle().ItemSpacing.y;
  });
  auto pixels = desktop.capture(*window, 400, 400, 1);
  CHECK(end - begin == doctest::Approx(200));
  CHECK(drawn(pixels, 12, 12, 388, 27) > 100);
}

TEST_CASE("viewer: text can be read where a bar or a slider's grab lies below it") {
  auto lightness = [](ImVec4 c) { return 0.2126 * c.x + 0.7152 * c.y + 0.0722 * c.z; };
  auto over = [](ImVec4 c, ImVec4 under) {
    auto mix = [&](float a, float b) { return a * c.w + b * (1 - c.w); };
    return ImVec4{mix(c.x, under.x), mix(c.y, under.y), mix(c.z, under.z), 1};
  };
  for (bool dark : {true, false}) {
    Desktop desktop;
    auto options = hidden();
    options.dark = dark;
    int seen = 0;
    desktop.open(options, [&](Window&) {
      const auto* colors = ImGui::GetStyle().Colors;
      for (int bar : {ImGuiCol_PlotHistogram, ImGuiCol_SliderGrab}) {
        auto below = over(colors[bar], colors[ImGuiCol_FrameBg]);
        CHECK(std::abs(lightness(colors[ImGuiCol_Text]) - lightness(below)) > 0.4);
        ++seen;
      }
    });
    desktop.settle();
    CHECK(seen >= 2);
  }
}
