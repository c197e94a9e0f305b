#include "io/line_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/cancel.h"
#include "core/error.h"
#include "core/progress.h"
#include "io/file.h"

namespace multiviz {

LineFile::LineFile(const std::string& path, const std::string& expected)
    : path_(path), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  check(descriptor_ >= 0, "cannot read '{}': {}", path, system_reason(errno));
  struct stat status;
  const bool regular = ::fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode);
  if (!regular) ::close(descriptor_);
  check(regular, "cannot read '{}': it is not a file: {}", path, expected);
  size_ = static_cast<uint64_t>(status.st_size);
}

LineFile::~LineFile() { ::close(descriptor_); }

std::string LineFile::read(uint64_t offset, uint64_t size) const {
  std::string bytes(size, '\0');
  for (uint64_t filled = 0; filled < size;) {
    const ssize_t count =
        ::pread(descriptor_, bytes.data() + filled, size - filled, static_cast<off_t>(offset + filled));
    if (count < 0 && errno == EINTR) continue;
    check(count >= 0, "cannot read '{}': {}", path_, system_reason(errno));
    check(count > 0, "'{}' became shorter while it was in use: open it again", path_);
    filled += static_cast<uint64_t>(count);
  }
  return bytes;
}

std::vector<Line> find_lines(const LineFile& file, bool quoted) {
  constexpr uint64_t block = 1 << 20, longest = uint64_t{1} << 28;
  std::vector<Line> lines;
  Progress progress("reading " + file.path(), static_cast<int64_t>(file.size()));
  Line line{0, 0, 1};
  int64_t number = 1;
  bool blank = true, open = false;
  auto finish = [&](uint64_t end) {
    check(!open, "{}:{}: a double quote is never closed", file.path(), line.number);
    line.size = end - line.offset;
    if (!blank) lines.push_back(line);
  };
  for (uint64_t position = 0; position < file.size(); position += block) {
    throw_if_cancelled();
    const std::string bytes = file.read(position, std::min(block, file.size() - position));
    for (size_t i = 0; i < bytes.size(); ++i) {
      const char c = bytes[i];
      if (c == '"' && quoted) open = !open;
      blank = blank && (c == ' ' || c == '\t' || c == '\r' || c == '\n');
      if (c != '\n') continue;
      ++number;
      if (open) continue;
      finish(position + i);
      line = {position + i + 1, 0, number};
      blank = true;
    }
    check(position + bytes.size() - line.offset <= longest, "{}:{}: the line has more than {} bytes", file.path(),
          line.number, longest);
    progress.advance(static_cast<int64_t>(bytes.size()));
  }
  finish(file.size());
  return lines;
}

}  // namespace multiviz
