#include <doctest/doctest.h>

#include "bindings/terminal.h"
#include "io/file.h"
#include "tests/scratch.h"

using namespace multiviz;

namespace {

constexpr const char* script = R"(
local mv = require "multiviz"
mv.threads(1)
local data = mv.datasets.blocks { split = "val", size = 6 }
local model = mv.models.cnn_lstm_sa { labels = data.labels, vocabulary = mv.vocabulary(data), width = 16, height = 12,
  channels = { 2, 2 }, strides = { 2, 2 }, keys = 2, embedding = 2, hidden = 3, hops = 2, glimpses = 1, features = 4 }
mv.train(model, data, { steps = 40, batch = 2, checkpoint = arg[1], checkpoint_every = 4, report_every = 1,
  report = function(status) print("step " .. status.step) end })
model:save(arg[2])
print "finished"
)";

}  // namespace

TEST_CASE("training that was killed at any moment goes on to the same weights") {
  Scratch scratch;
  write_file(scratch / "train.lua", script);
  auto arguments = [&](const std::string& name) {
    return std::vector{scratch / "train.lua", scratch / (name + ".checkpoint"), scratch / (name + ".safetensors")};
  };
  run_whole_and_killed(arguments, "step ", 3, 60'000);
  CHECK(read_file(scratch / "killed.safetensors") == read_file(scratch / "whole.safetensors"));
}
