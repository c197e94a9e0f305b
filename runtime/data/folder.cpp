#include "data/folder.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "core/cancel.h"
#include "core/error.h"
#include "io/file.h"

namespace multiviz {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const std::vector<std::string>& extensions(ModalityKind kind) {
  static const std::vector<std::string> images = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".ppm", ".pgm", ".tga"};
  static const std::vector<std::string> texts = {".txt"}, arrays = {".npy"};
  if (kind == ModalityKind::image) return images;
  return kind == ModalityKind::text ? texts : arrays;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

class FileTree : public RecordSource {
 public:
  explicit FileTree(const RecordOptions& options)
      : root_(options.root), fields_(options.fields), label_(options.label) {
    std::error_code error;
    check(fs::is_directory(root_, error), "there is no folder '{}': give root the folder with the files",
          root_.string());
    std::map<std::string, std::map<std::string, std::string>> found;  // stem -> modality -> file
    fs::recursive_directory_iterator walk(root_, fs::directory_options::skip_permission_denied, error), end;
    check(!error, "cannot read the folder '{}': {}", root_.string(), error.message());
    for (; walk != end; walk.increment(error)) {
      throw_if_cancelled();
      if (walk->is_regular_file(error)) add(walk->path().lexically_relative(root_), found);
      check(!error, "cannot read the folder '{}': {}", root_.string(), error.message());
    }
    check(!found.empty(), "no file below '{}' is of the modalities asked for: {}", root_.string(), describe_files());
    for (auto& [stem, files] : found) datapoints_.push_back({stem, std::move(files)});
  }

  std::string name() const override { return "folder/" + fs::weakly_canonical(root_).filename().string(); }
  int64_t size() const override { return static_cast<int64_t>(datapoints_.size()); }
  std::string place(int64_t index) const override { return (root_ / at(index).stem).string(); }
  std::string default_id(int64_t index) const override { return at(index).stem; }

  json read(int64_t index) const override {
    const auto& [stem, files] = at(index);
    json record = json::object();
    for (const Field& field : fields_) {
      const auto file = files.find(field.modality.name);
      check(file != files.end(), "{}: there is no file for '{}': {}", place(index), field.modality.name,
            describe(field));
      constexpr uint64_t longest_text = 1 << 20;
      if (field.modality.kind == ModalityKind::text)
        record[field.key] = read_file((root_ / file->second).string(), longest_text);
      else
        record[field.key] = file->second;
    }
    if (!label_.empty()) {
      const std::string folder = fs::path(stem).parent_path().filename().string();
      check(!folder.empty(), "{}: it is in no folder below root that could be its label: leave label out",
            place(index));
      record[label_] = folder;
    }
    return record;
  }

 private:
  struct Files {
    std::string stem;
    std::map<std::string, std::string> files;  // modality -> path below root
  };
  const Files& at(int64_t index) const { return datapoints_[static_cast<size_t>(index)]; }

  bool alone(const Field& field) const {
    return std::count_if(fields_.begin(), fields_.end(), [&](const Field& other) {
             return extensions(other.modality.kind) == extensions(field.modality.kind);
           }) == 1;
  }
  std::string describe(const Field& field) const {
    return fmt::format("NAME{}{}", alone(field) ? "" : "." + field.modality.name,
                       fmt::join(extensions(field.modality.kind), " or "));
  }
  std::string describe_files() const {
    std::vector<std::string> all;
    for (const Field& field : fields_) all.push_back(field.modality.name + " is " + describe(field));
    return fmt::format("{}", fmt::join(all, ", "));
  }

  void add(const fs::path& path, std::map<std::string, std::map<std::string, std::string>>& found) const {
    const std::string file = path.filename().string();
    const std::string extension = path.extension().string();
    if (file.front() == '.' || extension.empty()) return;
    std::string stem = file.substr(0, file.size() - extension.size());
    for (const Field& field : fields_) {
      const auto& known = extensions(field.modality.kind);
      if (std::find(known.begin(), known.end(), lower(extension)) == known.end()) continue;
      std::string name = stem;
      if (!alone(field)) {
        if (!stem.ends_with("." + field.modality.name)) continue;
        name.resize(stem.size() - field.modality.name.size() - 1);
      }
      const std::string key = (path.parent_path() / name).string();
      auto [known_file, fresh] = found[key].emplace(field.modality.name, path.string());
      check(fresh, "'{}' and '{}' are both the '{}' of one datapoint: keep one", (root_ / known_file->second).string(),
            (root_ / path).string(), field.modality.name);
      return;
    }
  }

  fs::path root_;
  std::vector<Field> fields_;
  std::string label_;
  std::vector<Files> datapoints_;
};

}  // namespace

DatasetPtr open_folder(RecordOptions options) {
  check_record_options(options);
  check(options.label.empty() || options.label == "folder", "label must be \"folder\" or left out, not '{}'",
        options.label);
  auto source = std::make_unique<FileTree>(options);
  return open_records(std::move(source), std::move(options));
}

}  // namespace multiviz
