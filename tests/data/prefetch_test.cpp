#include "data/prefetch.h"

#include <doctest/doctest.h>

#include <thread>

#include "data/basic_dataset.h"
#include "tests/scratch.h"

using namespace multiviz;

namespace {

// Datapoints that carry their index, and remember which thread asked for them.
class Counted : public BasicDataset {
 public:
  explicit Counted(bool concurrent) : concurrent_(concurrent) { name_ = fingerprint_ = "counted"; }
  int64_t size() const override { return 10; }
  bool concurrent() const override { return concurrent_; }
  Datapoint get(int64_t index) const override {
    check(index < 8, "datapoint 9 is broken");
    Datapoint datapoint;
    datapoint.id = std::this_thread::get_id() == owner_ ? "here" : "elsewhere";
    datapoint.labels = {index};
    return datapoint;
  }

 private:
  bool concurrent_;
  std::thread::id owner_ = std::this_thread::get_id();
};

std::vector<int64_t> pair_of(int64_t batch) { return {2 * batch, 2 * batch + 1}; }
Datapoint unchanged(Datapoint datapoint) { return datapoint; }

}  // namespace

TEST_CASE("batches come in order, from another thread only when the data set allows it") {
  for (bool concurrent : {true, false}) {
    auto data = std::make_shared<Counted>(concurrent);
    Prefetch batches(subset(data, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}), 1, 5, pair_of, unchanged);
    for (int64_t k = 1; k < 4; ++k) {
      auto batch = batches.next().datapoints;
      REQUIRE(batch.size() == 2);
      CHECK(batch[1].labels[0] == 2 * k + 1);
      CHECK(batch[0].id == (concurrent ? "elsewhere" : "here"));
    }
    CHECK(error_of([&] { batches.next(); }) == "datapoint 9 is broken");
  }
}

TEST_CASE("any number of workers gives the same order, and stopping early waits for none") {
  auto data = std::make_shared<Counted>(true);
  for (int64_t workers : {1, 2, 7}) {
    Prefetch batches(subset(data, {7, 6, 5, 4, 3, 2, 1, 0}), 0, 4, pair_of, unchanged, workers);
    for (int64_t k = 0; k < 4; ++k) CHECK(batches.next().datapoints[0].labels[0] == 7 - 2 * k);
    CHECK(error_of([&] { batches.next(); }) == has("there is no batch"));
  }
  Prefetch unused(data, 0, 4, pair_of, unchanged, 3);
  CHECK(unused.next().datapoints.size() == 2);
}
