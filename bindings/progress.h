#pragma once
#include <cstdio>
#include <memory>

#include "core/progress.h"

namespace multiviz::script {

// How scripts show progress: a bar that is redrawn in place and goes when the work ends, or lines for a log. Either
// tells percent, steps done of all, rate and time left, at most once in `interval` seconds and not before the first.
std::shared_ptr<ProgressSink> progress_bar(std::FILE* terminal, double interval);
std::shared_ptr<ProgressSink> progress_lines(std::FILE* file, double interval);

}  // namespace multiviz::script
