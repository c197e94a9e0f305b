#include "data/jsonl.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <filesystem>
#include <set>
#include <unordered_map>

#include "core/cancel.h"
#include "core/error.h"
#include "core/progress.h"
#include "core/suggest.h"
#include "io/file.h"
#include "io/json.h"

namespace multiviz {
namespace {

using nlohmann::json;

constexpr uint64_t longest_line = uint64_t{1} << 28;

struct Line {
  uint64_t offset, size;
  int64_t number;  // 1-based
};

// A file that is read at offsets, by any number of threads at once.
class LineFile {
 public:
  explicit LineFile(const std::string& path) : path_(path), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    check(descriptor_ >= 0, "cannot read '{}': {}", path, system_reason(errno));
    struct stat status;
    const bool regular = ::fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode);
    if (!regular) ::close(descriptor_);
    check(regular, "cannot read '{}': it is not a file: give a file with one JSON object a line", path);
    size_ = static_cast<uint64_t>(status.st_size);
  }
  ~LineFile() { ::close(descriptor_); }
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;
  uint64_t size() const { return size_; }

  std::string read(uint64_t offset, uint64_t size) const {
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

 private:
  std::string path_;
  int descriptor_;
  uint64_t size_ = 0;
};

// Calls visit(line, text) for every line that is not blank.
template <typename Visit>
void for_each_line(const LineFile& file, const std::string& path, Visit&& visit) {
  constexpr uint64_t block = 1 << 20;
  Progress progress("reading " + path, static_cast<int64_t>(file.size()));
  std::string pending;
  uint64_t start = 0;
  int64_t number = 0;
  auto flush = [&](std::string_view text) {
    ++number;
    check(text.size() <= longest_line, "{}:{}: the line has more than {} bytes", path, number, longest_line);
    if (text.find_first_not_of(" \t\r") != std::string_view::npos) visit(Line{start, text.size(), number}, text);
  };
  for (uint64_t position = 0; position < file.size(); position += block) {
    throw_if_cancelled();
    const uint64_t count = std::min(block, file.size() - position);
    pending += file.read(position, count);
    size_t begin = 0;
    for (size_t end; (end = pending.find('\n', begin)) != std::string::npos; begin = end + 1) {
      flush(std::string_view(pending).substr(begin, end - begin));
      start += end + 1 - begin;
    }
    pending.erase(0, begin);
    check(pending.size() <= longest_line, "{}:{}: the line has more than {} bytes", path, number + 1, longest_line);
    progress.advance(static_cast<int64_t>(count));
  }
  if (!pending.empty()) flush(pending);
}

std::string id_of(const json& record, const std::string& key, const std::string& where) {
  const json& value = require(record, key, where);
  check(value.is_string() || value.is_number_integer(), "{}: '{}' must be a string or an integer, not {}", where, key,
        value.type_name());
  return value.is_string() ? value.get<std::string>() : value.dump();
}

class Jsonl : public Dataset {
 public:
  explicit Jsonl(JsonlOptions options) : options_(std::move(options)), file_(options_.path) {
    const std::filesystem::path path(options_.path);
    stem_ = path.stem().string();
    name_ = "jsonl/" + stem_;
    if (options_.root.empty()) options_.root = path.parent_path().string();
    check_options();
    for (const Field& field : options_.fields) modalities_.push_back(field.modality);
    index();
  }

  const std::string& name() const override { return name_; }
  const std::vector<Modality>& modalities() const override { return modalities_; }
  const std::vector<std::string>& labels() const override { return options_.labels; }
  int64_t size() const override { return static_cast<int64_t>(lines_.size()); }
  std::string fingerprint() const override { return fingerprint_; }

  Datapoint get(int64_t index) const override {
    check(index >= 0 && index < size(), "datapoint {} is out of range: {} has {}", index + 1, name_, size());
    const Line& line = lines_[static_cast<size_t>(index)];
    const std::string where = place(line);
    json record = parse_json(file_.read(line.offset, line.size), options_.path, false, line.number);
    Datapoint datapoint;
    datapoint.id = options_.id.empty() ? fmt::format("{}:{}", stem_, line.number) : id_of(record, options_.id, where);
    for (const Field& field : options_.fields)
      datapoint.values.push_back(value_from_json(require(record, field.key, where), field, options_.root, where));
    if (options_.regression)
      datapoint.value = number(record, where);
    else if (!options_.label.empty())
      for (const std::string& label : names(record, where)) datapoint.labels.push_back(label_index(label, where));
    for (const Field& field : options_.fields) record.erase(field.key);
    record.erase(options_.label);
    record.erase(options_.id);
    datapoint.annotations = std::move(record);
    return datapoint;
  }

