#include "viewer/job.h"

#include <doctest/doctest.h>
#include <imgui/imgui_internal.h>

#include "core/cancel.h"
#include "core/error.h"
#include "viewer/desktop.h"
#include "viewer/job_view.h"

using namespace multiviz;

namespace {
void wait(const Job& job) {
  while (!job.finished()) std::this_thread::yield();
}
}  // namespace

TEST_CASE("viewer: a job computes beside the caller and hands its result over once") {
  int result = 0;
  Job job("sum", [&] {
    Progress progress("adding", 4);
    int sum = 0;
    for (int i = 0; i < 4; ++i) sum += i, progress.advance();
    return [&result, sum] { result += sum; };
  });
  job.start();
  wait(job);
  CHECK(result == 0);
  CHECK(job.fraction() == doctest::Approx(1));
  CHECK(job.step() == "adding");
  CHECK(job.deliver().empty());
  CHECK(job.deliver().empty());
  CHECK(result == 6);
}

TEST_CASE("viewer: cancelling a job stops it alone") {
  std::atomic<bool> began{false};
  bool delivered = false;
  Job job("endless", [&]() -> std::function<void()> {
    for (;;) {
      began = true;
      throw_if_cancelled();
    }
    return [&] { delivered = true; };
  });
  job.start();
  while (!began) std::this_thread::yield();
  CHECK_FALSE(cancel_requested());
  job.cancel();
  wait(job);
  CHECK_FALSE(cancel_requested());
  CHECK(job.deliver().empty());
  CHECK_FALSE(delivered);
}

TEST_CASE("viewer: what a job throws is its error, and destroying one that runs stops it") {
  Job job("wrong", []() -> std::function<void()> { fail("the file is gone: bring it back"); });
  job.start();
  wait(job);
  CHECK(job.deliver() == "the file is gone: bring it back");
  Job endless("endless", []() -> std::function<void()> {
    for (;;) throw_if_cancelled();
  });
  endless.start();
}

TEST_CASE("viewer: a job on the main thread lets windows live between its steps") {
  int drawn = 0;
  Job job("slices", [] {
    Progress progress("slices", 3);
    for (int i = 0; i < 3; ++i) progress.advance();
    return [] {};
  });
  job.run_here([&] { ++drawn; });
  CHECK(drawn >= 1);
  CHECK(job.finished());
}

TEST_CASE("viewer: a job's box stays in the window however long the job's name is") {
  Job job(std::string(400, 'w'), []() -> std::function<void()> {
    for (;;) throw_if_cancelled();
  });
  job.start();
  while (job.seconds() < 0.2) std::this_thread::yield();
  Desktop desktop;
  ImRect box;
  auto window = desktop.open({.width = 400, .height = 300, .visible = false, .scale = 1}, [&](Window& w) {
    job_overlay(w, job);
    if (auto* found = ImGui::FindWindowByName("##progress")) box = found->Rect();
  });
  desktop.capture(*window, 400, 300, 1);
  CHECK(box.Min.x > 0);
  CHECK(box.Max.x < 400);
  CHECK(box.GetWidth() > 200);
}
