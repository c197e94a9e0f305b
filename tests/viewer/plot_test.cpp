#include "viewer/plot.h"

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
