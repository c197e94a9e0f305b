#pragma once
#include "data/published.h"

namespace multiviz {

struct ClevrOptions : PublishedOptions {
  bool humans = false;    // CLEVR-Humans' questions (Johnson et al., 2017) about CLEVR's pictures
  std::string questions;  // the file of questions; empty: where the authors' archive has it
  bool scenes = true;     // read scenes/CLEVR_SPLIT_scenes.json, which gives regions and their referred ones
};

// CLEVR v1.0 (Johnson et al., 2017) as published: images/, questions/ and scenes/ below `root`, splits train, val and
// test. Modalities image and question; labels are its 28 answers; the test split has none, nor programs and scenes.
//
// A region is an object, named "large red rubber cube", with its box (clevr/camera.h; hidden parts included);
// `referred` says that the question's program comes to it (clevr/program.h; never with human questions, which have no
// program). Annotations: program, question_family_index, image_index, and objects as the scene has them. The id is
// "val/12": the split and the question's index from 0. Nothing is read before it is asked for but an index of the
// files.
DatasetPtr open_clevr(ClevrOptions options);

}  // namespace multiviz
