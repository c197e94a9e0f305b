#pragma once
#include <string>
#include <string_view>

#include "models/model.h"

namespace multiviz {

// 128 bits of these bytes as 32 hexadecimal digits. Tells versions apart; not for secrets.
std::string digest(std::string_view bytes);

// Of the model's name, architecture and every weight: changes when training goes on, not with the device. Empty for a
// model that has no weights to show, which could change without anyone knowing.
std::string fingerprint(const Model& model);

}  // namespace multiviz
