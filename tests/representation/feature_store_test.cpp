#include "representation/feature_store.h"

#include <ATen/ATen.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "core/random.h"
#include "io/file.h"
#include "tests/scratch.h"

using namespace multiviz;

namespace {

constexpr int64_t total = 120, width = 37, batch = 8;

FeatureKey key() { return {"weights", "data", "", total}; }

at::Tensor values(int64_t begin, int64_t end) {
  return at::arange(begin * width, end * width, at::TensorOptions(at::kFloat)).view({end - begin, width});
}

std::vector<FeatureRow> rows(int64_t begin, int64_t end) {
  std::vector<FeatureRow> result;
  for (int64_t i = begin; i < end; ++i)
    result.push_back(
        {fmt::format("datapoint \"{}\"\n", i), {i % 3, -1}, i % 2 ? std::optional(i / 7.0) : std::nullopt, i % 5});
  return result;
}

void fill(FeatureStore& store, int64_t until) {
  while (store.rows() < until) {
    int64_t begin = store.rows(), end = std::min(until, begin + batch);
    store.append(values(begin, end), rows(begin, end));
  }
}

void check_whole(const FeatureStore& store) {
  CHECK(store.complete());
  CHECK(at::equal(store.values(), values(0, total)));
  CHECK((store.read_rows() == rows(0, total)));
}

// Runs in a child process, which ends when `work` does or when it is killed.
pid_t in_child(const std::function<void()>& work) {
  pid_t child = ::fork();
  if (child == 0) {
    work();
    ::_exit(0);
  }
  return child;
}

}  // namespace

TEST_CASE("a store holds what was written, over several openings") {
  Scratch scratch;
  std::string folder = scratch / "deep/store";
  {
    FeatureStore store(folder, key());
    CHECK(store.rows() == 0);
    fill(store, 100);
  }
  {
    FeatureStore store(folder, key());
    CHECK(store.rows() == 100);
    CHECK(store.shape() == std::vector<int64_t>{width});
    CHECK(at::equal(store.values(), values(0, 100)));
    fill(store, total);
  }
  check_whole(FeatureStore(folder, key()));
}

TEST_CASE("a process killed while it writes loses at most one batch") {
  Scratch scratch;
  Random random(7);
  int unfinished = 0;
  for (int round = 0; round < 15; ++round) {
    std::string folder = scratch / std::to_string(round);
    std::string log = folder + ".log";  // how many rows append had returned for, byte by byte
    pid_t child = in_child([&] {
      FeatureStore store(folder, key());
      std::ofstream done(log);
      while (!store.complete()) {
        fill(store, std::min(total, store.rows() + batch));
        done.put('.').flush();
      }
    });
    ::usleep(static_cast<useconds_t>(random.below(150000)));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    std::error_code none;
    auto batches = std::filesystem::file_size(log, none);
    int64_t promised = none ? 0 : static_cast<int64_t>(batches) * batch;
    FeatureStore store(folder, key());
    CHECK(store.rows() >= promised);
    CHECK(store.rows() <= promised + batch);
    if (store.rows() > 0) CHECK(at::equal(store.values(), values(0, store.rows())));
    CHECK((store.read_rows() == rows(0, store.rows())));
    unfinished += !store.complete();
    fill(store, total);
    check_whole(store);
  }
  CHECK(unfinished > 0);  // else nothing was killed in the middle
}

TEST_CASE("what a crash left beyond the header is cut off") {
  Scratch scratch;
  std::string folder = scratch / "store";
  {
    FeatureStore store(folder, key());
    fill(store, 16);
  }
  std::ofstream(folder + "/values.f32", std::ios::app) << "half a batch";
  std::ofstream(folder + "/rows.jsonl", std::ios::app) << "{\"id\": \"half";
  FeatureStore store(folder, key());
  CHECK(store.rows() == 16);
  fill(store, total);
  check_whole(store);
}

TEST_CASE("a store answers only to its key") {
  Scratch scratch;
  std::string folder = scratch / "store";
  {
    FeatureStore store(folder, key());
    fill(store, 8);
  }
  auto opened = [&](FeatureKey other) { return error_of([&] { FeatureStore store(folder, other); }); };
  CHECK(opened({"other", "data", "", total}) == has("holds features of another model, or of other weights"));
  CHECK(opened({"weights", "other", "", total}) == has("holds features of another data set"));
  CHECK(opened({"weights", "data", "", total + 1}) == has("holds features of another data set"));
  CHECK(opened({"weights", "data", "conv1", total}) == has("of the tap '', not of 'conv1'"));
}

TEST_CASE("two processes do not write one store") {
  Scratch scratch;
  FeatureStore store(scratch / "store", key());
  CHECK(error_of([&] { FeatureStore second(scratch / "store", key()); }) == has("being written by another process"));
}

TEST_CASE("a damaged store is an error") {
  Scratch scratch;
  std::string folder = scratch / "store";
  {
    FeatureStore store(folder, key());
    fill(store, 16);
  }
  auto opened = [&] { return error_of([&] { FeatureStore store(folder, key()); }); };
  std::string header = read_file(folder + "/header.json");
  auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = header;
    changed.replace(changed.find(from), from.size(), to);
    write_file(folder + "/header.json", changed);
    return opened();
  };
  CHECK(with("\"rows\": 16", "\"rows\": 17") == has("delete the folder"));
  CHECK(with("\"rows\": 16", "\"rows\": -1") == has("is damaged"));
  CHECK(with("\"rows\": 16", "\"rows\": \"x\"") == has("is damaged"));
  CHECK(with("  37", "  4611686018427387904") == has("cannot have this shape"));
  CHECK(with("multiviz features 1", "something else") == has("not a header of features"));
  write_file(folder + "/header.json", header);
  CHECK(opened() == "");
  std::filesystem::resize_file(folder + "/values.f32", 100);
  CHECK(opened() == has("has 100 bytes of the 2368 that its header counts"));
}

TEST_CASE("a full disk is an error and the store stays as it was") {
  Scratch scratch;
  std::string folder = scratch / "store", message = scratch / "message";
  pid_t child = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    FeatureStore store(folder, key());
    fill(store, 16);
    rlimit limit{3000, 3000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    std::string error = error_of([&] { fill(store, total); });
    std::ofstream(message) << store.rows() << " " << error.substr(0, 2000);
  });
  ::waitpid(child, nullptr, 0);
  CHECK(read_file(message) == has("16 cannot write"));
  CHECK(read_file(message) == has("values.f32': file too large"));
  FeatureStore store(folder, key());
  CHECK(store.rows() == 16);
  fill(store, total);
  check_whole(store);
}

TEST_CASE("a folder that cannot be written is an error") {
  Scratch scratch;
  std::ofstream(scratch / "file") << "x";
  CHECK(error_of([&] { FeatureStore store(scratch / "file/store", key()); }) ==
        has("a file of that name is in the way"));
}
