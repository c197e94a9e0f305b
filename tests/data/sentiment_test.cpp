#include "data/sentiment.h"

#include <ATen/ATen.h>

#include "io/file.h"
#include "tests/scratch.h"

using namespace multiviz;

namespace {

// Made by tests/fixtures/data/make_sentiment.py, which says what is in it.
const std::string folder = "tests/fixtures/data/sentiment";

DatasetPtr open(const std::string& corpus, const std::string& file, SentimentOptions options = {}) {
  options.corpus = corpus;
  options.root = folder + "/" + file;
  return open_sentiment(options);
}

const TimeSeries& stream(const Datapoint& datapoint, size_t m) { return std::get<TimeSeries>(datapoint.values[m]); }

}  // namespace

TEST_CASE("MulT's aligned MOSEI: streams without padding, named features, times") {
  auto data = open("mosei", "");
  REQUIRE(data->size() == 16);
  CHECK(data->name() == "mosei/train");
  CHECK(data->labels().empty());
  const Datapoint x = data->get(0);
  CHECK(x.id == "A[10.0-12.5]");
  CHECK(*x.value == doctest::Approx(1.4));
  CHECK(x.annotations["seconds"] == nlohmann::json{10.0, 12.5});
  CHECK(stream(x, 0).frames.sizes() == at::IntArrayRef{3, 300});
  CHECK(stream(x, 1).frames.sizes() == at::IntArrayRef{3, 74});
  CHECK(stream(x, 2).frames.sizes() == at::IntArrayRef{3, 35});
  CHECK(stream(x, 1).frames[1][1].item<float>() == 0);  // -inf in the file
  CHECK(stream(x, 2).channels[3] == "Joy");
  CHECK(stream(x, 2).groups[1].name == "brow");
  CHECK(stream(x, 1).channels[60] == "HMPDM_24");
}

TEST_CASE("frames are named by the words of the SDK's file or of MultiBench's") {
  SentimentOptions options;
  options.words = folder + "/words.csd";
  const std::vector<std::string> said = {"this", "film", "works"};
  auto mosei = open("mosei", "mosei_senti_data.pkl", options);
  CHECK(stream(mosei->get(0), 2).frame_names == said);
  CHECK(mosei->get(0).annotations["words"] == said);
  CHECK(stream(mosei->get(1), 2).frame_names.empty());  // a video without words in the file
  options.padding = true;
  CHECK(stream(open("mosei", "mosei_senti_data.pkl", options)->get(0), 0).frame_names ==
        std::vector<std::string>{"padding", "this", "film", "works"});
  options.padding = false;
  options.words = folder + "/mosi.hdf5";
  CHECK(stream(open("mosi", "mosi_raw.pkl", options)->get(0), 1).frame_names == said);
}

TEST_CASE("streams that are not aligned have frames named by time and the word spoken then") {
  SentimentOptions options;
  options.words = folder + "/words.csd";
  auto data = open("mosi", "mosi_data_noalign.pkl", options);
  const Datapoint x = data->get(0);
  CHECK(stream(x, 0).frame_names == std::vector<std::string>{"this", "film", "works"});
  CHECK(stream(x, 1).frames.sizes() == at::IntArrayRef{8, 5});
  CHECK(stream(x, 2).frames.sizes() == at::IntArrayRef{10, 20});
  // 10 frames over 2.5 s: the third is in the middle of 0.5 to 0.75 s, when "this" (0.5 to 1 s) is said.
  CHECK(stream(x, 2).frame_names[2] == "0.62 s this");
  CHECK(stream(x, 2).frame_names[0] == "0.12 s");
  CHECK(stream(x, 1).channels == std::vector<std::string>{"VUV", "QOQ", "MDQ", "MCEP_14", "HMPDM_24"});
  CHECK(stream(x, 2).channels[19] == "AU17");
  options.aligned = false;
  CHECK(open("mosi", "", options)->size() == 3);
}

TEST_CASE("MultiBench's MOSI leaves out segments without text") {
  auto data = open("mosi", "mosi_raw.pkl");
  REQUIRE(data->size() == 3);
  CHECK(data->get(0).id == "A[0]");
  CHECK(data->get(1).id == "A[2]");
}

TEST_CASE("sentiments as classes") {
  // The segments' sentiments are 1.4, -2, 0, 2.5, again and again.
  auto classes = [](SentimentOptions options) {
    auto data = open("mosei", "mosei_senti_data.pkl", options);
    std::vector<std::string> names;
    for (int64_t i = 0; i < 4; ++i) names.push_back(data->labels()[static_cast<size_t>(data->get(i).labels.at(0))]);
    return names;
  };
  SentimentOptions options;
  using Names = std::vector<std::string>;
  options.task = "non-negative";
  CHECK(classes(options) == Names{"non-negative", "negative", "non-negative", "non-negative"});
  options.task = "positive";
  CHECK(classes(options) == Names{"positive", "not positive", "not positive", "positive"});
  options.task = "seven";
  CHECK(classes(options) == Names{"1", "-2", "0", "2"});  // 2.5 to the even neighbour, as NumPy rounds
  options.task = "nonzero";
  CHECK(classes(options) == Names{"positive", "negative", "positive", "positive"});
  CHECK(open("mosei", "mosei_senti_data.pkl", options)->size() == 12);
  options.task = "bins";
  options.bins = {-1, 0, 2};
  CHECK(classes(options) == Names{"0 to 2", "below -1", "0 to 2", "2 and above"});
}

TEST_CASE("the extractors' features are all named") {
  for (int64_t width : {74, 5}) CHECK(static_cast<int64_t>(audio_features(width).channels.size()) == width);
  for (int64_t width : {35, 20, 713}) {
    const auto features = vision_features(width);
    CHECK(static_cast<int64_t>(features.channels.size()) == width);
    int64_t named = 0;
    for (const auto& group : features.groups) named += group.end - group.begin;
    CHECK(named == width);
  }
  CHECK(audio_features(13).channels.empty());
  CHECK(vision_features(713).channels.back() == "AU45_c");
}

TEST_CASE("what is wrong with a file of MOSEI or MOSI is said") {
  Scratch scratch;
  SentimentOptions options;
  options.root = scratch.folder().string();
  CHECK(error_of([&] { open_sentiment(options); }) == has("there is no mosei_senti_data.pkl or mosei_raw.pkl in"));
  options.task = "sentiment";
  CHECK(error_of([&] { open_sentiment(options); }) == has("task cannot be 'sentiment'"));
  options.task = "bins";
  CHECK(error_of([&] { open_sentiment(options); }) == has("bins and task = \"bins\" go together"));
  options.bins = {1, 1};
  CHECK(error_of([&] { open_sentiment(options); }) == has("bins must rise"));
  SentimentOptions words;
  words.words = "tests/fixtures/io/small.h5";
  CHECK(error_of([&] { open("mosei", "mosei_senti_data.pkl", words)->get(0); }).empty());  // 'words' is there, not A's
  words.words = "tests/fixtures/data/mmimdb/multimodal_imdb.hdf5";
  CHECK(error_of([&] { open("mosei", "mosei_senti_data.pkl", words); }) == has("has no 'words'"));
  write_file(scratch / "mosei_senti_data.pkl", "\x80\x04}.");
  SentimentOptions empty;
  empty.root = scratch.folder().string();
  CHECK(error_of([&] { open_sentiment(empty); }) == has("'train'"));
}
