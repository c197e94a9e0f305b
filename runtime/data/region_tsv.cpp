#include <ATen/ATen.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "core/error.h"
#include "data/region_store.h"
#include "io/base64.h"
#include "io/line_file.h"

namespace multiviz {
namespace {

// The columns of a file, which has no line that names them: told by their number.
const std::vector<std::string> lxmert_columns = {"img_id",   "img_h",      "img_w",     "objects_id", "objects_conf",
                                                 "attrs_id", "attrs_conf", "num_boxes", "boxes",      "features"};
const std::vector<std::string> short_columns = {"image_id", "image_w", "image_h", "num_boxes", "boxes", "features"};

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> out;
  for (size_t begin = 0;;) {
    const size_t end = line.find('\t', begin);
    out.push_back(line.substr(begin, end - begin));
    if (end == std::string_view::npos) return out;
    begin = end + 1;
  }
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
  return text;
}

at::Tensor numbers(std::string_view text, at::ScalarType type, int64_t rows, const std::string& where) {
  const auto bytes = decode_base64(text, where);
  const auto item = static_cast<size_t>(c10::elementSize(type));
  check(bytes.size() % (item * static_cast<size_t>(rows)) == 0 && !bytes.empty(),
        "{}: {} bytes are not the numbers of {} boxes", where, bytes.size(), rows);
  auto out = at::empty({rows, static_cast<int64_t>(bytes.size() / item) / rows}, type);
  std::memcpy(out.data_ptr(), bytes.data(), bytes.size());
  return out;
}

class Tsv : public RegionStore {
 public:
  explicit Tsv(const std::string& path) : RegionStore(path), file_(path, "give a .tsv file of regions") {
    lines_ = find_lines(file_);
    check(!lines_.empty(), "'{}' is empty", path);
    columns_ = &lxmert_columns;
    if (split(file_.read(lines_[0].offset, lines_[0].size)).size() == short_columns.size()) columns_ = &short_columns;
    for (size_t i = 0; i < lines_.size(); ++i) {
      constexpr uint64_t longest_id = 1024;
      const auto start = file_.read(lines_[i].offset, std::min(lines_[i].size, longest_id));
      const auto tab = start.find('\t');
      check(tab != std::string::npos && tab > 0, "{}: the line does not begin with the name of an image and a tab",
            place(static_cast<int64_t>(i)));
      const auto name = start.substr(0, tab);
      if (i == 0 && (name == "img_id" || name == "image_id")) {
        read_header();
        continue;
      }
      add(name, static_cast<int64_t>(i));
    }
  }

 private:
  std::string place(int64_t entry) const {
    return fmt::format("{}:{}", path(), lines_[static_cast<size_t>(entry)].number);
  }

  void read_header() {
    const auto line = file_.read(lines_[0].offset, lines_[0].size);
    for (auto name : split(trimmed(line))) header_.emplace_back(name);
    columns_ = &header_;
    for (const char* needed : {"num_boxes", "boxes", "features"})
      check(std::find(header_.begin(), header_.end(), needed) != header_.end(), "{}: there is no column '{}'", place(0),
            needed);
  }

  RegionFeatures read(int64_t entry, const std::string&) const override {
    const auto& line = lines_[static_cast<size_t>(entry)];
    const auto text = file_.read(line.offset, line.size);
    const auto fields = split(trimmed(text));
    const auto where = place(entry);
    check(fields.size() == columns_->size(), "{}: there are {} columns, not {}: {}", where, fields.size(),
          columns_->size(), fmt::join(*columns_, ", "));
    const auto rows = integer(fields, "num_boxes", where);
    constexpr int64_t most_rows = 100'000;
    check(rows >= 1 && rows <= most_rows, "{}: num_boxes is {}", where, rows);
    return gather_regions([&](const std::string& name) { return field(fields, name, rows, where); }, where);
  }

  at::Tensor field(const std::vector<std::string_view>& fields, const std::string& name, int64_t rows,
                   const std::string& where) const {
    auto found = std::find(columns_->begin(), columns_->end(), name);
    if (found == columns_->end()) return {};
    const auto at = where + ": " + name;
    if (name.starts_with("im"))
      return at::scalar_tensor(static_cast<double>(integer(fields, name, where)), at::kDouble);
    if (name == "num_boxes") return at::scalar_tensor(rows, at::kLong);
    auto values = numbers(fields[static_cast<size_t>(found - columns_->begin())],
                          name.ends_with("_id") ? at::kLong : at::kFloat, rows, at);
    if (name == "boxes") check(values.size(1) == 4, "{}: a box has {} numbers, not 4", at, values.size(1));
    if (name.ends_with("_id")) check(values.size(1) == 1, "{}: a box has {} numbers, not 1", at, values.size(1));
    return values;
  }

  int64_t integer(const std::vector<std::string_view>& fields, const std::string& name,
                  const std::string& where) const {
    const auto column = static_cast<size_t>(std::find(columns_->begin(), columns_->end(), name) - columns_->begin());
    const auto text = fields[column];
    int64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    check(error == std::errc() && end == text.data() + text.size(), "{}: {} is '{}', not an integer", where, name,
          text.substr(0, 40));
    return value;
  }

  LineFile file_;
  std::vector<Line> lines_;
  std::vector<std::string> header_;
  const std::vector<std::string>* columns_ = nullptr;
};

}  // namespace

std::unique_ptr<const RegionStore> open_region_tsv(const std::string& path) { return std::make_unique<Tsv>(path); }

}  // namespace multiviz
