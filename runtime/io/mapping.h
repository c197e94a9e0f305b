#pragma once
#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

namespace multiviz {

// The pages of a file. Private and writable: an in-place operation on a tensor that views it changes the copy that this
// process sees, not the file. Throws Error naming the file when it cannot be mapped.
class Mapping {
 public:
  explicit Mapping(const std::string& path);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  char* data() const { return static_cast<char*>(data_); }
  uint64_t size() const { return size_; }

 private:
  void* data_ = nullptr;
  uint64_t size_ = 0;
};

// The bytes of a tensor whose shape comes from an untrusted file. Throws Error starting with `where` when a size is
// negative, when there are more dimensions than LibTorch has, or when the product overflows; a size of 0 does not excuse
// the others.
uint64_t byte_count(at::ScalarType type, const std::vector<int64_t>& shape, const std::string& where);

// A tensor over the bytes at `offset`, which must lie inside the mapping; it keeps the mapping alive. Unaligned data is
// copied. Throws Error starting with `where` when a boolean is neither 0 nor 1.
at::Tensor tensor_at(const std::shared_ptr<Mapping>& mapping, uint64_t offset, at::ScalarType type,
                     const std::vector<int64_t>& shape, const std::string& where);

}  // namespace multiviz
