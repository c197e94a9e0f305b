#pragma once
#include <string>

#include "models/model.h"

namespace multiviz {

// A model with its weights: the path of a file that save_model wrote, or the name of one in `folder`
// (NAME.safetensors). The file is untrusted. Throws Error when there is no such file (with the names that are there),
// when it is not a model's, when this version does not know the architecture, and when the weights are of another one,
// naming the first tensor that does not fit.
ModelPtr load_model(const std::string& name_or_path, const std::string& folder);

// Copies the weights of such a file into a model of the same architecture; the error names the first tensor that does
// not fit.
void load_weights(Model& model, const std::string& path);

// Weights as safetensors, the model's config in the metadata. `half` stores 16-bit numbers, half the size.
void save_model(const Model& model, const std::string& path, bool half = false);

// The names that load_model finds in this folder.
std::vector<std::string> shipped_models(const std::string& folder);

}  // namespace multiviz
