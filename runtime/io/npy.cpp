#include "io/npy.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <vector>

#include "core/error.h"
#include "io/file.h"
#include "io/mapping.h"
#include "io/zip.h"

namespace multiviz {
namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr uint64_t longest_header = 1 << 20;

struct Type {
  const char* name;  // as NumPy writes it, without the byte order
  at::ScalarType scalar;
};

constexpr Type types[] = {{"f8", at::kDouble},       {"f4", at::kFloat},         {"f2", at::kHalf}, {"i8", at::kLong},
                          {"i4", at::kInt},          {"i2", at::kShort},         {"i1", at::kChar}, {"u8", at::kUInt64},
                          {"u4", at::kUInt32},       {"u2", at::kUInt16},        {"u1", at::kByte}, {"b1", at::kBool},
                          {"c8", at::kComplexFloat}, {"c16", at::kComplexDouble}};

struct Header {
  std::string type;
  bool fortran = false;
  std::vector<int64_t> shape;
};

// Reads the one Python literal that a header may be: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& path) : rest_(text), path_(path) {}

  Header parse() {
    Header header;
    int seen = 0;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr" && !(seen & 1)) {
        header.type = descr();
        seen |= 1;
      } else if (key == "fortran_order" && !(seen & 2)) {
        header.fortran = boolean();
        seen |= 2;
      } else if (key == "shape" && !(seen & 4)) {
        header.shape = tuple();
        seen |= 4;
      } else {
        broken();
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (!rest_.empty() || seen != 7) broken();
    return header;
  }

 private:
  [[noreturn]] void broken() const { fail("'{}': its npy header is damaged", path_); }

  void skip_space() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n' || rest_[0] == '\t')) rest_.remove_prefix(1);
  }
  bool accept(char c) {
    skip_space();
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!accept(c)) broken();
  }
  std::string quoted() {
    skip_space();
    if (rest_.empty() || (rest_[0] != '\'' && rest_[0] != '"')) broken();
    const size_t end = rest_.find(rest_[0], 1);
    if (end == std::string_view::npos) broken();
    std::string text(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return text;
  }
  std::string descr() {
    skip_space();
    check(!rest_.starts_with('['), "'{}' holds a structured array: save its fields one by one", path_);
    return quoted();
  }
  bool boolean() {
    skip_space();
    for (bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (!rest_.starts_with(word)) continue;
      rest_.remove_prefix(word.size());
      return value;
    }
    broken();
  }
  std::vector<int64_t> tuple() {
    std::vector<int64_t> sizes;
    expect('(');
    while (!accept(')')) {
      skip_space();
      int64_t size = 0;
      auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), size);
      if (error != std::errc()) broken();
      rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
      accept('L');  // Python 2 wrote its long integers so
      sizes.push_back(size);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return sizes;
  }

  std::string_view rest_;
  const std::string& path_;
};

bool is_number(const std::string& descr) {
  return descr.size() >= 2 && std::any_of(std::begin(types), std::end(types),
                                          [&](const Type& type) { return descr.substr(1) == type.name; });
}

at::ScalarType parse_type(const std::string& descr, const std::string& path) {
  check(descr.size() >= 2, "'{}': its dtype '{}' is unknown", path, descr);
  for (const Type& type : types) {
    if (descr.substr(1) != type.name) continue;
    check(descr[0] == '<' || (descr[0] == '|' && at::elementSize(type.scalar) == 1),
          "'{}': its numbers are not little-endian ('{}'): save array.astype('<{}')", path, descr, type.name);
    return type.scalar;
  }
  fail("'{}': its dtype '{}' is not a number: only arrays of numbers and booleans can be read", path, descr);
}

std::string descr_of(const at::Tensor& tensor, const std::string& path) {
  for (const Type& type : types)
    if (type.scalar == tensor.scalar_type()) return (tensor.element_size() == 1 ? "|" : "<") + std::string(type.name);
  fail("cannot write '{}': NumPy has no dtype for {}: convert it to float32 first", path,
       at::toString(tensor.scalar_type()));
}

