#include "io/mapping.h"

#include <ATen/ATen.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "core/error.h"
#include "io/file.h"

namespace multiviz {
namespace {

static_assert(std::endian::native == std::endian::little, "the data in safetensors and npy files is little-endian");

constexpr size_t most_dimensions = 64;  // LibTorch's

}  // namespace

Mapping::Mapping(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  check(file >= 0, "cannot read '{}': {}", path, system_reason(errno));
  struct stat status;
  const bool regular = ::fstat(file, &status) == 0 && S_ISREG(status.st_mode);
  size_ = regular ? static_cast<uint64_t>(status.st_size) : 0;
  if (size_ > 0) data_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file, 0);
  const int code = errno;
  ::close(file);
  check(regular, "cannot read '{}': it is not a file: give a file", path);
  check(data_ != MAP_FAILED, "cannot read '{}': {}", path, system_reason(code));
}

Mapping::~Mapping() {
  if (data_) ::munmap(data_, size_);
}

uint64_t byte_count(at::ScalarType type, const std::vector<int64_t>& shape, const std::string& where) {
  check(shape.size() <= most_dimensions, "{}: it has {} dimensions", where, shape.size());
  uint64_t bytes = at::elementSize(type), bound = bytes;
  for (int64_t size : shape) {
    check(size >= 0, "{}: a size in its shape is negative", where);
    const bool overflow = __builtin_mul_overflow(bound, static_cast<uint64_t>(std::max<int64_t>(size, 1)), &bound);
    check(!overflow && bound <= INT64_MAX, "{}: its shape is too large", where);
    bytes *= static_cast<uint64_t>(size);
  }
  return bytes;
}

at::Tensor tensor_at(const std::shared_ptr<Mapping>& mapping, uint64_t offset, at::ScalarType type,
                     const std::vector<int64_t>& shape, const std::string& where) {
  const uint64_t bytes = byte_count(type, shape, where);
  check(offset <= mapping->size() && bytes <= mapping->size() - offset, "{}: its data lies outside the file", where);
  char* data = mapping->data() + offset;
  if (type == at::kBool)
    check(std::all_of(data, data + bytes, [](char value) { return value == 0 || value == 1; }),
          "{}: a boolean in it is neither 0 nor 1", where);
  auto options = at::TensorOptions().dtype(type);
  if (bytes > 0 && reinterpret_cast<uintptr_t>(data) % at::elementSize(type) == 0)
    return at::from_blob(
        data, shape, [mapping](void*) {}, options);
  at::Tensor copy = at::empty(shape, options);
  if (bytes > 0) std::memcpy(copy.data_ptr(), data, bytes);
  return copy;
}

}  // namespace multiviz
