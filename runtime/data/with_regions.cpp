#include "data/with_regions.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>

#include "core/error.h"
#include "core/suggest.h"
#include "data/region_store.h"
#include "io/file.h"

namespace multiviz {
namespace {

const std::vector<std::string> default_keys = {"image_id", "imageId", "img_id", "image", "image_filename"};

// One name a line, the first where there are several.
std::vector<std::string> load_names(const std::string& path) {
  std::vector<std::string> out;
  if (path.empty()) return out;
  const auto text = read_file(path, 1 << 24);
  for (size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    auto name = text.substr(begin, end - begin);
    name = name.substr(0, name.find(','));
    while (!name.empty() && std::isspace(static_cast<unsigned char>(name.back()))) name.pop_back();
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    out.push_back(std::move(name));
    begin = end + 1;
  }
  check(!out.empty(), "'{}' holds no names: it should have one a line", path);
  return out;
}

std::string image_name(const nlohmann::json& value) {
  if (value.is_number_integer()) return std::to_string(value.get<int64_t>());
  if (!value.is_string()) return {};
  const auto path = std::filesystem::path(value.get<std::string>());
  const auto ending = path.extension().string();
  const bool picture = ending == ".jpg" || ending == ".jpeg" || ending == ".png";
  return picture ? path.stem().string() : path.filename().string();
}

class WithRegions : public Dataset {
 public:
  WithRegions(DatasetPtr data, RegionOptions options)
      : data_(std::move(data)),
        options_(std::move(options)),
        store_(open_region_store(options_.path)),
        objects_(load_names(options_.objects)),
        attributes_(load_names(options_.attributes)),
        modalities_(data_->modalities()) {
    for (const auto& modality : modalities_)
      check(modality.name != "objects", "{} has a modality 'objects' of its own", data_->name());
    modalities_.push_back({"objects", ModalityKind::time_series});
    std::error_code unknown;
    auto changed = std::filesystem::last_write_time(options_.path, unknown).time_since_epoch().count();
    fingerprint_ = fmt::format("{}/regions-{}-{}-{}", data_->fingerprint(),
                               std::filesystem::path(options_.path).filename().string(), store_->size(), changed);
  }

  const std::string& name() const override { return data_->name(); }
  const std::vector<Modality>& modalities() const override { return modalities_; }
  const std::vector<std::string>& labels() const override { return data_->labels(); }
  int64_t size() const override { return data_->size(); }
  std::string fingerprint() const override { return fingerprint_; }
  bool concurrent() const override { return data_->concurrent(); }
  const Skipped& skipped() const override { return data_->skipped(); }

  Datapoint get(int64_t index) const override {
    auto datapoint = data_->get(index);
    const auto image = image_of(datapoint);
    auto found = store_->find(image);
    check(found.has_value(),
          "'{}' has no regions of the image '{}' of {}: 'key' names the annotation with the image's "
          "name",
          options_.path, image, datapoint.id);
    add(datapoint, *found, fmt::format("'{}', image {}", options_.path, image));
    return datapoint;
  }

 private:
  std::string image_of(const Datapoint& datapoint) const {
    const auto& annotations = datapoint.annotations;
    for (const auto& key : options_.key.empty() ? default_keys : std::vector<std::string>{options_.key})
      if (annotations.contains(key))
        if (auto name = image_name(annotations[key]); !name.empty()) return name;
    if (options_.key.empty() || options_.key == "id") return datapoint.id;
    std::vector<std::string> known = {"id"};
    for (const auto& [key, _] : annotations.items()) known.push_back(key);
    fail("{} has no annotation '{}'{}", datapoint.id, options_.key, suggestion(options_.key, known));
  }

  // The sizes that boxes in pixels are of: the file's, or the datapoint's own image.
  void add(Datapoint& datapoint, const RegionFeatures& found, const std::string& where) const {
    double width = 0, height = 0;
    for (const auto& value : datapoint.values)
      if (const auto* image = std::get_if<Image>(&value); image && width == 0) {
        height = static_cast<double>(image->pixels.size(0));
        width = static_cast<double>(image->pixels.size(1));
      }
    const double across = found.relative ? 1 : found.width > 0 ? found.width : width;
    const double down = found.relative ? 1 : found.height > 0 ? found.height : height;
    check(across > 0 && down > 0, "{}: nothing says how large the image of the boxes is", where);
    auto boxes = found.boxes / at::tensor({across, down, across, down}, at::kFloat);
    if (width == 0) {
      if (found.width > 0 && found.height > 0)
        datapoint.picture = {std::llround(found.height), std::llround(found.width), {}};
      width = found.width > 0 ? found.width : 1;
      height = found.height > 0 ? found.height : 1;
    }
    TimeSeries series;
    series.frames = at::cat({found.features, boxes}, 1);
    datapoint.regions.clear();
    for (int64_t r = 0; r < boxes.size(0); ++r) {
      const auto* box = boxes.const_data_ptr<float>() + 4 * r;
      series.frame_names.push_back(region_name(found, r, where));
      datapoint.regions.push_back(
          {series.frame_names.back(), {box[0] * width, box[1] * height, box[2] * width, box[3] * height}, {}, false});
    }
    datapoint.values.push_back(std::move(series));
  }

  std::string region_name(const RegionFeatures& found, int64_t r, const std::string& where) const {
    auto of = [&](const at::Tensor& numbers, const std::vector<std::string>& names, const std::string& file) {
      const auto number = numbers[r].item<int64_t>();
      check(number >= 0 && number < std::ssize(names), "{}: region {} has the number {}, and '{}' has {} names", where,
            r + 1, number, file, names.size());
      return names[static_cast<size_t>(number)];
    };
    if (!found.objects.defined()) return fmt::format("region {}", r + 1);
    if (objects_.empty()) return fmt::format("object {}", found.objects[r].item<int64_t>());
    auto name = of(found.objects, objects_, options_.objects);
    if (!found.attributes.defined() || attributes_.empty()) return name;
    return of(found.attributes, attributes_, options_.attributes) + " " + name;
  }

  DatasetPtr data_;
  RegionOptions options_;
  std::unique_ptr<const RegionStore> store_;
  std::vector<std::string> objects_, attributes_;
  std::vector<Modality> modalities_;
  std::string fingerprint_;
};

}  // namespace

DatasetPtr with_regions(DatasetPtr data, RegionOptions options) {
  const bool skip = options.on_error == OnError::skip;
  auto out = std::make_shared<WithRegions>(std::move(data), std::move(options));
  return skip ? readable(out) : out;
}

}  // namespace multiviz
