#include "data/jsonl.h"

#include <filesystem>

#include "core/error.h"
#include "io/json.h"
#include "io/line_file.h"

namespace multiviz {
namespace {

class JsonLines : public RecordSource {
 public:
  explicit JsonLines(const std::string& path)
      : file_(path, "give a file with one JSON object a line"), stem_(std::filesystem::path(path).stem()) {
    lines_ = find_lines(file_);
    check(!lines_.empty(), "'{}' has no lines: it must hold one JSON object a line", path);
  }
  std::string name() const override { return "jsonl/" + stem_; }
  int64_t size() const override { return static_cast<int64_t>(lines_.size()); }
  nlohmann::json read(int64_t index) const override {
    const Line& line = lines_[static_cast<size_t>(index)];
    return parse_json(file_.read(line.offset, line.size), file_.path(), false, line.number);
  }
  std::string place(int64_t index) const override { return fmt::format("{}:{}", file_.path(), number(index)); }
  std::string default_id(int64_t index) const override { return fmt::format("{}:{}", stem_, number(index)); }

 private:
  int64_t number(int64_t index) const { return lines_[static_cast<size_t>(index)].number; }

  LineFile file_;
  std::string stem_;
  std::vector<Line> lines_;
};

}  // namespace

DatasetPtr open_jsonl(const std::string& path, RecordOptions options) {
  check_record_options(options);
  if (options.root.empty()) options.root = std::filesystem::path(path).parent_path();
  return open_records(std::make_unique<JsonLines>(path), std::move(options));
}

}  // namespace multiviz