 private:
  std::string place(const Line& line) const { return fmt::format("{}:{}", options_.path, line.number); }

  void check_options() const {
    check(!options_.fields.empty(), "a data set needs at least one modality");
    std::set<std::string> seen;
    for (const Field& field : options_.fields)
      check(seen.insert(field.modality.name).second, "the modality '{}' is there twice", field.modality.name);
    check(!options_.regression || !options_.label.empty(),
          "regression needs the field that holds the number: give label");
    check(!options_.regression || options_.labels.empty(), "regression has no labels: leave them out");
    check(options_.label.empty() || !seen.contains(options_.label) || options_.label != options_.id,
          "the field '{}' cannot be the id and the label", options_.label);
    std::set<std::string> labels;
    for (const std::string& label : options_.labels)
      check(labels.insert(label).second, "the label '{}' is there twice", label);
  }

  std::vector<std::string> names(const json& record, const std::string& where) const {
    return label_names(require(record, options_.label, where), fmt::format("{}: '{}'", where, options_.label));
  }
  double number(const json& record, const std::string& where) const {
    const auto value = require<double>(record, options_.label, where);
    check(std::isfinite(value), "{}: '{}' is not finite", where, options_.label);
    return value;
  }
  int64_t label_index(const std::string& label, const std::string& where) const {
    auto found = positions_.find(label);
    if (found != positions_.end()) return found->second;
    fail("{}: '{}' is '{}', which is not among the labels{}", where, options_.label, label,
         suggestion(label, options_.labels));
  }

  void set_positions() {
    positions_.clear();
    for (size_t i = 0; i < options_.labels.size(); ++i) positions_[options_.labels[i]] = static_cast<int64_t>(i);
  }

  void index() {
    const bool collect = options_.labels.empty();
    set_positions();
    std::set<std::string> found;
    std::unordered_map<std::string, int64_t> ids;
    uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a
    for_each_line(file_, options_.path, [&](const Line& line, std::string_view text) {
      const std::string where = place(line);
      const json record = parse_json(text, options_.path, false, line.number);
      for (const Field& field : options_.fields) check_form(require(record, field.key, where), field, where);
      if (options_.regression)
        number(record, where);
      else if (!options_.label.empty())
        for (const std::string& label : names(record, where))
          collect ? (void)found.insert(label) : (void)label_index(label, where);
      if (!options_.id.empty()) {
        const auto [known, fresh] = ids.emplace(id_of(record, options_.id, where), line.number);
        check(fresh, "{}: the id '{}' is on line {} already", where, known->first, known->second);
      }
      for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
      lines_.push_back(line);
    });
    check(!lines_.empty(), "'{}' has no lines: it must hold one JSON object a line", options_.path);
    if (collect) {
      options_.labels.assign(found.begin(), found.end());
      sort_labels(options_.labels);
      set_positions();
    }
    describe(hash);
  }

  // Everything that decides what a datapoint is, but for the files that the records name.
  void describe(uint64_t hash) {
    json settings = {{"root", options_.root},
                     {"label", options_.label},
                     {"id", options_.id},
                     {"labels", options_.labels},
                     {"regression", options_.regression}};
    for (const Field& field : options_.fields)
      settings["fields"].push_back({field.modality.name, kind_name(field.modality.kind), field.key});
    for (char c : dump_json(settings, options_.path)) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    fingerprint_ = fmt::format("jsonl-{}-{:016x}", stem_, hash);
  }

  JsonlOptions options_;
  LineFile file_;
  std::string name_, stem_, fingerprint_;
  std::vector<Modality> modalities_;
  std::vector<Line> lines_;
  std::unordered_map<std::string, int64_t> positions_;
};

}  // namespace

DatasetPtr open_jsonl(JsonlOptions options) { return std::make_shared<Jsonl>(std::move(options)); }

}  // namespace multiviz
