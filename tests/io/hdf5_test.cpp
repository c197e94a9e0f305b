#include "io/hdf5.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <thread>

#include "io/file.h"
#include "tests/scratch.h"

using namespace multiviz;

namespace {

// Made by tests/fixtures/io/make_hdf5.py, which says what is in it.
const std::string fixture = "tests/fixtures/io/small.h5";

}  // namespace

TEST_CASE("an HDF5 file's numbers keep their type and shape") {
  Hdf5File file(fixture);
  CHECK(file.read("f4").equal(at::arange(12, at::kFloat).reshape({4, 3})));
  CHECK(file.read("f8_big_endian").equal(at::tensor({1.5, -2.25}, at::kDouble)));
  CHECK(file.read("i4").equal(at::arange(24, at::kInt).reshape({2, 3, 4}) - 7));
  CHECK(file.read("u2").equal(at::tensor({0, 65535}, at::kInt)));
  CHECK(file.read("bool").equal(at::tensor({1, 0, 1}, at::kChar)));
  CHECK(file.read("scalar").item<int64_t>() == 42);
  CHECK(file.shape("i4") == std::vector<int64_t>{2, 3, 4});
  CHECK(file.read("f4", 1, 3).equal(at::arange(3, 9, at::kFloat).reshape({2, 3})));
  CHECK(file.read("f4", 2, 2).sizes() == at::IntArrayRef{0, 3});
}

TEST_CASE("an HDF5 file's texts, sequences, groups and attributes") {
  Hdf5File file(fixture);
  CHECK(file.read_strings("ids", 0, 3) == std::vector<std::string>{"0133093", "0068646", "01"});
  CHECK(file.read_strings("words", 1, 3) == std::vector<std::string>{"good", "größe"});
  CHECK(file.read_sequence("sequences", 0) == std::vector<int64_t>{5, 4, 3});
  CHECK(file.read_sequence("sequences", 1).empty());
  CHECK(file.children("video") == std::vector<std::string>{"a[1]"});
  CHECK(file.contains("video/a[1]/intervals"));
  CHECK_FALSE(file.contains("video/b/intervals"));
  CHECK(file.text_attribute("ids", "target_names") == R"(["Drama", "Comedy"])");
  CHECK_FALSE(file.text_attribute("ids", "other").has_value());
  CHECK(file.text_column("/", "split", "split") == std::vector<std::string>{"train", "dev"});
  CHECK(file.text_column("/", "split", "source") == std::vector<std::string>{"images", "images"});
  CHECK(file.integer_column("/", "split", "stop") == std::vector<int64_t>{3, 4});
}

TEST_CASE("what is wrong with an HDF5 file is said with its name and the object's") {
  Hdf5File file(fixture);
  CHECK(error_of([&] { file.read("f5"); }) == has("small.h5' has no 'f5'"));
  CHECK(error_of([&] { file.read("video"); }) == has("'video' is no data set"));
  CHECK(error_of([&] { file.read("words"); }) == has("'words' does not hold numbers"));
  CHECK(error_of([&] { file.read_strings("f4", 0, 1); }) == has("'f4' must be a list of texts"));
  CHECK(error_of([&] { file.read_sequence("i4", 0); }) == has("'i4' does not hold sequences"));
  CHECK(error_of([&] { file.read("f4", 3, 5); }) == has("rows 4 to 5 of 'f4' do not exist: it has 4"));
  CHECK(error_of([&] { file.read("scalar", 0, 1); }) == has("'scalar' is a single value, not rows"));
  CHECK(error_of([&] { file.children("nothing"); }) == has("has no 'nothing'"));
  CHECK(error_of([&] { file.integer_column("/", "split", "begin"); }) == has("has no column 'begin'"));
  CHECK(error_of([&] { file.integer_column("/", "split", "source"); }) == has("does not hold integers"));
  CHECK(error_of([] { Hdf5File("tests/fixtures/io/none.h5"); }) == has("none.h5'"));
  CHECK(error_of([] { Hdf5File("tests/fixtures/io/rgb.png"); }) == has("is not an HDF5 file"));
}

TEST_CASE("an HDF5 file can claim any size and point anywhere: neither is followed") {
  Hdf5File file(fixture);
  CHECK(error_of([&] { file.read("huge"); }) == has("'huge' asks for more than"));
  CHECK(file.read("huge", 0, 2).equal(at::zeros({2, 4}, at::kDouble)));
  CHECK(error_of([&] { file.read("outside"); }) == has("'outside' is a link to another file"));
  CHECK(error_of([&] { file.read("external"); }) == has("'external' keeps its data in other files"));
}

TEST_CASE("a shortened HDF5 file is an error wherever it ends") {
  Scratch scratch;
  const std::string whole = read_file(fixture);
  for (size_t size = 0; size < whole.size(); size += 97) {
    write_file(scratch / "cut.h5", whole.substr(0, size));
    CHECK(error_of([&] {
            Hdf5File file(scratch / "cut.h5");
            file.read("f4");
            file.read("i4");
          }) == has("cut.h5'"));
  }
}

TEST_CASE("several threads may read one HDF5 file") {
  Hdf5File file(fixture);
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i)
        if (file.read("f4", i % 4, i % 4 + 1)[0][0].item<float>() != static_cast<float>(i % 4 * 3)) ++wrong;
    });
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
}
