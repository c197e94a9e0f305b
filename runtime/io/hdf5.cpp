#include "io/hdf5.h"

#include <ATen/ATen.h>
#include <hdf5.h>

#include <algorithm>
#include <mutex>

#include "core/error.h"
#include "io/file.h"
#include "io/mapping.h"

namespace multiviz {
namespace {

constexpr uint64_t most_bytes = uint64_t{1} << 31;  // of one read
constexpr int64_t most_objects = 1'000'000;         // of one group

// The Debian build is not thread-safe. One lock for every file.
std::mutex& library() {
  static std::mutex mutex;
  return mutex;
}

void prepare_library() {
  static std::once_flag once;
  std::call_once(once, [] {
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    H5PLset_loading_state(0);
  });
}

// The innermost reason in the library's error stack.
std::string reason() {
  std::string text;
  H5Ewalk2(
      H5E_DEFAULT, H5E_WALK_UPWARD,
      [](unsigned, const H5E_error2_t* error, void* out) -> herr_t {
        auto& text = *static_cast<std::string*>(out);
        if (text.empty() && error->desc) text = error->desc;
        return 0;
      },
      &text);
  H5Eclear2(H5E_DEFAULT);
  return text.empty() ? "unknown reason" : text;
}

// A handle of the library, closed at the end of its life.
class Id {
 public:
  Id(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  ~Id() {
    if (id_ >= 0) close_(id_);
  }
  Id(Id&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Id& operator=(Id&&) = delete;
  operator hid_t() const { return id_; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

struct Numbers {
  at::ScalarType scalar;
  hid_t memory;  // a predefined type: not closed
};

}  // namespace

struct Hdf5File::State {
  std::string path;
  hid_t file = -1;

  [[noreturn]] void damaged(const std::string& object, const std::string& what) const {
    const std::string why = reason();
    fail("'{}': '{}' {}: {}", path, object, what, why);
  }

  // Whether every step of the path is a hard or soft link inside this file and the object is there.
  bool exists(const std::string& name) const {
    for (size_t end = 0; end != std::string::npos;) {
      end = name.find('/', end + 1);
      const std::string part = name.substr(0, end);
      if (part.empty() || part == "/") continue;
      if (H5Lexists(file, part.c_str(), H5P_DEFAULT) <= 0) return H5Eclear2(H5E_DEFAULT), false;
      H5L_info_t info;
      if (H5Lget_info(file, part.c_str(), &info, H5P_DEFAULT) < 0) damaged(part, "cannot be read");
      check(info.type == H5L_TYPE_HARD || info.type == H5L_TYPE_SOFT,
            "'{}': '{}' is a link to another file, which is not followed: copy the data into one file", path, part);
    }
    return true;
  }

  Id open_dataset(const std::string& name) const {
    check(exists(name), "'{}' has no '{}'", path, name);
    Id dataset(H5Dopen2(file, name.c_str(), H5P_DEFAULT), H5Dclose);
    if (dataset < 0) damaged(name, "is no data set");
    Id creation(H5Dget_create_plist(dataset), H5Pclose);
    if (creation < 0) damaged(name, "cannot be read");
    check(H5Pget_layout(creation) != H5D_VIRTUAL && H5Pget_external_count(creation) == 0,
          "'{}': '{}' keeps its data in other files, which are not read: copy the data into one file", path, name);
    return dataset;
  }

  std::vector<hsize_t> extent(hid_t dataset, const std::string& name) const {
    Id space(H5Dget_space(dataset), H5Sclose);
    if (space < 0) damaged(name, "has no shape");
    const int rank = H5Sget_simple_extent_ndims(space);
    check(rank >= 0 && rank <= 32, "'{}': '{}' has no shape", path, name);
    std::vector<hsize_t> sizes(static_cast<size_t>(rank));
    if (rank > 0 && H5Sget_simple_extent_dims(space, sizes.data(), nullptr) < 0) damaged(name, "has no shape");
    for (hsize_t size : sizes)
      check(size <= hsize_t{1} << 48, "'{}': '{}' claims {} rows: the file is damaged", path, name, size);
    return sizes;
  }

  void check_rows(const std::vector<hsize_t>& sizes, int64_t begin, int64_t end, const std::string& name) const {
    check(!sizes.empty(), "'{}': '{}' is a single value, not rows", path, name);
    check(begin >= 0 && begin <= end && end <= static_cast<int64_t>(sizes[0]),
          "'{}': rows {} to {} of '{}' do not exist: it has {}", path, begin + 1, end, name, sizes[0]);
  }

  Numbers number_type(hid_t type, const std::string& name) const {
    const H5T_class_t kind = H5Tget_class(type);
    const size_t size = H5Tget_size(type);
    if (kind == H5T_FLOAT) {
      if (size == 4) return {at::kFloat, H5T_NATIVE_FLOAT};
      if (size == 8) return {at::kDouble, H5T_NATIVE_DOUBLE};
      if (size == 2) return {at::kFloat, H5T_NATIVE_FLOAT};
    }
    if (kind == H5T_INTEGER || kind == H5T_ENUM) {
      const bool sign = kind == H5T_ENUM || H5Tget_sign(type) == H5T_SGN_2;
      if (size == 1) return sign ? Numbers{at::kChar, H5T_NATIVE_INT8} : Numbers{at::kByte, H5T_NATIVE_UINT8};
      if (size == 2) return sign ? Numbers{at::kShort, H5T_NATIVE_INT16} : Numbers{at::kInt, H5T_NATIVE_INT32};
      if (size == 4) return sign ? Numbers{at::kInt, H5T_NATIVE_INT32} : Numbers{at::kLong, H5T_NATIVE_INT64};
      if (size == 8) return {at::kLong, H5T_NATIVE_INT64};
    }
    fail("'{}': '{}' does not hold numbers", path, name);
  }

  // The rows [begin, end) as a selection of the file's data set.
  Id rows_of(hid_t dataset, const std::vector<hsize_t>& sizes, int64_t begin, int64_t end,
             const std::string& name) const {
    Id space(H5Dget_space(dataset), H5Sclose);
    std::vector<hsize_t> start(sizes.size(), 0), count = sizes;
    start[0] = static_cast<hsize_t>(begin);
    count[0] = static_cast<hsize_t>(end - begin);
    if (space < 0 || H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr) < 0)
      damaged(name, "cannot be read");
    return space;
  }

  uint64_t bytes_of(const std::vector<hsize_t>& sizes, uint64_t element, const std::string& name) const {
    unsigned __int128 bytes = element;
    for (hsize_t size : sizes) bytes *= size;
    check(bytes <= most_bytes, "'{}': '{}' asks for more than {} bytes at once", path, name, most_bytes);
    return static_cast<uint64_t>(bytes);
  }

  at::Tensor numbers(const std::string& name, std::optional<std::pair<int64_t, int64_t>> rows) const {
    Id dataset = open_dataset(name);
    std::vector<hsize_t> sizes = extent(dataset, name);
    Id type(H5Dget_type(dataset), H5Tclose);
    if (type < 0) damaged(name, "has no type");
    const Numbers wanted = number_type(type, name);
    const hid_t all = H5S_ALL;
    std::optional<Id> selection;
    if (rows) {
      check_rows(sizes, rows->first, rows->second, name);
      selection.emplace(rows_of(dataset, sizes, rows->first, rows->second, name));
      sizes[0] = static_cast<hsize_t>(rows->second - rows->first);
    }
    bytes_of(sizes, at::elementSize(wanted.scalar), name);
    at::Tensor out = at::empty(std::vector<int64_t>(sizes.begin(), sizes.end()), wanted.scalar);
    if (out.numel() == 0) return out;
    std::optional<Id> memory;
    if (selection) memory.emplace(H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr), H5Sclose);
    if (H5Dread(dataset, wanted.memory, memory ? static_cast<hid_t>(*memory) : all,
                selection ? static_cast<hid_t>(*selection) : all, H5P_DEFAULT, out.data_ptr()) < 0)
      damaged(name, "cannot be read");
    return out;
  }

  // Strings of fixed or variable length, `count` of them, by `read(type, buffer)`.
  template <typename Read>
  std::vector<std::string> strings(hid_t type, uint64_t count, const std::string& name, Read&& read) const {
    check(H5Tget_class(type) == H5T_STRING, "'{}': '{}' does not hold text", path, name);
    std::vector<std::string> out;
    if (H5Tis_variable_str(type) > 0) {
      std::vector<char*> texts(bytes_of({count}, sizeof(char*), name) / sizeof(char*), nullptr);
      Id memory(H5Tcopy(H5T_C_S1), H5Tclose);
      H5Tset_size(memory, H5T_VARIABLE);
      H5Tset_cset(memory, H5Tget_cset(type));
      if (read(memory, texts.data()) < 0) damaged(name, "cannot be read");
      for (char* text : texts) {
        out.emplace_back(text ? text : "");
        H5free_memory(text);
      }
      return out;
    }
    const size_t width = H5Tget_size(type);
    std::string bytes(bytes_of({count}, width, name), '\0');
    Id memory(H5Tcopy(type), H5Tclose);
    if (read(memory, bytes.data()) < 0) damaged(name, "cannot be read");
    for (uint64_t i = 0; i < count; ++i) {
      const std::string text = bytes.substr(i * width, width);
      out.push_back(text.substr(0, text.find('\0')));
    }
    return out;
  }

  Id open_attribute(const std::string& object, const std::string& name) const {
    Id attribute(H5Aopen_by_name(file, object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
    if (attribute < 0) damaged(object + "@" + name, "cannot be read");
    return attribute;
  }

  // The number of records, and the type of one field, of an attribute that is a table.
  std::pair<uint64_t, Id> column(hid_t attribute, const std::string& name, const std::string& field) const {
    Id space(H5Aget_space(attribute), H5Sclose);
    Id type(H5Aget_type(attribute), H5Tclose);
    const hssize_t count = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
    check(count >= 0 && count <= most_objects && type >= 0 && H5Tget_class(type) == H5T_COMPOUND,
          "'{}': '{}' is not a table", path, name);
    const int index = H5Tget_member_index(type, field.c_str());
    check(index >= 0, "'{}': the table '{}' has no column '{}'", path, name, field);
    Id member(H5Tget_member_type(type, static_cast<unsigned>(index)), H5Tclose);
    if (member < 0) damaged(name, "cannot be read");
    return {static_cast<uint64_t>(count), std::move(member)};
  }
};

namespace {

// A record with this one field, which the library picks out of the file's wider ones.
Id record_of(hid_t field, const std::string& name) {
  Id record(H5Tcreate(H5T_COMPOUND, H5Tget_size(field)), H5Tclose);
  H5Tinsert(record, name.c_str(), 0, field);
  return record;
}

}  // namespace

Hdf5File::Hdf5File(const std::string& path) : state_(std::make_unique<State>()) {
  std::lock_guard lock(library());
  prepare_library();
  state_->path = path;
  Mapping readable(path);  // its error says why a file cannot be read
  Id access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_file_locking(access, false, true);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  state_->file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, access);
  if (state_->file < 0) fail("'{}' is not an HDF5 file, or it is damaged: {}", path, reason());
}

Hdf5File::~Hdf5File() {
  std::lock_guard lock(library());
  if (state_->file >= 0) H5Fclose(state_->file);
}

const std::string& Hdf5File::path() const { return state_->path; }

bool Hdf5File::contains(const std::string& name) const {
  std::lock_guard lock(library());
  return state_->exists(name);
}

std::vector<std::string> Hdf5File::children(const std::string& name) const {
  std::lock_guard lock(library());
  const State& state = *state_;
  check(name == "/" || state.exists(name), "'{}' has no '{}'", state.path, name);
  Id group(H5Gopen2(state.file, name.c_str(), H5P_DEFAULT), H5Gclose);
  if (group < 0) state.damaged(name, "is no group");
  std::vector<std::string> names;
  const herr_t status = H5Literate(
      group, H5_INDEX_NAME, H5_ITER_NATIVE, nullptr,
      [](hid_t, const char* child, const H5L_info_t*, void* out) -> herr_t {
        auto& names = *static_cast<std::vector<std::string>*>(out);
        if (std::ssize(names) >= most_objects) return -1;
        names.emplace_back(child);
        return 0;
      },
      &names);
  if (status < 0) state.damaged(name, "cannot be listed");
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<int64_t> Hdf5File::shape(const std::string& name) const {
  std::lock_guard lock(library());
  Id dataset = state_->open_dataset(name);
  const auto sizes = state_->extent(dataset, name);
  return {sizes.begin(), sizes.end()};
}

at::Tensor Hdf5File::read(const std::string& dataset) const {
  std::lock_guard lock(library());
  return state_->numbers(dataset, std::nullopt);
}

at::Tensor Hdf5File::read(const std::string& dataset, int64_t begin, int64_t end) const {
  std::lock_guard lock(library());
  return state_->numbers(dataset, std::pair{begin, end});
}

std::vector<std::string> Hdf5File::read_strings(const std::string& name, int64_t begin, int64_t end) const {
  std::lock_guard lock(library());
  const State& state = *state_;
  Id dataset = state.open_dataset(name);
  auto sizes = state.extent(dataset, name);
  state.check_rows(sizes, begin, end, name);
  check(sizes.size() == 1 || (sizes.size() == 2 && sizes[1] == 1), "'{}': '{}' must be a list of texts", state.path,
        name);
  if (begin == end) return {};
  Id type(H5Dget_type(dataset), H5Tclose);
  Id selection = state.rows_of(dataset, sizes, begin, end, name);
  sizes[0] = static_cast<hsize_t>(end - begin);
  Id memory(H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr), H5Sclose);
  return state.strings(type, sizes[0], name, [&](hid_t memory_type, void* buffer) {
    return H5Dread(dataset, memory_type, memory, selection, H5P_DEFAULT, buffer);
  });
}

std::vector<int64_t> Hdf5File::read_sequence(const std::string& name, int64_t row) const {
  std::lock_guard lock(library());
  const State& state = *state_;
  Id dataset = state.open_dataset(name);
  const auto sizes = state.extent(dataset, name);
  state.check_rows(sizes, row, row + 1, name);
  Id type(H5Dget_type(dataset), H5Tclose);
  check(sizes.size() == 1 && type >= 0 && H5Tget_class(type) == H5T_VLEN, "'{}': '{}' does not hold sequences",
        state.path, name);
  Id element(H5Tget_super(type), H5Tclose);
  check(H5Tget_class(element) == H5T_INTEGER, "'{}': the sequences of '{}' are not of integers", state.path, name);
  Id wanted(H5Tvlen_create(H5T_NATIVE_INT64), H5Tclose);
  Id selection = state.rows_of(dataset, sizes, row, row + 1, name);
  const hsize_t one = 1;
  Id memory(H5Screate_simple(1, &one, nullptr), H5Sclose);
  hvl_t sequence{0, nullptr};
  if (H5Dread(dataset, wanted, memory, selection, H5P_DEFAULT, &sequence) < 0) state.damaged(name, "cannot be read");
  const auto* first = static_cast<const int64_t*>(sequence.p);
  std::vector<int64_t> out(first, first + (first ? sequence.len : 0));
  H5Dvlen_reclaim(wanted, memory, H5P_DEFAULT, &sequence);
  return out;
}

std::optional<std::string> Hdf5File::text_attribute(const std::string& object, const std::string& name) const {
  std::lock_guard lock(library());
  const State& state = *state_;
  check(object == "/" || state.exists(object), "'{}' has no '{}'", state.path, object);
  if (H5Aexists_by_name(state.file, object.c_str(), name.c_str(), H5P_DEFAULT) <= 0)
    return H5Eclear2(H5E_DEFAULT), std::nullopt;
  Id attribute = state.open_attribute(object, name);
  Id space(H5Aget_space(attribute), H5Sclose);
  check(space >= 0 && H5Sget_simple_extent_npoints(space) == 1, "'{}': the attribute '{}' of '{}' is not one text",
        state.path, name, object);
  Id type(H5Aget_type(attribute), H5Tclose);
  return state.strings(type, 1, object + "@" + name,
                       [&](hid_t memory, void* buffer) { return H5Aread(attribute, memory, buffer); })[0];
}

std::vector<std::string> Hdf5File::text_column(const std::string& object, const std::string& name,
                                               const std::string& field) const {
  std::lock_guard lock(library());
  const State& state = *state_;
  Id attribute = state.open_attribute(object, name);
  auto [count, type] = state.column(attribute, name, field);
  return state.strings(type, count, name, [&](hid_t memory, void* buffer) {
    Id record = record_of(memory, field);
    return H5Aread(attribute, record, buffer);
  });
}

std::vector<int64_t> Hdf5File::integer_column(const std::string& object, const std::string& name,
                                              const std::string& field) const {
  std::lock_guard lock(library());
  const State& state = *state_;
  Id attribute = state.open_attribute(object, name);
  auto [count, type] = state.column(attribute, name, field);
  check(H5Tget_class(type) == H5T_INTEGER, "'{}': the column '{}' of '{}' does not hold integers", state.path, field,
        name);
  std::vector<int64_t> out(count);
  Id record = record_of(H5T_NATIVE_INT64, field);
  if (H5Aread(attribute, record, out.data()) < 0) state.damaged(name, "cannot be read");
  return out;
}

}  // namespace multiviz
