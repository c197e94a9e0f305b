#include "data/region_store.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>

#include "core/error.h"
#include "io/hdf5.h"
#include "io/npy.h"
#include "io/torch_file.h"

namespace multiviz {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

const Names feature_names = {"features", "roi_features", "image_features", "x", "feature"};
const Names relative_names = {"normalized_boxes", "norm_bb", "spatial_features"};
const Names box_names = {"boxes", "bbox", "image_bb", "bboxes"};
const Names object_names = {"objects_id", "obj_ids", "obj_id"};
const Names attribute_names = {"attrs_id", "attr_ids", "attr_id"};
const Names width_names = {"img_w", "image_w", "image_width"};
const Names height_names = {"img_h", "image_h", "image_height"};
const Names count_names = {"num_boxes", "num_bbox", "preds_per_image"};
const Names id_names = {"img_id", "image_id", "img_ids", "image_ids", "ids"};

at::Tensor first_of(const RegionField& field, const Names& names) {
  for (const auto& name : names)
    if (auto tensor = field(name); tensor.defined()) return tensor;
  return {};
}

std::optional<double> number_of(const RegionField& field, const Names& names, const std::string& where) {
  auto tensor = first_of(field, names);
  if (!tensor.defined()) return {};
  check(tensor.numel() == 1, "{}: '{}' should be one number", where, names.front());
  return tensor.to(at::kDouble).flatten()[0].item<double>();
}

// The digits at the end of a name without the zeros in front, "" when it has none.
std::string number_at_end(const std::string& name) {
  auto begin = name.find_last_not_of("0123456789");
  auto digits = begin == std::string::npos ? name : name.substr(begin + 1);
  auto first = digits.find_first_not_of('0');
  return digits.empty() ? "" : first == std::string::npos ? "0" : digits.substr(first);
}

// One .npz an image.
class NpzFolder : public RegionStore {
 public:
  explicit NpzFolder(const std::string& path) : RegionStore(path) {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(path))
      if (entry.path().extension() == ".npz") found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    check(!found.empty(), "'{}' has no .npz files: give a folder with one for each image, or a .npz, .tsv or .h5 file",
          path);
    for (const auto& file : found) {
      add(file.stem().string(), std::ssize(files_));
      files_.push_back(file.string());
    }
  }

 private:
  RegionFeatures read(int64_t entry, const std::string&) const override {
    const auto& file = files_[static_cast<size_t>(entry)];
    const auto arrays = load_npz(file);
    return gather_regions(
        [&](const std::string& name) {
          auto found = arrays.find(name);
          return found == arrays.end() ? at::Tensor() : found->second;
        },
        fmt::format("'{}'", file));
  }
  std::vector<std::string> files_;
};

// The ids of images in the order of the rows, from whichever place has them.
Names row_ids(const at::Tensor& ids, const std::string& path) {
  check(ids.defined() && !ids.is_floating_point() && ids.numel() > 0,
        "'{}' does not say which image each row is: it needs an array of integers 'img_id'", path);
  auto numbers = ids.to(at::kLong).flatten().contiguous();
  Names out;
  for (int64_t i = 0; i < numbers.numel(); ++i) out.push_back(std::to_string(numbers.const_data_ptr<int64_t>()[i]));
  return out;
}

// Arrays with all images along the first axis.
class NpzRows : public RegionStore {
 public:
  explicit NpzRows(const std::string& path) : RegionStore(path), arrays_(load_npz(path)) {
    auto field = [&](const std::string& name) { return arrays_.contains(name) ? arrays_.at(name) : at::Tensor(); };
    auto ids = row_ids(first_of(field, id_names), path);
    for (size_t i = 0; i < ids.size(); ++i) add(ids[i], static_cast<int64_t>(i));
    for (const auto& [name, array] : arrays_)
      check(array.dim() == 0 || array.size(0) == std::ssize(ids) || array.numel() == 1,
            "'{}' has {} images and {} rows of '{}'", path, ids.size(), array.size(0), name);
  }

 private:
  RegionFeatures read(int64_t entry, const std::string& image) const override {
    return gather_regions(
        [&](const std::string& name) {
          auto found = arrays_.find(name);
          if (found == arrays_.end()) return at::Tensor();
          return found->second.dim() == 0 ? found->second : found->second[entry];
        },
        fmt::format("'{}', image {}", path(), image));
  }
  std::map<std::string, at::Tensor> arrays_;
};

class Hdf5Store : public RegionStore {
 public:
  explicit Hdf5Store(const std::string& path) : RegionStore(path), file_(path) {
    const auto children = file_.children("/");
    rows_ = std::any_of(feature_names.begin(), feature_names.end(), [&](const auto& name) {
      return std::find(children.begin(), children.end(), name) != children.end();
    });
    names_ = rows_ ? find_ids(path) : children;
    for (size_t i = 0; i < names_.size(); ++i)
      if (!names_[i].empty()) add(names_[i], static_cast<int64_t>(i));
  }

 private:
  Names find_ids(const std::string& path) const {
    for (const auto& name : id_names)
      if (file_.contains(name)) return row_ids(file_.read(name), path);
    auto index = fs::path(path).replace_extension().string() + "_imgid2idx.pkl";
    check(fs::is_regular_file(index),
          "'{}' does not say which image each row is: it needs a data set 'img_id', or the file '{}'", path, index);
    const auto table = load_any_pickle(index);
    check(table.is(PickleKind::dict), "'{}' is not a dict of rows by image", index);
    const auto count = file_.shape(named(feature_names)).at(0);
    Names out(static_cast<size_t>(count));
    for (size_t i = 0; i < table.size(); ++i) {
      const auto row = table[i].integer(index);
      check(row >= 0 && row < count, "'{}': there is no row {}: '{}' has {}", index, row, path, count);
      const auto key = table.key(i);
      out[static_cast<size_t>(row)] = key.is_text() ? key.text(index) : std::to_string(key.integer(index));
    }
    return out;
  }
  std::string named(const Names& names) const {
    for (const auto& name : names)
      if (file_.contains(name)) return name;
    return {};
  }

