#pragma once
#include "bindings/binder.h"
#include "models/trace.h"

namespace multiviz::script {

using TracePtr = std::shared_ptr<Trace>;

}  // namespace multiviz::script
