#pragma once
#include <string>
#include <vector>

#include "models/model.h"
#include "perturb/maskers.h"

namespace multiviz {

struct OcclusionOptions {
  std::vector<std::string> modalities;  // by name; empty: all, each explained on its own
  ModalityMaskers masker;
  int64_t window = 0;  // > 0: images are covered by a square of so many pixels a side instead of by segments
  int64_t stride = 0;  // of the window; <= 0: half of it
  int64_t batch = 0;   // <= 0: default
};

// How much each target falls when one part of one modality is hidden: f(x) - f(x without the part) (Zeiler and Fergus
// 2014). With `window`, an image's parts are the window's places, and its heatmap is for each pixel the mean over the
// windows that cover it. Throws as lime does, and for a window larger than the image.
Explanation occlusion(const std::shared_ptr<const Model>& model, const Datapoint& datapoint,
                      const std::vector<Target>& targets, const OcclusionOptions& options = {});

}  // namespace multiviz
