#include <ATen/ATen.h>
#include <imgui/imgui.h>

#include "core/cancel.h"
#include "scratch.h"
#include "viewer/desktop.h"
#include "viewer/draw.h"
#include "viewer/explanation_view.h"
#include "viewer/job.h"

using namespace multiviz;

namespace {

// Where the test needs no display: hidden windows use one only when it is there.
WindowOptions hidden() {
  WindowOptions options;
  options.visible = false;
  options.width = 300;
  options.height = 200;
  options.scale = 1;
  return options;
}

void click(Window& window, float x, float y) {
  window.post(InputEvent::move(x, y));
  window.post(InputEvent::button(0, true));
  window.post(InputEvent::button(0, false));
}

}  // namespace

TEST_CASE("viewer: a window draws after input and then rests") {
  Desktop desktop;
  int drawn = 0, pressed = 0;
  auto window = desktop.open(hidden(), [&](Window& w) {
    ++drawn;
    ImGui::SetCursorPos({20, 20});
    if (ImGui::Button(unique_label(w, "press").c_str(), {100, 40})) ++pressed;
  });
  desktop.settle();
  int before = drawn;
  CHECK(before >= 1);
  desktop.settle();
  CHECK(drawn == before);
  click(*window, 60, 40);
  desktop.settle();
  CHECK(pressed == 1);
  CHECK(drawn > before);
  before = drawn;
  for (int i = 0; i < 20; ++i) desktop.poll();
  CHECK(drawn == before);
  click(*window, 250, 150);
  desktop.settle();
  CHECK(pressed == 1);
}

TEST_CASE("viewer: a picture of a window has the size asked for and shows what is drawn") {
  Desktop desktop;
  auto window = desktop.open(hidden(), [](Window&) {
    ImGui::GetWindowDrawList()->AddRectFilled({50, 60}, {150, 160}, IM_COL32(255, 0, 0, 255));
  });
  auto pixels = desktop.capture(*window, 640, 400, 1);
  REQUIRE(pixels.sizes() == at::IntArrayRef({400, 640, 3}));
  CHECK(pixels[100][100].equal(at::tensor({255, 0, 0}, at::kByte)));
  CHECK_FALSE(pixels[100][200].equal(at::tensor({255, 0, 0}, at::kByte)));
  CHECK_FALSE(pixels[300][100].equal(at::tensor({255, 0, 0}, at::kByte)));  // not upside down
  window->set_dark(false);
  auto light = desktop.capture(*window, 64, 64, 2);
  CHECK(light[10][10].to(at::kFloat).mean().item<float>() > 200);
  CHECK(pixels[10][10].to(at::kFloat).mean().item<float>() < 60);
}

TEST_CASE("viewer: a closed window gives up what it holds, and pictures of it are refused") {
  Desktop desktop;
  auto held = std::make_shared<int>(1);
  auto window = desktop.open(hidden(), [held](Window&) {});
  CHECK(held.use_count() > 1);
  window->close();
  desktop.poll();
  CHECK(held.use_count() == 1);
  CHECK(desktop.size() == 0);
  CHECK(error_of([&] { desktop.capture(*window, 64, 64, 1); }).find("is closed") != std::string::npos);
}

TEST_CASE("viewer: closing a window during a job cancels the job") {
  Desktop desktop;
  std::atomic<bool> began{false}, stopped{false};
  auto job = std::make_shared<Job>("endless", [&]() -> std::function<void()> {
    try {
      for (;;) {
        began = true;
        throw_if_cancelled();
      }
    } catch (const Cancelled&) {
      stopped = true;
      throw;
    }
  });
  job->start();
  auto window = desktop.open(hidden(), [job](Window&) {});
  job = nullptr;
  while (!began) std::this_thread::yield();
  desktop.settle();
  CHECK_FALSE(stopped);
  window->close();
  desktop.poll();
  CHECK(stopped);
}

TEST_CASE("viewer: a frame is laid out anew after input even when it looks the same, and shows what changed") {
  Desktop desktop;
  ImU32 color = IM_COL32(255, 0, 0, 255);
  auto window = desktop.open(hidden(), [&](Window&) {
    ImGui::GetWindowDrawList()->AddRectFilled({50, 60}, {150, 160}, color);
  });
  desktop.settle();
  auto frames = window->frames();
  window->post(InputEvent::move(5, 5));
  desktop.settle();
  CHECK(window->frames() > frames);
  color = IM_COL32(0, 255, 0, 255);
  CHECK(desktop.capture(*window, 300, 200, 1)[100][100].equal(at::tensor({0, 255, 0}, at::kByte)));
}

TEST_CASE("viewer: a picture is uploaded once, and again when it was written to") {
  Desktop desktop;
  auto pixels = at::zeros({40, 40, 3}, at::kByte);
  auto window = desktop.open(hidden(), [&](Window& w) {
    auto at = ImVec2{20, 20}, end = ImVec2{60, 60};
    ImGui::GetWindowDrawList()->AddImage(w.texture(pixels), at, end);
  });
  CHECK(desktop.capture(*window, 100, 100, 1)[40][40].sum().item<int>() == 0);
  CHECK(window->textures().size() == 1);
  pixels.fill_(255);
  CHECK(desktop.capture(*window, 100, 100, 1)[40][40].sum().item<int>() == 3 * 255);
  CHECK(window->textures().size() == 1);
}

TEST_CASE("viewer: many windows can be opened and closed") {
  Desktop desktop;
  for (int i = 0; i < 30; ++i) {
    auto window = desktop.open(hidden(), [](Window&) { ImGui::TextUnformatted("short-lived"); });
    desktop.settle();
    window->close();
    desktop.poll();
  }
  CHECK(desktop.size() == 0);
}

TEST_CASE("viewer: without a display a visible window is refused with what to do instead") {
  if (has_display()) return;
  Desktop desktop;
  auto message = error_of([&] { desktop.open({}, [](Window&) {}); });
  CHECK(message.find("ssh -X") != std::string::npos);
  CHECK(message.find("page:report") != std::string::npos);
}

TEST_CASE("viewer: channels and columns without names are numbered") {
  CHECK(names_or_numbers({"pulse", "age"}, "column", 2) == std::vector<std::string>{"pulse", "age"});
  CHECK(names_or_numbers({}, "channel", 2) == std::vector<std::string>{"channel 1", "channel 2"});
}

TEST_CASE("viewer: a heading is broken into lines, and a comparison of nothing says so") {
  Desktop desktop;
  float one = 0, two = 0, said = 0;
  auto window = desktop.open(hidden(), [&](Window& w) {
    auto y = ImGui::GetCursorPosY();
    auto taken = [&] { return ImGui::GetCursorPosY() - std::exchange(y, ImGui::GetCursorPosY()); };
    heading(w, "short");
    one = taken();
    heading(w, "a heading of so many words that they cannot stand in a single line");
    two = taken();
    comparison_view(w, {}, {}, {}, {});
    said = taken();
  });
  desktop.settle();
  CHECK(two > 1.5F * one);
  CHECK(said > 0);
}
