#include "data/nlvr2/nlvr2.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <filesystem>

#include "io/file.h"
#include "tests/data/published_folder.h"

using namespace multiviz;

namespace {

struct Nlvr2 : test::PublishedFolder<Nlvr2Options> {
  Nlvr2() : PublishedFolder("nlvr2", "train") {}
};

int64_t red_of(const Value& value) { return std::get<Image>(value).pixels[0][0][0].item<int64_t>(); }

}  // namespace

TEST_CASE("NLVR2 as published: two pictures and a sentence") {
  Nlvr2 folder;
  const DatasetPtr data = open_nlvr2(folder.options());
  REQUIRE(data->size() == 6);
  REQUIRE(data->modalities().size() == 3);
  CHECK(data->labels() == std::vector<std::string>{"False", "True"});
  const Datapoint x = data->get(1);
  CHECK(x.id == "train-850-0-1");
  CHECK(red_of(x.values[0]) == 200);
  CHECK(red_of(x.values[1]) == 40);
  CHECK(std::get<Text>(x.values[2]).string == "Both images have the same color.");
  CHECK(x.labels == std::vector<int64_t>{0});
  CHECK(x.annotations["synset"] == "beer bottle");
  CHECK(red_of(data->get(4).values[0]) == 40);
  CHECK(open_nlvr2(folder.options("dev"))->get(1).labels == std::vector<int64_t>{1});
}

TEST_CASE("what is missing or damaged in NLVR2 is told, or left out") {
  Nlvr2 folder;
  CHECK(error_of([&] { open_nlvr2(folder.options("test1")); }) == has("there is no 'test1.json' in"));
  CHECK(error_of([&] { open_nlvr2(folder.options("val")); }) == has("NLVR2 has no split 'val'"));
  std::filesystem::remove(folder.path("images/train/7/train-851-0-img1.png"));
  CHECK(error_of([&] { open_nlvr2(folder.options())->get(2); }) == has("train-851-0-img1.png': NLVR2 is expected as"));
  const std::string path = folder.path("data/train.json");
  std::string text = read_file(path);
  text.replace(text.find("\"True\", \"right_url\""), 6, "\"Both\"");
  text += "{\"identifier\": \"train-1-0-0\",\n";
  write_file(path, text);
  CHECK(error_of([&] { open_nlvr2(folder.options()); }) == has("record 7 at byte"));
  Nlvr2Options options = folder.options();
  options.on_error = OnError::skip;
  const DatasetPtr data = open_nlvr2(options);
  CHECK(data->size() == 5);
  CHECK(data->skipped().count == 2);
  CHECK(data->skipped().messages[0] == has("'label' must be True or False, not 'Both'"));
}