// Where the header's text begins and ends in the file.
std::pair<uint64_t, uint64_t> header_range(std::string_view bytes, const std::string& path) {
  check(bytes.starts_with(magic) && bytes.size() >= 12, "'{}' is not an npy file", path);
  const int version = static_cast<unsigned char>(bytes[6]);
  check(version >= 1 && version <= 3, "'{}' is an npy file of version {}: only 1 to 3 are known", path, version);
  const uint64_t begin = version == 1 ? 10 : 12;
  uint64_t length = 0;
  std::memcpy(&length, bytes.data() + 8, begin - 8);
  check(length <= longest_header && length <= bytes.size() - begin,
        "'{}' is truncated or damaged: its header should have {} bytes and the file has {}", path, length,
        bytes.size());
  return {begin, begin + length};
}

// The array in `bytes`; make(offset, type, shape) makes a tensor of what follows its header. An undefined tensor where
// it holds no numbers and `numbers_only` is off.
template <typename Make>
at::Tensor read_array(std::string_view bytes, const std::string& path, bool numbers_only, const Make& make) {
  const auto [begin, end] = header_range(bytes, path);
  Header header = HeaderParser(bytes.substr(begin, end - begin), path).parse();
  if (!numbers_only && !is_number(header.type)) return {};
  const at::ScalarType type = parse_type(header.type, path);
  const uint64_t needed = byte_count(type, header.shape, fmt::format("'{}'", path)), there = bytes.size() - end;
  check(needed <= there, "'{}' is truncated: its shape needs {} bytes and {} are there", path, needed, there);
  check(needed == there, "'{}': {} bytes after the array belong to nothing", path, there - needed);
  if (!header.fortran) return make(end, type, header.shape);
  std::reverse(header.shape.begin(), header.shape.end());
  at::Tensor reversed = make(end, type, header.shape);
  std::vector<int64_t> axes;
  for (int64_t axis = reversed.dim() - 1; axis >= 0; --axis) axes.push_back(axis);
  return reversed.permute(axes).contiguous();
}

}  // namespace

at::Tensor load_npy(const std::string& path) {
  auto mapping = std::make_shared<Mapping>(path);
  return read_array({mapping->data(), mapping->size()}, path, true,
                    [&](uint64_t offset, at::ScalarType type, const std::vector<int64_t>& shape) {
                      return tensor_at(mapping, offset, type, shape, fmt::format("'{}'", path));
                    });
}

std::map<std::string, at::Tensor> load_npz(const std::string& path) {
  auto mapping = std::make_shared<Mapping>(path);
  std::map<std::string, at::Tensor> out;
  for (const auto& [name, range] : zip_entries({mapping, {mapping->data(), mapping->size()}}, path, true)) {
    if (!name.ends_with(".npy")) continue;
    const auto entry = fmt::format("{}: {}", path, name);
    const auto bytes = range.bytes;
    auto tensor =
        read_array(bytes, entry, false, [&](uint64_t offset, at::ScalarType type, const std::vector<int64_t>& shape) {
          auto copy = at::empty(shape, type);
          if (copy.numel() > 0) std::memcpy(copy.data_ptr(), bytes.data() + offset, copy.nbytes());
          return copy;
        });
    if (tensor.defined()) out[name.substr(0, name.size() - 4)] = tensor;
  }
  return out;
}

void save_npy(const std::string& path, const at::Tensor& tensor) {
  check(tensor.defined() && tensor.layout() == at::kStrided, "cannot write '{}': it is not a dense tensor", path);
  std::string shape;
  for (int64_t size : tensor.sizes()) shape += fmt::format("{},", size);
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr_of(tensor, path), shape);
  const size_t before = magic.size() + 4;
  header.resize((before + header.size() + 1 + 63) / 64 * 64 - before - 1, ' ');
  header += '\n';
  const auto length = static_cast<uint16_t>(header.size());
  AtomicFile file(path);
  file.write(magic);
  file.write({"\x01\x00", 2});
  file.write({reinterpret_cast<const char*>(&length), 2});
  file.write(header);
  at::Tensor dense = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous();
  file.write({static_cast<const char*>(dense.const_data_ptr()), static_cast<size_t>(dense.nbytes())});
  file.commit();
}

}  // namespace multiviz