  RegionFeatures read(int64_t entry, const std::string& image) const override {
    return gather_regions(
        [&](const std::string& name) -> at::Tensor {
          if (!rows_) {
            const auto inside = names_[static_cast<size_t>(entry)] + "/" + name;
            return file_.contains(inside) ? file_.read(inside) : at::Tensor();
          }
          if (!file_.contains(name)) return {};
          const auto shape = file_.shape(name);
          check(!shape.empty() && shape[0] == std::ssize(names_), "'{}' has {} images and {} rows of '{}'", path(),
                names_.size(), shape.empty() ? 0 : shape[0], name);
          return file_.read(name, entry, entry + 1)[0];
        },
        fmt::format("'{}', image {}", path(), image));
  }

  Hdf5File file_;
  bool rows_ = false;
  Names names_;
};

}  // namespace

void RegionStore::add(const std::string& name, int64_t entry) {
  check(entries_.emplace(name, entry).second, "'{}' has the image '{}' twice", path_, name);
  if (auto number = number_at_end(name); !number.empty() && number != name) {
    auto [found, fresh] = numbers_.emplace(number, name);
    if (!fresh) found->second.reset();
  }
}

std::optional<RegionFeatures> RegionStore::find(const std::string& image) const {
  auto found = entries_.find(image);
  if (found == entries_.end()) {
    auto number = numbers_.find(number_at_end(image));
    // A number says it all; a name with letters of its own means another image.
    const bool digits = image.find_first_not_of("0123456789") == std::string::npos;
    if (digits && number != numbers_.end() && number->second) found = entries_.find(*number->second);
    if (!digits && found == entries_.end()) found = entries_.find(number_at_end(image));
  }
  if (found == entries_.end()) return {};
  return read(found->second, found->first);
}

RegionFeatures gather_regions(const RegionField& field, const std::string& where) {
  RegionFeatures out;
  out.features = first_of(field, feature_names);
  check(out.features.defined(), "{} has no features: they are looked for as {}", where, fmt::join(feature_names, ", "));
  out.boxes = first_of(field, relative_names);
  out.relative = out.boxes.defined();
  if (!out.boxes.defined()) out.boxes = first_of(field, box_names);
  check(out.boxes.defined(), "{} has no boxes: they are looked for as {} and {}", where,
        fmt::join(relative_names, ", "), fmt::join(box_names, ", "));
  out.objects = first_of(field, object_names);
  out.attributes = first_of(field, attribute_names);
  out.width = number_of(field, width_names, where).value_or(0);
  out.height = number_of(field, height_names, where).value_or(0);
  if (auto count = number_of(field, count_names, where)) {
    const auto all = out.features.dim() == 2 ? out.features.size(0) : 0;
    check(*count >= 1 && *count <= static_cast<double>(all), "{} says it has {} regions, of {}", where, *count, all);
    for (auto* tensor : {&out.features, &out.boxes, &out.objects, &out.attributes})
      if (tensor->defined() && tensor->dim() > 0) *tensor = tensor->slice(0, 0, static_cast<int64_t>(*count));
  }
  return checked_regions(std::move(out), where);
}

RegionFeatures checked_regions(RegionFeatures regions, const std::string& where) {
  auto& [features, boxes, relative, width, height, objects, attributes] = regions;
  check(features.dim() == 2 && features.numel() > 0, "{}: the features are [{}], not regions x features", where,
        fmt::join(features.sizes(), ", "));
  const auto count = features.size(0);
  check(boxes.dim() == 2 && boxes.size(0) == count && boxes.size(1) >= 4,
        "{}: the boxes are [{}], and there are {} regions", where, fmt::join(boxes.sizes(), ", "), count);
  features = features.to(at::kFloat);
  boxes = boxes.slice(1, 0, 4).to(at::kFloat).contiguous();
  for (auto* numbers : {&objects, &attributes}) {
    if (!numbers->defined()) continue;
    *numbers = numbers->flatten();
    check(numbers->size(0) == count, "{}: there are {} names for {} regions", where, numbers->size(0), count);
    *numbers = numbers->to(at::kLong).contiguous();
  }
  check(at::isfinite(features).all().item<bool>() && at::isfinite(boxes).all().item<bool>(),
        "{}: there are features or boxes that are not finite", where);
  check(width >= 0 && height >= 0 && width < 1e6 && height < 1e6, "{}: an image of {} x {} pixels cannot be", where,
        width, height);
  return regions;
}

std::unique_ptr<const RegionStore> open_region_store(const std::string& path) {
  check(fs::exists(path), "there is no file or folder '{}' of regions", path);
  if (fs::is_directory(path)) return std::make_unique<NpzFolder>(path);
  const auto ending = fs::path(path).extension().string();
  if (ending == ".tsv") return open_region_tsv(path);
  if (ending == ".npz") return std::make_unique<NpzRows>(path);
  check(ending == ".h5" || ending == ".hdf5",
        "'{}' is no file of regions: they are read from .tsv, .npz and .h5 files, and from folders of .npz", path);
  return std::make_unique<Hdf5Store>(path);
}

}  // namespace multiviz
