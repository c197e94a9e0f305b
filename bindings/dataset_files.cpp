#include "bindings/data.h"
#include "bindings/register.h"
#include "data/blocks/blocks.h"
#include "data/csv.h"
#include "data/folder.h"
#include "data/jsonl.h"

namespace multiviz::script {
namespace {

int make_blocks(lua_State* L) {
  Options options(L, 1);
  BlocksOptions made;
  made.split = options.choice("split", {"train", "val", "test"}, made.split);
  if (auto size = options.integer("size")) {
    check(*size >= 1, "mv.datasets.blocks: option 'size' must be an integer >= 1, got {}", *size);
    made.size = *size;
  }
  made.seed = options.has("seed") ? options.seed() : made.seed;
  made.width = options.integer("width", made.width, {16, 2048});
  made.height = options.integer("height", made.height, {16, 2048});
  made.questions = options.integer("questions", made.questions, {.min = 1});
  options.done();
  return push(L, blocks(made));
}

// What the data sets of records share.
RecordOptions record_options(Options& options, lua_State* L) {
  RecordOptions made;
  made.root = options.string("root", "");
  made.fields = modalities_option(options, L);
  made.label = options.string("label", "");
  made.regression = options.boolean("regression", false);
  made.id = options.string("id", "");
  if (auto labels = options.strings("labels")) made.labels = *labels;
  made.on_error = on_error_option(options);
  return made;
}

int make_jsonl(lua_State* L) {
  Options options(L, 1);
  options.require("path");
  const std::string path = options.string("path", "");
  RecordOptions made = record_options(options, L);
  options.done();
  return push(L, open_jsonl(path, std::move(made)));
}

// An option that is one character, "\t" say; \0 when it is absent.
char character_option(Options& options, const char* name) {
  const std::string text = options.string(name, "");
  check(text.size() <= 1, "option '{}' must be one character, not '{}'", name, text);
  return text.empty() ? '\0' : text[0];
}

int make_csv(lua_State* L) {
  Options options(L, 1);
  options.require("path");
  const std::string path = options.string("path", "");
  RecordOptions made = record_options(options, L);
  const char delimiter = character_option(options, "delimiter");
  const char label_separator = character_option(options, "label_separator");
  options.done();
  return push(L, open_csv(path, std::move(made), delimiter, label_separator));
}

int make_folder(lua_State* L) {
  Options options(L, 1);
  options.require("root");
  RecordOptions made;
  made.root = options.string("root", "");
  made.fields = modalities_option(options, L);
  made.label = options.string("label", "");
  if (auto labels = options.strings("labels")) made.labels = *labels;
  made.on_error = on_error_option(options);
  options.done();
  return push(L, open_folder(std::move(made)));
}

}  // namespace

void register_dataset_files(Binder& binder) {
  binder.function(
      "datasets.blocks",
      "mv.datasets.blocks{split=\"train\", size=, seed=0, width=128, height=96, questions=1} -> dataset",
      "Pictures of simple objects with questions about them, made on the fly after CLEVR; the same on every "
      "machine. Splits: train, val, test.",
      make_blocks);
  binder.function("datasets.jsonl",
                  "mv.datasets.jsonl{path=, root=, modalities={image=\"image\", question=\"text\"}, label=, id=, "
                  "labels=, regression=false, on_error=\"fail\"} -> dataset",
                  "Your own data: a file with one JSON object a line. Each modality is a field of it: the name of an "
                  "image file below root, a text, a list of frames or of numbers, or the name of an .npy file. With "
                  "on_error = \"skip\" damaged lines are left out and counted in data.skipped.",
                  make_jsonl);
  binder.function("datasets.csv",
                  "mv.datasets.csv{path=, root=, modalities={image=\"image\", vitals={kind=\"tabular\", "
                  "columns={\"age\", \"weight\"}}}, label=, label_separator=, id=, labels=, regression=false, "
                  "delimiter=\",\", on_error=\"fail\"} -> dataset",
                  "Your own data: a file of cells whose first line names the columns. A modality is a column (an image "
                  "file's name below root, a text, an .npy file's name) or, for a table, several columns of numbers.",
                  make_csv);
  binder.function("datasets.folder",
                  "mv.datasets.folder{root=, modalities={image=\"image\", caption=\"text\"}, label=\"folder\", "
                  "labels=, on_error=\"fail\"} -> dataset",
                  "Your own data: files below root that share a name but for the extension: 17.jpg and 17.txt are a "
                  "datapoint. Images, .txt texts, .npy time series and tables; two modalities of a kind have their "
                  "names before the extension: 17.audio.npy. label=\"folder\": the label is the folder's name.",
                  make_folder);
}

}  // namespace multiviz::script
