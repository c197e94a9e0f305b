#include "io/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "core/error.h"

namespace multiviz {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

const char* advice(int code) {
  switch (code) {
    case ENOENT:
      return ": check the path";
    case ENOTDIR:
      return ": a file of that name is in the way";
    case EACCES:
    case EPERM:
    case EROFS:
      return ": choose a place where you have permission";
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return ": free some space or choose another place";
    default:
      return "";
  }
}

}  // namespace

std::string system_reason(int code) {
  std::string reason = std::generic_category().message(code);
  if (!reason.empty()) reason[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(reason[0])));
  return reason + advice(code);
}

std::string read_file(const std::string& path, uint64_t limit) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  check(file.get() >= 0, "cannot read '{}': {}", path, system_reason(errno));
  struct stat status;
  check(::fstat(file.get(), &status) == 0, "cannot read '{}': {}", path, system_reason(errno));
  check(!S_ISDIR(status.st_mode), "cannot read '{}': it is a folder: give a file", path);
  const auto expected = static_cast<uint64_t>(std::max<off_t>(status.st_size, 0));
  check(expected <= limit, "cannot read '{}': it has {} bytes, more than the {} allowed here", path, expected, limit);

  // Pipes and files that grow do not tell their size: read until the end, whatever it said.
  std::string bytes;
  bytes.resize(expected + 1);
  size_t filled = 0;
  for (;;) {
    if (filled == bytes.size()) bytes.resize(bytes.size() * 2);
    ssize_t count = ::read(file.get(), bytes.data() + filled, bytes.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    check(count >= 0, "cannot read '{}': {}", path, system_reason(errno));
    if (count == 0) break;
    filled += static_cast<size_t>(count);
    check(filled <= limit, "cannot read '{}': it has more than the {} bytes allowed here", path, limit);
  }
  bytes.resize(filled);
  return bytes;
}

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
  static std::atomic<uint64_t> counter{0};
  namespace fs = std::filesystem;
  std::error_code ignored;
  const auto status = fs::status(path_, ignored);  // follows links, as does what is written
  check(status.type() != fs::file_type::directory, "cannot write '{}': it is a folder: give a file", path_);
  check(!fs::exists(status) || status.type() == fs::file_type::regular,
        "cannot write '{}': it is a device or a pipe: give a file", path_);
  if (fs::is_symlink(path_, ignored) && fs::exists(status)) path_ = fs::canonical(path_).string();
  temporary_ = fmt::format("{}.{}-{}.tmp", path_, ::getpid(), counter++);
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  check(descriptor_ >= 0, "cannot write '{}': {}", path_, system_reason(errno));
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    check(count >= 0, "cannot write '{}': {}", path_, system_reason(errno));
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

void AtomicFile::commit() {
  check(::fsync(descriptor_) == 0, "cannot write '{}': {}", path_, system_reason(errno));
  const int closed = ::close(std::exchange(descriptor_, -1));
  check(closed == 0, "cannot write '{}': {}", path_, system_reason(errno));
  check(::rename(temporary_.c_str(), path_.c_str()) == 0, "cannot write '{}': {}", path_, system_reason(errno));
  temporary_.clear();
}

void write_file(const std::string& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return;
  fail("cannot make the folder '{}': {}", path, error ? system_reason(error.value()) : "a file is in the way");
}

}  // namespace multiviz
