#pragma once
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/fields.h"

namespace multiviz {

// What the options of every data set of records say: a record is a JSON object, whose fields are the modalities, the
// label, the id, and annotations.
struct RecordOptions {
  std::string root;                 // where file names in the records start
  std::vector<Field> fields;        // one per modality, in the data set's order
  std::string label;                // the record's field with the label, or with the number to predict; empty: none
  bool regression = false;          // the label is a number to predict
  std::string id;                   // the record's field with the id; empty: RecordSource::default_id
  std::vector<std::string> labels;  // the label space, in order; empty: collected from the records and sorted
  OnError on_error = OnError::fail;
};

// Where records come from: a file or a folder that was looked through once, so that any record can be read on its own.
// read must be safe to call from several threads.
class RecordSource {
 public:
  virtual ~RecordSource() = default;
  virtual std::string name() const = 0;  // "jsonl/val"
  virtual int64_t size() const = 0;
  virtual nlohmann::json read(int64_t index) const = 0;     // throws Error with the place
  virtual std::string place(int64_t index) const = 0;       // "val.jsonl:17", for errors
  virtual std::string default_id(int64_t index) const = 0;  // "val:17"
};

// The data set of a source's records. Reads every record once and checks it (form, labels, ids that repeat) but opens
// none of the files that it names. What no option names becomes annotations. Errors say "file:line: 'field'".
DatasetPtr open_records(std::unique_ptr<const RecordSource> source, RecordOptions options);

// Throws Error for no modality, one that is there twice, and other options that contradict each other. For sources that
// want to complain before they read.
void check_record_options(const RecordOptions& options);

}  // namespace multiviz
