#pragma once
#include <memory>

#include "bindings/binder.h"
#include "prediction/prediction_entry.h"
#include "prediction/sparse_path.h"
#include "representation/features.h"

namespace multiviz::script {

// A path and the features that it was fitted to; null features for a path read from a file.
struct FittedPath {
  SparsePathPtr path;
  FeaturesPtr features;
};
using FittedPathPtr = std::shared_ptr<const FittedPath>;

// The model at one lambda. page:add takes it.
struct FittedSelection {
  Selection selection;
  FeaturesPtr features;

  // What it says about the page's datapoint. Throws Error when the features do not hold that datapoint.
  PredictionEntry entry(const Page& page) const;
};
using SelectionPtr = std::shared_ptr<const FittedSelection>;

}  // namespace multiviz::script
