#pragma once
#include "models/pretrained.h"

namespace multiviz {

// Sets how texts and images become tensors, from the tokenizer's files and preprocessor_config.json of a folder, where
// there are any. Throws Error for files that are broken.
void read_processors(Pretrained& pretrained, const std::string& folder);

// The model of a checkpoint, by the "model_type" of its configuration. Throws Error, with the known types, for one that
// this version does not know, and as the model's constructor does.
ModelPtr make_pretrained(Pretrained pretrained);

// The known types: "bert", "clip", "lxmert", ...
std::vector<std::string> pretrained_types();

}  // namespace multiviz
