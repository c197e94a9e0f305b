#pragma once
#include <memory>

#include "bindings/binder.h"
#include "present/explanation.h"

namespace multiviz::script {

// What scripts hold of an explanation: what every method of stages U and C returns, and what page:add takes.
using ExplanationPtr = std::shared_ptr<Explanation>;

}  // namespace multiviz::script
