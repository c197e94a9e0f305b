#pragma once
#include "data/published.h"

namespace multiviz {

struct GqaOptions : PublishedOptions {
  bool balanced =
      true;  // SPLIT_balanced_questions.json; else all questions, SPLIT_all_questions.json or the folder of ten
  bool scenes = true;   // read SPLIT_sceneGraphs.json of train and val, which gives regions
  std::string images;   // the folder of pictures; empty: images/ below root
  std::string answers;  // a file with the list of answers that are the labels; empty: trainval_label2ans.json below
                        // root if it is there, else the different answers of these questions, sorted
};

// GQA (Hudson and Manning, 2019) as published: questions, a dictionary by id, below root or in questions1.2/ or
// questions/; scene graphs, below root or in sceneGraphs/; pictures images/ID.jpg. Splits train, val, testdev, test,
// challenge; the last two have no answers.
//
// Modalities image and question. Regions are the scene graph's objects, named with their attributes ("white wooden
// door"); `referred` are those that the question's program or its words name. Annotations: imageId, semantic (the
// program), types, groups, fullAnswer, entailed, equivalent, as published. The id is "val/05451384".
DatasetPtr open_gqa(GqaOptions options);

}  // namespace multiviz
