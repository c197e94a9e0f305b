#pragma once
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/fields.h"

namespace multiviz {

struct JsonlOptions {
  std::string path;
  std::string root;                 // where file names in the records start; empty: the folder of `path`
  std::vector<Field> fields;        // one per modality, in the data set's order
  std::string label;                // the record's field with the label, or with the number to predict; empty: none
  bool regression = false;          // the label is a number to predict
  std::string id;                   // the record's field with the id; empty: "val:17", the file and the line
  std::vector<std::string> labels;  // the label space, in order; empty: collected from the file and sorted
};

// A data set of the user's: a file with one JSON object a line. Opening it reads every line once and checks it (form,
// labels, ids that repeat) but opens none of the files that it names; only the offsets of the lines stay in memory. The
// fields that no option names become annotations. Errors say "file:line: 'field'".
DatasetPtr open_jsonl(JsonlOptions options);

}  // namespace multiviz
