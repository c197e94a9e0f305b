#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "io/pickle.h"

namespace multiviz {

// Plain data (None, bool, int, float, str, and lists, tuples and dicts of them) as JSON has it: settings in a
// checkpoint, say. A list that holds anything else, such as a tensor, is discarded (json::is_discarded()), and so is
// what is nested more than 20 deep; of a dict only the entries that are not, and whose key is a str, are kept.
nlohmann::json pickle_to_json(const Pickle& value, const std::string& where);

}  // namespace multiviz
