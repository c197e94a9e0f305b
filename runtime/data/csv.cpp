#include "data/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <set>

#include "core/error.h"
#include "core/suggest.h"
#include "io/json.h"
#include "io/line_file.h"

namespace multiviz {
namespace {

using nlohmann::json;

// The cells of one record. find_lines has seen to it that quotes are closed.
std::vector<std::string> split_cells(std::string_view text, char delimiter, const std::string& where) {
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  std::vector<std::string> cells(1);
  bool open = false, was_quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (open && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
      cells.back() += '"';
      ++i;
    } else if (c == '"') {
      check(open || (cells.back().empty() && !was_quoted),
            "{}: a double quote inside a cell: quote the whole cell and write \"\" for it", where);
      open = !open;
      was_quoted = true;
    } else if (c == delimiter && !open) {
      cells.emplace_back();
      was_quoted = false;
    } else {
      check(open || !was_quoted, "{}: text after a quoted cell", where);
      cells.back() += c;
    }
  }
  return cells;
}

double parse_number(const std::string& cell, const std::string& where, const std::string& column) {
  const auto begin = cell.find_first_not_of(" \t"), end = cell.find_last_not_of(" \t");
  double number = 0;
  bool whole = false;
  if (begin != std::string::npos) {
    const char* last = cell.data() + end + 1;
    const auto [stop, error] = std::from_chars(cell.data() + begin, last, number);
    whole = error == std::errc() && stop == last;
  }
  check(whole && std::isfinite(number), "{}: '{}' must be a number, not '{}'", where, column, cell);
  return number;
}

class Csv : public RecordSource {
 public:
  Csv(const std::string& path, const RecordOptions& options, char delimiter, char label_separator)
      : file_(path, "give a file of cells separated by commas"),
        path_(path),
        options_(options),
        delimiter_(delimiter),
        label_separator_(label_separator) {
    if (delimiter_ == '\0') delimiter_ = path_.extension() == ".tsv" ? '\t' : ',';
    lines_ = find_lines(file_, true);
    check(lines_.size() >= 2, "'{}' needs a first line that names the columns, and a line for each datapoint", path);
    std::string first = file_.read(lines_[0].offset, lines_[0].size);
    if (first.starts_with("\xef\xbb\xbf")) first.erase(0, 3);  // the byte order mark that spreadsheets write
    header_ = split_cells(first, delimiter_, line_place(lines_[0]));
    lines_.erase(lines_.begin());
    std::set<std::string> seen;
    for (const std::string& column : header_)
      check(seen.insert(column).second, "{}: the column '{}' is there twice", path, column);
    for (const Field& field : options_.fields) {
      if (field.columns.empty()) require_column(field.key);
      for (const std::string& column : field.columns) require_column(column);
    }
    if (!options_.label.empty()) require_column(options_.label);
    if (!options_.id.empty()) require_column(options_.id);
  }

  std::string name() const override { return "csv/" + path_.stem().string(); }
  int64_t size() const override { return static_cast<int64_t>(lines_.size()); }
  std::string place(int64_t index) const override { return line_place(lines_[static_cast<size_t>(index)]); }
  std::string default_id(int64_t index) const override {
    return fmt::format("{}:{}", path_.stem().string(), lines_[static_cast<size_t>(index)].number);
  }

  json read(int64_t index) const override {
    const Line& line = lines_[static_cast<size_t>(index)];
    const std::string where = line_place(line);
    const auto cells = split_cells(file_.read(line.offset, line.size), delimiter_, where);
    check(cells.size() == header_.size(), "{}: {} cells, but the first line names {} columns", where, cells.size(),
          header_.size());
    json record = json::object();
    for (size_t i = 0; i < cells.size(); ++i) record[header_[i]] = cells[i];
    for (const Field& field : options_.fields) {
      if (field.columns.empty()) continue;
      json numbers = json::array();
      for (const std::string& column : field.columns) {
        numbers.push_back(parse_number(cells[column_index(column)], where, column));
        record.erase(column);
      }
      record[field.key] = std::move(numbers);
    }
    if (!options_.label.empty()) record[options_.label] = label(cells[column_index(options_.label)], where);
    return record;
  }

 private:
  std::string line_place(const Line& line) const { return fmt::format("{}:{}", path_.string(), line.number); }

  size_t column_index(const std::string& column) const {
    return static_cast<size_t>(std::find(header_.begin(), header_.end(), column) - header_.begin());
  }
  void require_column(const std::string& column) const {
    check(column_index(column) < header_.size(), "'{}' has no column '{}'{}: its columns are {}", path_.string(),
          column, suggestion(column, header_), fmt::join(header_, ", "));
  }

  json label(const std::string& cell, const std::string& where) const {
    if (options_.regression) return parse_number(cell, where, options_.label);
    if (cell.empty()) return nullptr;
    if (label_separator_ == '\0') return cell;
    json labels = json::array();
    for (size_t begin = 0; begin <= cell.size();) {
      const size_t end = std::min(cell.find(label_separator_, begin), cell.size());
      labels.push_back(cell.substr(begin, end - begin));
      begin = end + 1;
    }
    return labels;
  }

  LineFile file_;
  std::filesystem::path path_;
  RecordOptions options_;
  char delimiter_, label_separator_;
  std::vector<std::string> header_;
  std::vector<Line> lines_;
};

}  // namespace

DatasetPtr open_csv(const std::string& path, RecordOptions options, char delimiter, char label_separator) {
  check_record_options(options);
  if (options.root.empty()) options.root = std::filesystem::path(path).parent_path();
  for (Field& field : options.fields) {
    check(field.columns.empty() || field.modality.kind == ModalityKind::tabular,
          "'{}' is of kind {}: only a table is made of several columns", field.modality.name,
          kind_name(field.modality.kind));
    if (field.names.empty()) field.names = field.columns;
  }
  auto source = std::make_unique<Csv>(path, options, delimiter, label_separator);
  return open_records(std::move(source), std::move(options));
}

}  // namespace multiviz
