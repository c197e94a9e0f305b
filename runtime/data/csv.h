#pragma once
#include <string>

#include "data/records.h"

namespace multiviz {

// A data set of the user's: a table as text (RFC 4180: cells may be quoted, and then hold delimiters and line breaks),
// whose first line names the columns. An image or a text modality is the column that field.key names; a time series, a
// column of .npy files; a table, an .npy file, or the numbers in field.columns, which name its columns. An empty
// options.root is the folder of `path`.
// `delimiter` is '\0' for what the file's name says: a tab for .tsv, else a comma. `label_separator` splits a label's
// cell into several labels; '\0': one label. An empty cell is no label.
DatasetPtr open_csv(const std::string& path, RecordOptions options, char delimiter = '\0', char label_separator = '\0');

}  // namespace multiviz
