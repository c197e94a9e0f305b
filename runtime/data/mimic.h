#pragma once
#include <string>
#include <vector>

#include "data/dataset.h"

namespace multiviz {

struct MimicOptions {
  std::string root;                // the file im.pk, or its folder
  std::string task = "mortality";  // "mortality" (6 classes) or "icd9" (2 classes)
  int64_t group = 7;               // icd9: 0 to 19; MultiBench uses 1 (140-239, neoplasms) and 7 (460-519, respiratory)
  std::string split = "train";     // "train", "valid" (also called "val") or "test"
};

// The 20 groups of ICD-9 codes, "140-239 neoplasms".
const std::vector<std::string>& icd9_groups();

// MIMIC-III as MultiBench's im.pk (Liang et al. 2021, after Purushotham et al. 2018): five facts about an admission and
// twelve measurements in each of its first 24 hours. Modalities "static" (tabular, 5 columns) and "timeseries" (24
// frames of 12 channels, in groups by source). Numbers that are not finite count as 0; then each column is standardised
// over the whole file (population deviation; a constant column becomes 0). Order and splits are those of MultiBench's
// get_data.py: shuffled by Python's random with seed 10, then valid is the first tenth, test the second, train the
// rest.
//
// Mortality's classes say when the patient died, the soonest that holds: within 1, 2 or 3 days, within 30 days (which
// the paper calls a week), within a year, or later. Throws Error naming the file, or what in it is not as expected.
DatasetPtr open_mimic(const MimicOptions& options);

}  // namespace multiviz
