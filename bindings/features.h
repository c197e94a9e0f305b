#pragma once
#include <memory>

#include "bindings/binder.h"
#include "present/page.h"
#include "representation/features.h"

namespace multiviz::script {

// What mv.local_feature and mv.global_feature return and page:add takes. Features themselves are a FeaturesPtr.
using FeatureEntryPtr = std::shared_ptr<const FeatureEntry>;

// A feature at this stack index, 1-based: a number, or a table with the field `feature` as selection:top gives.
// 0-based.
int64_t arg_feature(lua_State* L, int index, const char* name, int64_t width);

}  // namespace multiviz::script
