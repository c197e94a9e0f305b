#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data/modality.h"
#include "data/value.h"

namespace multiviz {

// One modality of a data set whose datapoints are records: which field of the record holds it.
struct Field {
  Modality modality;
  std::string key;                 // the record's field; the modality's name unless the user says otherwise
  std::vector<std::string> names;  // columns of a table, channels of a time series; may be empty
  std::vector<std::string> columns = {};  // csv: the columns that make up a table
};

// The value in a record's field, as the user's files hold it:
//   image        the name of an image file
//   text         a string
//   time_series  [[...], ...], T frames of F numbers, or the name of an .npy file [T, F]
//   tabular      [...], F numbers, or the name of an .npy file [F]
// File names are relative to `root`. Throws Error starting with `where` ("val.jsonl:17") and naming the field when the
// value is of another form, empty, ragged, not finite, or cannot be read.
Value value_from_json(const nlohmann::json& value, const Field& field, const std::string& root,
                      const std::string& where);

// The quick part of the above: the form of the value, without opening files.
void check_form(const nlohmann::json& value, const Field& field, const std::string& where);

// The names of a record's labels: one for a string, number or boolean, several for a list of them (multi-label), none
// for null.
std::vector<std::string> label_names(const nlohmann::json& value, const std::string& where);

// In natural order: numbers by value and before words.
void sort_labels(std::vector<std::string>& labels);

}  // namespace multiviz
