#include "io/file.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/scratch.h"

using namespace multiviz;

namespace {

size_t entries(const Scratch& scratch) {
  return static_cast<size_t>(
      std::distance(std::filesystem::directory_iterator(scratch.folder()), std::filesystem::directory_iterator()));
}

// Files may not grow beyond `bytes`, which is how a full disk looks from inside a write.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_;
  void (*handler_)(int);
};

}  // namespace

TEST_CASE("devices and pipes are not replaced, links are followed") {
  for (const char* path : {"/dev/full", "/dev/null"}) {
    CHECK(error_of([&] { write_file(path, "x"); }) ==
          fmt::format("cannot write '{}': it is a device or a pipe: give a file", path));
    CHECK(std::filesystem::is_character_file(path));
  }
  Scratch scratch;
  write_file(scratch / "file", "old");
  std::filesystem::create_symlink("file", scratch / "link");
  write_file(scratch / "link", "new");
  CHECK(std::filesystem::is_symlink(scratch / "link"));
  CHECK(read_file(scratch / "file") == "new");
}

TEST_CASE("a file is written whole and read back") {
  Scratch scratch;
  std::string bytes("a\0b\n", 4);
  write_file(scratch / "x", bytes);
  CHECK(read_file(scratch / "x") == bytes);
  write_file(scratch / "x", "");
  CHECK(read_file(scratch / "x").empty());
  CHECK(entries(scratch) == 1);
}

TEST_CASE("what cannot be read is named with the reason") {
  Scratch scratch;
  CHECK(error_of([&] { read_file(scratch / "none"); }) == has("none': no such file or directory: check the path"));
  CHECK(error_of([&] { read_file(scratch.folder().string()); }) == has("it is a folder"));
  write_file(scratch / "x", "12345");
  CHECK(error_of([&] { read_file(scratch / "x", 4); }) == has("it has 5 bytes, more than the 4"));
  CHECK(read_file(scratch / "x", 5) == "12345");
  CHECK(error_of([&] { read_file("/dev/zero", 100); }) == has("more than the 100 bytes"));
}

TEST_CASE("a write that fails leaves the old file and nothing else") {
  Scratch scratch;
  write_file(scratch / "x", "old");
  {
    FileSizeLimit full(4096);
    CHECK(error_of([&] { write_file(scratch / "x", std::string(10000, 'n')); }) == has("x': file too large"));
  }
  CHECK(read_file(scratch / "x") == "old");
  CHECK(entries(scratch) == 1);
  CHECK(error_of([&] { write_file(scratch / "no/such/x", "n"); }) == has("no such file or directory"));
  std::filesystem::create_directory(scratch / "folder");
  CHECK(error_of([&] { write_file(scratch / "folder", "n"); }) == has("it is a folder"));
}

TEST_CASE("a place where nobody may write is an error that says so") {
  Scratch scratch;
  CHECK(error_of([&] { write_file("/proc/multiviz", "n"); }) == has("cannot write '/proc/multiviz'"));
  CHECK(error_of([&] { make_folder("/proc/multiviz"); }) == has("'/proc/multiviz'"));
  write_file(scratch / "file", "");
  CHECK(error_of([&] { write_file(scratch / "file/x", "n"); }) == has("not a directory"));
  CHECK(error_of([&] { make_folder(scratch / "file/x"); }) == has("not a directory"));
  if (geteuid() == 0) return;  // whom permissions do not keep out
  std::filesystem::permissions(scratch.folder(),
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  CHECK(error_of([&] { write_file(scratch / "x", "n"); }) == has("permission denied: choose a place"));
  CHECK(error_of([&] { make_folder(scratch / "a/b"); }) == has("permission denied"));
}

TEST_CASE("an atomic file that is not committed leaves nothing") {
  Scratch scratch;
  {
    AtomicFile file(scratch / "x");
    file.write("half");
    CHECK(entries(scratch) == 1);
    CHECK_FALSE(std::filesystem::exists(scratch / "x"));
  }
  CHECK(entries(scratch) == 0);
}

TEST_CASE("folders are made with their parents") {
  Scratch scratch;
  make_folder(scratch / "a/b/c");
  make_folder(scratch / "a/b/c");
  CHECK(std::filesystem::is_directory(scratch / "a/b/c"));
  write_file(scratch / "f", "");
  CHECK(error_of([&] { make_folder(scratch / "f"); }) == has("in the way"));
  CHECK(error_of([&] { make_folder(scratch / "f/g"); }) == has("not a directory: a file of that name is in the way"));
}
