#pragma once
#include "unimodal/kernel_shap.h"
#include "unimodal/lime.h"

namespace multiviz {

// LIME over the players of several modalities at once (all of them, or options.modalities), each hidden independently
// of the modality it belongs to; kernel and regression as lime's for images. fit has, per target, "r2", "intercept",
// "local_prediction", and "share": each modality's part of the sum of |weight|. Throws Error for fewer than two
// modalities, else as lime does.
Explanation joint_lime(const std::shared_ptr<const Model>& model, const Datapoint& datapoint,
                       const std::vector<Target>& targets, const LimeOptions& options = {});

// Shapley values over the players of several modalities at once. fit has "exact" and, per target, "base_value",
// "efficiency_gap", and "share": MM-SHAP (Parcalabescu and Frank 2023), each modality's part of the sum of |weight|.
// Throws as joint_lime does.
Explanation joint_shap(const std::shared_ptr<const Model>& model, const Datapoint& datapoint,
                       const std::vector<Target>& targets, const KernelShapOptions& options = {});

}  // namespace multiviz
