#pragma once
#include "data/published.h"

namespace multiviz {

struct VqaOptions : PublishedOptions {
  std::string images;   // the folder of COCO's pictures; empty: train2014/, val2014/ or test2015/ below root
  std::string answers;  // the list of answers that are the labels; empty: trainval_label2ans.json below root
};

// VQA 2.0 (Goyal et al., 2017) as published: v2_OpenEnded_mscoco_train2014_questions.json, v2_mscoco_train2014_
// annotations.json, if there v2_mscoco_train2014_complementary_pairs.json, and COCO's pictures. Splits train, val, test
// and test-dev; the last two have no annotations. Modalities image and question. The label space is the list of 3,129
// answers that LXMERT and others choose from.
//
// An answer that n of the ten people gave scores min(1, 0.3 n), which is the official accuracy min(1, n / 3) averaged
// over the ten sets of nine, and what LXMERT is trained on; answers are compared as they are in the file. The label is
// the answer with the best score in the label space (of equals, multiple_choice_answer, then the one given first); a
// question whose answers are all outside of it has none.
//
// Annotations: question_id, image_id, and for train and val answers (the ten), scores (answer -> score, in the label
// space), question_type, answer_type, multiple_choice_answer, complementary (the id of the same question about a
// similar picture with another answer, where there is one). The id is the split and the question's: "val/262148000".
DatasetPtr open_vqa(VqaOptions options);

// min(1, 0.3 n).
double vqa_score(int64_t people);

}  // namespace multiviz
