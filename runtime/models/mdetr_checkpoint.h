#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "models/weight_files.h"

namespace multiviz {

// Whether these are the weights of an MDETR, by the names of their tensors.
bool is_mdetr(const WeightFiles& weights);

// The folders with what belongs to it: the one that options["tokenizer"] names, where it does, with the tokenizer's
// files, and the one that the checkpoint is in.
std::vector<std::string> mdetr_folders(const std::string& path, const nlohmann::json& options);

// The settings of an MDETR, {"model_type": "mdetr", ...}: what its training script was run with, as the checkpoint has
// it, and, over it, a config.json in the folders that is an MDETR's, and `options["config"]`. "text_encoder" is the
// config.json of its RoBERTa, when that is in one of them; "answers" GQA's, from the file that `options["answers"]`
// names or gqa_answer2id_by_type.json (gqa_answer2id.json for one head) in the folders. Their files are untrusted.
nlohmann::json mdetr_config(const WeightFiles& weights, const std::vector<std::string>& folders,
                            const nlohmann::json& options);

}  // namespace multiviz
