#include "data/mimic.h"

#include <ATen/ATen.h>

#include "io/file.h"
#include "io/json.h"
#include "tests/scratch.h"

using namespace multiviz;

namespace {

// Made by tests/fixtures/data/make_mimic.py, and what MultiBench's get_data.py makes of it.
const std::string folder = "tests/fixtures/data/mimic";

DatasetPtr open(const std::string& task, const std::string& split) {
  MimicOptions options;
  options.root = folder;
  options.task = task;
  options.split = split;
  return open_mimic(options);
}

}  // namespace

TEST_CASE("MIMIC is standardised, labelled, shuffled and split as MultiBench does") {
  const auto expected = load_json(folder + "/expected.json");
  for (const std::string task : {"mortality", "icd9"})
    for (const std::string split : {"train", "valid", "test"}) {
      INFO(task << " " << split);
      auto data = open(task, split);
      const auto& wanted = expected.at((task == "mortality" ? "-1 " : "7 ") + split);
      REQUIRE(data->size() == static_cast<int64_t>(wanted["rows"].size()));
      for (int64_t i = 0; i < data->size(); ++i) {
        const auto n = static_cast<size_t>(i);
        CHECK(data->get(i).id == fmt::format("mimic:{}", wanted["rows"][n].get<int64_t>() + 1));
        CHECK(data->get(i).labels == std::vector<int64_t>{wanted["labels"][n].get<int64_t>()});
      }
      const Datapoint first = data->get(0);
      const auto facts = wanted["static"].get<std::vector<float>>(),
                 hour = wanted["last hour"].get<std::vector<float>>();
      CHECK(std::get<Table>(first.values[0]).columns.allclose(at::tensor(facts), 0, 1e-5));
      CHECK(std::get<TimeSeries>(first.values[1]).frames[23].allclose(at::tensor(hour), 0, 1e-5));
    }
}

TEST_CASE("MIMIC's columns, channels, groups and hours have names") {
  const Datapoint x = open("icd9", "train")->get(0);
  CHECK(std::get<Table>(x.values[0]).names[0] == "age");
  const auto& series = std::get<TimeSeries>(x.values[1]);
  CHECK(series.frames.sizes() == at::IntArrayRef{24, 12});
  CHECK(series.channels[2] == "heart rate");
  CHECK(series.groups[1].name == "vital signs");
  CHECK(series.frame_names[23] == "hour 24");
  CHECK(icd9_groups()[7] == "460-519 respiratory system");
  CHECK(open("mortality", "val")->labels().size() == 6);
}

TEST_CASE("what is wrong with MIMIC's file is said") {
  Scratch scratch;
  MimicOptions options;
  options.root = scratch.folder().string();
  CHECK(error_of([&] { open_mimic(options); }) == has("im.pk': give as root the file im.pk, or its folder"));
  CHECK(error_of([&] { open_mimic(options); }) == has("https://github.com/pliang279/MultiBench"));
  write_file(scratch / "im.pk", "\x80\x04}.");
  CHECK(error_of([&] { open_mimic(options); }) == has("'ep_tdata'"));
  CHECK(error_of([] { open("mortalty", "train"); }) == has("did you mean 'mortality'?"));
  CHECK(error_of([] { open("icd9", "tst"); }) == has("did you mean 'test'?"));
  options.root = folder;
  options.group = 20;
  CHECK(error_of([&] { open_mimic(options); }) == has("group must be from 0 to 19, got 20"));
}
