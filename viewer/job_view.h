#pragma once
#include "viewer/job.h"
#include "viewer/window.h"

namespace multiviz {

// What a job is doing, in the window's corner: progress and a button that cancels it, once it takes longer than a
// moment. `waiting` jobs come after it. True in the frame in which the button was pressed. Keeps the window drawing.
bool job_overlay(Window& window, const Job& job, size_t waiting = 0);

}  // namespace multiviz
