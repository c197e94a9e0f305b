#include "bindings/data.h"
#include "bindings/register.h"
#include "data/mimic.h"
#include "data/mmimdb.h"
#include "data/sentiment.h"

namespace multiviz::script {
namespace {

// Ends the reading of options, opens the data set, and pushes it.
template <typename Open>
int finish(lua_State* L, Options& options, Open&& open) {
  const bool skip = on_error_option(options) == OnError::skip;
  options.done();
  DatasetPtr data = open();
  return push(L, skip ? readable(std::move(data)) : std::move(data));
}

int mmimdb(lua_State* L) {
  Options options(L, 1);
  MmimdbOptions made;
  options.require("root");
  made.root = options.string("root", "");
  made.split = options.string("split", made.split);
  made.poster = options.string("poster", made.poster);
  made.plot = options.string("plot", made.plot);
  return finish(L, options, [&] { return open_mmimdb(made); });
}

int mimic(lua_State* L) {
  Options options(L, 1);
  MimicOptions made;
  options.require("root");
  made.root = options.string("root", "");
  made.split = options.string("split", made.split);
  made.task = options.string("task", made.task);
  made.group = options.integer("group", made.group, {0, 19});
  return finish(L, options, [&] { return open_mimic(made); });
}

int sentiment(lua_State* L, const char* corpus) {
  Options options(L, 1);
  SentimentOptions made;
  made.corpus = corpus;
  options.require("root");
  made.root = options.string("root", "");
  made.split = options.string("split", made.split);
  made.aligned = options.boolean("aligned", made.aligned);
  if (auto bins = options.numbers("bins")) made.bins = *bins;
  made.task = options.string("task", made.bins.empty() ? made.task : "bins");
  made.words = options.string("words", "");
  made.padding = options.boolean("padding", made.padding);
  return finish(L, options, [&] { return open_sentiment(made); });
}

}  // namespace

void register_dataset_multibench(Binder& binder) {
  binder.function("datasets.mmimdb",
                  "mv.datasets.mmimdb{root=, split=\"train\", poster=\"pixels\"|\"vgg\", plot=\"words\"|\"word2vec\", "
                  "on_error=\"fail\"|\"skip\"} -> dataset",
                  "MM-IMDb: posters and plots of films and their genres, of 23. root is the folder with "
                  "multimodal_imdb.hdf5 and metadata.npy, or the unpacked mmimdb.tar.gz. Splits: train, dev, test.",
                  mmimdb);
  binder.function("datasets.mimic",
                  "mv.datasets.mimic{root=, task=\"mortality\"|\"icd9\", group=7, split=\"train\", "
                  "on_error=\"fail\"|\"skip\"} -> dataset",
                  "MIMIC-III as MultiBench's im.pk: five facts and 24 hours of twelve measurements of a patient, "
                  "standardised, shuffled and split as MultiBench does. Splits: train, valid, test.",
                  mimic);
  constexpr const char* help =
      "Segments of speech and their sentiment from -3 to 3, as MulT's or MultiBench's pickles have them: time series "
      "text, audio and vision with named features and, where known, words. task: regression, non-negative, positive, "
      "nonzero, seven; or bins = {-1, 1}. words is an HDF5 file with the words. Splits: train, valid, test.";
  binder.function("datasets.mosei",
                  "mv.datasets.mosei{root=, split=\"train\", aligned=true, task=\"regression\", bins=, words=, "
                  "padding=false, on_error=\"fail\"|\"skip\"} -> dataset",
                  help, [](lua_State* L) { return sentiment(L, "mosei"); });
  binder.function("datasets.mosi",
                  "mv.datasets.mosi{root=, split=\"train\", aligned=true, task=\"regression\", bins=, words=, "
                  "padding=false, on_error=\"fail\"|\"skip\"} -> dataset",
                  help, [](lua_State* L) { return sentiment(L, "mosi"); });
}

}  // namespace multiviz::script
