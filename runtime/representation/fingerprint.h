#pragma once
#include <string>

#include "models/model.h"

namespace multiviz {

// Of the model's name, architecture and every weight: changes when training goes on, not with the device. Empty for a
// model that has no weights to show, which could change without anyone knowing.
std::string fingerprint(const Model& model);

}  // namespace multiviz
