#pragma once
#include <ATen/core/Tensor.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "io/json_records.h"

namespace multiviz {

// What every data set that is read as its authors publish it is opened with.
struct PublishedOptions {
  std::string root;                  // the folder that the published archives were unpacked into
  std::string split;                 // as the authors call it
  OnError on_error = OnError::fail;  // of damaged records
  std::string cache;                 // the folder for indices of large files; empty: the user's cache folder
};

// A data set as its authors publish it, for errors.
struct Publication {
  std::string name;    // "CLEVR v1.0"
  std::string layout;  // "images/SPLIT/CLEVR_SPLIT_000000.png, questions/CLEVR_SPLIT_questions.json, ..."
  std::string where;   // the authors' page
};

// The first of these paths below `root` that exists. Throws Error naming the first, the layout and the page.
std::string find_published(const std::string& root, const std::vector<std::string>& candidates,
                           const Publication& publication);

// Throws Error naming the splits when `split` is none of them.
void check_split(const std::string& split, const std::vector<std::string>& splits, const Publication& publication);

// A picture's pixels. A file that is missing is told with the layout and the page; `where` is the record that names it.
at::Tensor load_published(const std::string& path, const std::string& where, const Publication& publication);

// A file's name from a record: plain, so that nothing outside the data set's folder can be meant.
std::string plain_file_name(const nlohmann::json& record, const std::string& key, const std::string& where);

// What the index of a file left out, added to what was before.
void add_skipped(Skipped& skipped, const JsonRecords& records);

// The list of answers in a JSON file, ["net", "pitcher", ...]: a label space.
std::vector<std::string> load_answers(const std::string& path);

// "name-split-1234567890abcdef", for Dataset::fingerprint: of the settings and the files' content.
std::string published_fingerprint(const std::string& name, const nlohmann::json& settings,
                                  const std::vector<uint64_t>& content);

}  // namespace multiviz
