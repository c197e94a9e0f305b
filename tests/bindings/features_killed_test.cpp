#include <doctest/doctest.h>

#include "bindings/terminal.h"
#include "io/file.h"
#include "tests/scratch.h"

using namespace multiviz;

namespace {

constexpr const char* script = R"(
local mv = require "multiviz"
mv.threads(1)
mv.seed(1)
local data = mv.datasets.blocks { split = "val", size = 40 }
local model = mv.models.cnn_lstm_sa { labels = data.labels, vocabulary = mv.vocabulary(data:slice(1, 5)), width = 16, height = 12,
  channels = { 2, 2 }, strides = { 2, 2 }, keys = 2, embedding = 2, hidden = 3, hops = 2, glimpses = 1, features = 4 }
print "begins"
print(mv.features(model, data, { path = arg[1], batch = 1 }))
print "finished"
)";

}  // namespace

TEST_CASE("features whose computation was killed at any moment are read, and go on to the same values") {
  Scratch scratch;
  write_file(scratch / "features.lua", script);
  auto arguments = [&](const std::string& name) { return std::vector{scratch / "features.lua", scratch / name}; };
  run_whole_and_killed(arguments, "begins", 4, 30'000);
  for (const char* name : {"/values.f32", "/rows.jsonl", "/header.json"})
    CHECK(read_file(scratch / (std::string("killed") + name)) == read_file(scratch / (std::string("whole") + name)));
}
