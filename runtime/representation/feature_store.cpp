#include "representation/feature_store.h"

#include <ATen/ATen.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "core/error.h"
#include "io/file.h"
#include "io/json.h"

namespace multiviz {
namespace {

constexpr const char* kind = "multiviz features 1";
constexpr int64_t most_features = int64_t{1} << 26;

int open_file(const std::string& path) {
  int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  check(file >= 0, "cannot write '{}': {}", path, system_reason(errno));
  return file;
}

// What a crash left beyond the committed size goes; less than that is damage.
void cut(int file, const std::string& path, int64_t size) {
  struct stat status;
  check(::fstat(file, &status) == 0, "cannot read '{}': {}", path, system_reason(errno));
  check(status.st_size >= size,
        "'{}' has {} bytes of the {} that its header counts: delete the folder and compute it again", path,
        status.st_size, size);
  check(::ftruncate(file, size) == 0, "cannot write '{}': {}", path, system_reason(errno));
}

void write_at(int file, const std::string& path, std::string_view bytes, int64_t offset) {
  while (!bytes.empty()) {
    ssize_t count = ::pwrite(file, bytes.data(), bytes.size(), offset);
    if (count < 0 && errno == EINTR) continue;
    check(count > 0, "cannot write '{}': {}", path, system_reason(count < 0 ? errno : ENOSPC));
    bytes.remove_prefix(static_cast<size_t>(count));
    offset += count;
  }
  check(::fsync(file) == 0, "cannot write '{}': {}", path, system_reason(errno));
}

std::string to_line(const FeatureRow& row) {
  nlohmann::json json = {{"id", row.id}, {"labels", row.labels}, {"prediction", row.prediction}};
  if (row.value) json["value"] = *row.value;
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

FeatureRow from_line(std::string_view line, const std::string& path) {
  nlohmann::json json = parse_json(line, path);
  try {
    FeatureRow row{json.at("id"), json.at("labels"), {}, json.at("prediction")};
    if (json.contains("value")) row.value = json["value"].get<double>();
    return row;
  } catch (const nlohmann::json::exception&) {
    fail("'{}' is damaged: delete the folder and compute it again", path);
  }
}

}  // namespace

FeatureStore::FeatureStore(std::string folder, FeatureKey key) : folder_(std::move(folder)), key_(std::move(key)) {
  make_folder(folder_);
  bool made = std::filesystem::exists(folder_ + "/header.json");
  if (made) read_header();
  if (complete()) return;
  lock();
  if (made) read_header();  // another process may have gone on until we had the lock
  try {
    values_file_ = open_file(folder_ + "/values.f32");
    rows_file_ = open_file(folder_ + "/rows.jsonl");
    cut(values_file_, folder_ + "/values.f32", rows_ * width() * 4);
    cut(rows_file_, folder_ + "/rows.jsonl", bytes_);
  } catch (const Error&) {
    for (int file : {values_file_, rows_file_, lock_file_})
      if (file >= 0) ::close(file);
    throw;
  }
}

FeatureStore::~FeatureStore() {
  for (int file : {values_file_, rows_file_, lock_file_})
    if (file >= 0) ::close(file);
}

int64_t FeatureStore::width() const {
  int64_t width = 1;
  for (int64_t size : shape_) {
    check(size > 0 && size <= most_features / width,
          "'{}': a row of features cannot have this shape: delete the folder", folder_);
    width *= size;
  }
  return width;
}

void FeatureStore::read_header() {
  std::string path = folder_ + "/header.json";
  nlohmann::json header = load_json(path);
  FeatureKey found;
  try {
    check(header.at("kind") == kind, "'{}' is not a header of features: choose another folder", path);
    found = {header.at("model"), header.at("dataset"), header.at("tap"), header.at("total")};
    shape_ = header.at("shape").get<std::vector<int64_t>>();
    rows_ = header.at("rows");
    bytes_ = header.at("bytes");
  } catch (const nlohmann::json::exception&) {
    fail("'{}' is damaged: delete the folder and compute it again", path);
  }
  const char* advice = "choose another path, or delete the folder to compute them anew";
  check(found.model == key_.model, "'{}' holds features of another model, or of other weights: {}", folder_, advice);
  check(found.dataset == key_.dataset && found.total == key_.total, "'{}' holds features of another data set: {}",
        folder_, advice);
  check(found.tap == key_.tap, "'{}' holds features of the tap '{}', not of '{}': {}", folder_, found.tap, key_.tap,
        advice);
  check(rows_ >= 0 && rows_ <= key_.total && bytes_ >= 0 && width() > 0 && rows_ <= INT64_MAX / 4 / width(),
        "'{}' is damaged: delete the folder and compute it again", path);
}

void FeatureStore::lock() {
  lock_file_ = open_file(folder_ + "/lock");
  if (::flock(lock_file_, LOCK_EX | LOCK_NB) == 0) return;
  ::close(lock_file_);
  fail("'{}' is being written by another process: wait for it, or choose another path", folder_);
}

void FeatureStore::write_header() {
  nlohmann::json header = {{"kind", kind},        {"model", key_.model}, {"dataset", key_.dataset}, {"tap", key_.tap},
                           {"total", key_.total}, {"shape", shape_},     {"rows", rows_},           {"bytes", bytes_}};
  write_file(folder_ + "/header.json", header.dump(1) + "\n");
}

void FeatureStore::append(const at::Tensor& z, std::span<const FeatureRow> rows) {
  int64_t count = static_cast<int64_t>(rows.size());
  check(z.dim() >= 2 && z.size(0) == count && rows_ + count <= key_.total,
        "internal: a batch of features does not fit the store");
  auto saved = std::tuple(shape_, rows_, bytes_);
  std::vector<int64_t> shape = z.sizes().slice(1).vec();
  check(rows_ == 0 || shape == shape_, "internal: the shape of the features changed within a data set");
  std::string lines;
  for (const FeatureRow& row : rows) lines += to_line(row);
  at::Tensor values = z.detach().to(at::kCPU, at::kFloat).contiguous();
  try {
    shape_ = shape;
    write_at(values_file_, folder_ + "/values.f32", {static_cast<const char*>(values.data_ptr()), values.nbytes()},
             rows_ * width() * 4);
    write_at(rows_file_, folder_ + "/rows.jsonl", lines, bytes_);
    rows_ += count;
    bytes_ += static_cast<int64_t>(lines.size());
    write_header();
  } catch (const Error&) {
    std::tie(shape_, rows_, bytes_) = saved;
    throw;
  }
}

at::Tensor FeatureStore::values() const {
  std::string path = folder_ + "/values.f32";
  int64_t size = rows_ * width();
  if (size == 0) return at::empty({0, width()}, at::kFloat);
  std::error_code error;
  auto bytes = std::filesystem::file_size(path, error);
  check(!error && bytes >= static_cast<uint64_t>(size) * 4,
        "'{}' is missing or shorter than its header counts: delete the folder and compute it again", path);
  return at::from_file(path, false, size, at::TensorOptions(at::kFloat)).view({rows_, width()});
}

std::vector<FeatureRow> FeatureStore::read_rows() const {
  std::string path = folder_ + "/rows.jsonl";
  std::string text = rows_ ? read_file(path, uint64_t{1} << 36) : "";
  check(static_cast<int64_t>(text.size()) >= bytes_,
        "'{}' is shorter than its header counts: delete the folder and compute it again", path);
  std::vector<FeatureRow> rows;
  for (std::string_view rest(text.data(), static_cast<size_t>(bytes_)); !rest.empty();) {
    size_t end = rest.find('\n');
    check(end != std::string_view::npos, "'{}' is damaged: delete the folder and compute it again", path);
    rows.push_back(from_line(rest.substr(0, end), path));
    rest.remove_prefix(end + 1);
  }
  check(static_cast<int64_t>(rows.size()) == rows_, "'{}' is damaged: delete the folder and compute it again", path);
  return rows;
}

}  // namespace multiviz
