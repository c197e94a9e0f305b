#include "io/lmdb.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "io/file.h"
#include "tests/scratch.h"

using namespace multiviz;

TEST_CASE("an LMDB database is read as it was written") {
  Scratch scratch;
  LmdbWriter writer(scratch / "db");
  writer.put("1", "one");
  writer.put("0", std::string(3'000'000, 'z'));  // more than the first memory map holds
  writer.put("1", std::string("with \0 inside", 13));
  CHECK_FALSE(std::filesystem::exists(scratch / "db"));
  writer.commit();
  LmdbReader reader(scratch / "db");
  CHECK(reader.keys() == std::vector<std::string>{"0", "1"});
  CHECK(reader.get("1") == std::string("with \0 inside", 13));
  CHECK(reader.get("0")->size() == 3'000'000);
  CHECK_FALSE(reader.get("2").has_value());
  CHECK_FALSE(reader.get(std::string(1000, 'k')).has_value());
  CHECK(error_of([&] { writer.put("2", "two"); }) == has("is written already"));
}

TEST_CASE("reading an LMDB database leaves its folder as it is") {
  Scratch scratch;
  {
    LmdbWriter writer(scratch / "db");
    writer.put("0", "zero");
    writer.commit();
  }
  std::filesystem::remove(scratch / "db/lock.mdb");
  std::filesystem::permissions(scratch / "db/data.mdb", std::filesystem::perms::owner_read);
  std::filesystem::permissions(scratch / "db", std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  CHECK(LmdbReader(scratch / "db").get("0") == "zero");
  CHECK_FALSE(std::filesystem::exists(scratch / "db/lock.mdb"));
  std::filesystem::permissions(scratch / "db", std::filesystem::perms::owner_all);
}

TEST_CASE("an LMDB database that is not written to the end is not there") {
  Scratch scratch;
  { LmdbWriter(scratch / "db").put("0", "zero"); }
  CHECK(std::filesystem::is_empty(scratch.folder()));
  make_folder(scratch / "taken");
  CHECK(error_of([&] { LmdbWriter writer(scratch / "taken"); }) == has("taken' exists already"));
}

TEST_CASE("a damaged LMDB database is an error, not a fault") {
  Scratch scratch;
  CHECK(error_of([&] { LmdbReader(scratch / "none"); }) == has("there is no LMDB database in"));
  {
    LmdbWriter writer(scratch / "db");
    for (int i = 0; i < 100; ++i) writer.put(std::to_string(i), std::string(1000, 'v'));
    writer.commit();
  }
  const std::string whole = read_file(scratch / "db/data.mdb");
  make_folder(scratch / "cut");
  for (size_t size : {size_t{0}, size_t{100}, size_t{4096}, size_t{4300}, whole.size() / 2}) {
    write_file(scratch / "cut/data.mdb", whole.substr(0, size));
    CHECK(error_of([&] { LmdbReader(scratch / "cut"); }) == has("cut/data.mdb'"));
  }
  std::string other = whole;
  other[16] = 'x';
  write_file(scratch / "cut/data.mdb", other);
  CHECK(error_of([&] { LmdbReader(scratch / "cut"); }) == has("is not an LMDB database"));
}
