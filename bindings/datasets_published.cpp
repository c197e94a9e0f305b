#include "bindings/data.h"
#include "bindings/register.h"
#include "data/clevr/clevr.h"
#include "data/flickr30k/flickr30k.h"
#include "data/gqa/gqa.h"
#include "data/nlvr2/nlvr2.h"
#include "data/vqa/vqa.h"

namespace multiviz::script {
namespace {

// The options that data sets share which are read as their authors publish them.
template <typename Made>
Made read_published(Options& options) {
  Made made;
  options.require("root");
  made.root = options.string("root", "");
  made.split = options.string("split", "train");
  made.on_error = on_error_option(options);
  made.cache = options.string("cache", "");
  if constexpr (requires { made.images; }) made.images = options.string("images", "");
  if constexpr (requires { made.answers; }) made.answers = options.string("answers", "");
  return made;
}

int make_clevr(lua_State* L, bool humans) {
  Options options(L, 1);
  auto made = read_published<ClevrOptions>(options);
  made.humans = humans;
  made.questions = options.string("questions", "");
  made.scenes = options.boolean("scenes", true);
  options.done();
  return push(L, open_clevr(std::move(made)));
}

int make_vqa(lua_State* L) {
  Options options(L, 1);
  auto made = read_published<VqaOptions>(options);
  options.done();
  return push(L, open_vqa(std::move(made)));
}

int make_flickr30k(lua_State* L) {
  Options options(L, 1);
  auto made = read_published<Flickr30kOptions>(options);
  made.negatives = options.integer("negatives", 0, {0, 1000});
  made.seed = options.seed();
  options.done();
  return push(L, open_flickr30k(std::move(made)));
}

int make_gqa(lua_State* L) {
  Options options(L, 1);
  auto made = read_published<GqaOptions>(options);
  made.balanced = options.boolean("balanced", true);
  made.scenes = options.boolean("scenes", true);
  options.done();
  return push(L, open_gqa(std::move(made)));
}

int make_nlvr2(lua_State* L) {
  Options options(L, 1);
  auto made = read_published<Nlvr2Options>(options);
  options.done();
  return push(L, open_nlvr2(std::move(made)));
}

}  // namespace

void register_datasets_published(Binder& binder) {
  binder.function("datasets.clevr",
                  "mv.datasets.clevr{root=, split=\"train\", scenes=true, questions=, on_error=\"fail\", cache=} -> "
                  "dataset",
                  "CLEVR v1.0 in the folder it was unpacked into (images/, questions/, scenes/). Splits: train, val, "
                  "test. Regions are the scene's objects with their boxes; those that the question's program comes to "
                  "are `referred`. on_error = \"skip\" leaves damaged records out (data.skipped says which).",
                  [](lua_State* L) { return make_clevr(L, false); });
  binder.function(
      "datasets.clevr_humans",
      "mv.datasets.clevr_humans{root=, split=\"train\", scenes=true, questions=, on_error=\"fail\", cache=} "
      "-> dataset",
      "CLEVR-Humans: questions by people about CLEVR's pictures. CLEVR-Humans-SPLIT.json is looked for in "
      "root, beside images/ and scenes/ of CLEVR v1.0, unless `questions` names it.",
      [](lua_State* L) { return make_clevr(L, true); });
  binder.function("datasets.vqa",
                  "mv.datasets.vqa{root=, split=\"train\", images=, answers=, on_error=\"fail\", cache=} -> dataset",
                  "VQA 2.0 as published: v2_OpenEnded_mscoco_*_questions.json, v2_mscoco_*_annotations.json, COCO's "
                  "pictures (`images` names their folder when it is not in root). Splits: train, val, test, test-dev. "
                  "The labels are the answers in trainval_label2ans.json (LXMERT's), or in the file `answers`. "
                  "Annotations: the ten answers, scores, question_type, answer_type, complementary.",
                  make_vqa);
  binder.function(
      "datasets.flickr30k",
      "mv.datasets.flickr30k{root=, split=\"train\", negatives=0, seed=0, images=, on_error=\"fail\"} -> "
      "dataset",
      "Flickr30k with Flickr30k Entities as published: flickr30k-images/, Sentences/, Annotations/ and the "
      "authors' train.txt, val.txt, test.txt. Five captions a picture, each followed by `negatives` captions "
      "of other pictures; labels \"no match\" and \"match\". x.annotations.phrases has the phrases with their boxes.",
      make_flickr30k);
  binder.function("datasets.gqa",
                  "mv.datasets.gqa{root=, split=\"train\", balanced=true, scenes=true, images=, answers=, "
                  "on_error=\"fail\", cache=} -> dataset",
                  "GQA as published: questions1.2/, sceneGraphs/ and images/. Splits: train, val, testdev, test, "
                  "challenge. Labels are the answers of these questions, or those in the file `answers` or "
                  "trainval_label2ans.json. Regions are the scene graph's objects.",
                  make_gqa);
  binder.function("datasets.nlvr2",
                  "mv.datasets.nlvr2{root=, split=\"train\", images=, on_error=\"fail\", cache=} -> dataset",
                  "NLVR2 as published: data/SPLIT.json and images/. Splits: train, dev, test1, test2, and "
                  "balanced/dev and so on. Two pictures, left and right, and a sentence; labels False and True.",
                  make_nlvr2);
}

}  // namespace multiviz::script
