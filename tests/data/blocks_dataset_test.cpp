#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <set>
#include <thread>

#include "core/error.h"
#include "data/blocks/blocks.h"
#include "data/blocks/program.h"
#include "data/blocks/question.h"

using namespace multiviz;
using namespace multiviz::blockworld;

namespace {

const at::Tensor& pixels_of(const Datapoint& point) { return std::get<Image>(point.values[0]).pixels; }
const std::string& question_of(const Datapoint& point) { return std::get<Text>(point.values[1]).string; }

uint64_t hash_bytes(const void* data, size_t size, uint64_t hash = 0xcbf29ce484222325ULL) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  for (size_t i = 0; i < size; ++i) hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
  return hash;
}

World world_of(const Datapoint& point) {
  std::vector<Object> objects;
  for (const nlohmann::json& json : point.annotations["objects"]) {
    Object object{};
    for (int attribute = 0; attribute < kAttributes; ++attribute) {
      const auto& names = value_names(attribute);
      auto found = std::find(names.begin(), names.end(), json[attribute_name(attribute)].get<std::string>());
      REQUIRE(found != names.end());
      object.values[static_cast<size_t>(attribute)] = static_cast<int>(found - names.begin());
    }
    object.center = {json["3d_coords"][0], json["3d_coords"][1], json["3d_coords"][2]};
    objects.push_back(object);
  }
  return World(objects);
}

}  // namespace

TEST_CASE("blocks: the answers are those of the stored programs, and regions fit the pictures") {
  DatasetPtr data = blocks({.split = "val", .size = 2000, .seed = 5, .width = 64, .height = 48, .questions = 4});
  std::set<std::string> ids;
  for (int64_t i = 0; i < data->size(); ++i) {
    Datapoint point = data->get(i);
    CAPTURE(point.id);
    CAPTURE(question_of(point));
    CHECK(ids.insert(point.id).second);
    REQUIRE(point.labels.size() == 1);
    REQUIRE((point.labels[0] >= 0 && point.labels[0] < 28));
    std::optional<Outcome> outcome = execute(program_from_json(point.annotations["program"]), world_of(point));
    REQUIRE(outcome);
    CHECK(outcome->answer == point.labels[0]);
    CHECK(question_of(point).back() == '?');
    CHECK(question_of(point).find("  ") == std::string::npos);
    REQUIRE((point.regions.size() >= 3 && point.regions.size() <= 8));
    for (size_t k = 0; k < point.regions.size(); ++k) {
      const Region& region = point.regions[k];
      CHECK(region.referred == ((outcome->referred >> k & 1) != 0));
      at::Tensor inside = region.mask.slice(0, static_cast<int64_t>(region.box.y0), static_cast<int64_t>(region.box.y1))
                              .slice(1, static_cast<int64_t>(region.box.x0), static_cast<int64_t>(region.box.x1));
      int64_t seen = region.mask.sum().item<int64_t>();
      CHECK(seen >= 4);
      CHECK(inside.sum().item<int64_t>() == seen);
    }
  }
}

TEST_CASE("blocks: yes and no are equally frequent in every family that they answer") {
  std::map<std::string, std::pair<int, int>> counts;
  for (uint64_t i = 0; i < 3000; ++i) {
    Random random(11, i);
    World world(sample_scene(random).objects);
    for (int k = 0; k < 4; ++k) {
      Question question = sample_question(world, random);
      if (question.answer > kNo) continue;
      auto& [yes, all] = counts[question.family];
      yes += question.answer == kYes;
      ++all;
    }
  }
  CHECK(counts.size() == 9);  // exist, same_exist, four equal_*, three comparisons of counts
  for (const auto& [family, count] : counts) {
    CAPTURE(family);
    CHECK(count.first > 0.44 * count.second);
    CHECK(count.first < 0.56 * count.second);
  }
}

TEST_CASE("blocks: a datapoint depends on seed, split and index alone") {
  BlocksOptions options{.split = "train", .size = 40, .seed = 3};
  DatasetPtr once = blocks(options), again = blocks(options);
  for (int64_t i : {39, 0, 7}) {
    Datapoint a = once->get(i), b = again->get(i);
    CHECK(question_of(a) == question_of(b));
    CHECK(at::equal(pixels_of(a), pixels_of(b)));
    CHECK(a.annotations == b.annotations);
  }
  options.width = 160;
  options.height = 120;
  Datapoint larger = blocks(options)->get(7);
  CHECK(question_of(larger) == question_of(once->get(7)));
  CHECK(pixels_of(larger).sizes() == at::IntArrayRef({120, 160, 3}));
  CHECK(blocks(options)->fingerprint() != once->fingerprint());
  CHECK_FALSE(at::equal(pixels_of(blocks({.split = "val", .seed = 3})->get(7)), pixels_of(once->get(7))));
  CHECK_FALSE(at::equal(pixels_of(blocks({.split = "train", .seed = 4})->get(7)), pixels_of(once->get(7))));
}

TEST_CASE("blocks: questions of a scene share its picture, from any thread") {
  DatasetPtr data = blocks({.size = 400, .questions = 50});
  std::vector<const void*> seen(200);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (size_t i = t; i < seen.size(); i += 4)
        seen[i] = pixels_of(data->get(static_cast<int64_t>(i))).const_data_ptr();
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(std::set<const void*>(seen.begin(), seen.end()).size() == 4);
  CHECK(question_of(data->get(0)) == question_of(blocks({.size = 400, .questions = 1})->get(0)));
}

TEST_CASE("blocks: pictures and questions are the same on every machine") {
  DatasetPtr data = blocks({.split = "test", .size = 3, .seed = 1});
  uint64_t pictures = 0xcbf29ce484222325ULL, questions = pictures;
  for (int64_t i = 0; i < 3; ++i) {
    Datapoint point = data->get(i);
    pictures = hash_bytes(pixels_of(point).const_data_ptr(), static_cast<size_t>(pixels_of(point).numel()), pictures);
    questions = hash_bytes(question_of(point).data(), question_of(point).size(), questions);
  }
  CHECK(fmt::format("{:016x}", pictures) == "3f526108afea67dd");
  CHECK(fmt::format("{:016x}", questions) == "b7d859aede5c391d");
}

TEST_CASE("blocks: wrong options are errors that say what to do") {
  CHECK_THROWS_WITH_AS(blocks({.split = "tets"}), "blocks has no split 'tets'; did you mean 'test'?", Error);
  CHECK_THROWS_AS(blocks({.size = 0}), Error);
  CHECK_THROWS_AS(blocks({.questions = 0}), Error);
  CHECK_THROWS_AS(blocks({.width = 0}), Error);
  CHECK_THROWS_AS(blocks({.height = 100000}), Error);
  CHECK_THROWS_AS(blocks({.size = 5})->get(5), Error);
  CHECK_THROWS_AS(blocks({.size = 5})->get(-1), Error);
  CHECK(blocks({})->size() == 70000);
  CHECK(blocks({.split = "test"})->size() == 15000);
  CHECK(blocks({.split = "val"})->labels() == answers());
}
