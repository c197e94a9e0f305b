#pragma once
#include <string>

#include "data/records.h"

namespace multiviz {

// A data set of the user's: a file with one JSON object a line. An empty options.root is the folder of `path`. Only the
// offsets of the lines stay in memory.
DatasetPtr open_jsonl(const std::string& path, RecordOptions options);

}  // namespace multiviz
