#include "perturb/maskers.h"

#include <algorithm>

#include "core/error.h"
#include "core/suggest.h"

namespace multiviz {

void check_choice(const char* option, const std::string& given, std::span<const std::string> known) {
  if (std::find(known.begin(), known.end(), given) == known.end())
    fail("{} cannot be '{}'{}", option, given, suggestion(given, known));
}

const MaskerOptions& ModalityMaskers::of(const std::string& modality) const {
  auto found = own.find(modality);
  return found == own.end() ? *this : found->second;
}

MaskerPtr make_masker(const Value& value, const std::string& modality, const MaskerOptions& options,
                      std::span<const Region> regions) {
  switch (kind_of(value)) {
    case ModalityKind::image: return make_image_masker(std::get<Image>(value), modality, options, regions);
    case ModalityKind::text: return make_text_masker(std::get<Text>(value), modality, options);
    case ModalityKind::time_series: return make_series_masker(std::get<TimeSeries>(value), modality, options);
    case ModalityKind::tabular: return make_table_masker(std::get<Table>(value), modality, options);
  }
  fail("'{}' is of no known kind", modality);
}

std::vector<MaskerPtr> make_maskers(const Model& model, const Datapoint& datapoint, std::span<const size_t> modalities,
                                    const ModalityMaskers& options) {
  std::vector<MaskerPtr> maskers(datapoint.values.size());
  bool first_image = true;  // regions are of the first image modality
  for (size_t m = 0; m < maskers.size(); ++m) {
    bool image = kind_of(datapoint.values[m]) == ModalityKind::image;
    std::span<const Region> regions;
    if (image && first_image) regions = datapoint.regions;
    if (image) first_image = false;
    if (std::find(modalities.begin(), modalities.end(), m) == modalities.end()) continue;
    const auto& name = model.signature().modalities.at(m).name;
    auto settings = options.of(name);
    settings.device = model.device();
    maskers[m] = make_masker(datapoint.values[m], name, settings, regions);
  }
  return maskers;
}

namespace {

nlohmann::json describe_image(const MaskerOptions& options) {
  nlohmann::json out = {{"segmentation", options.segmentation}, {"hide", options.hide}};
  if (options.segmentation == "slic") {
    out["segments"] = options.segments;
    out["compactness"] = options.compactness;
  } else if (options.segmentation == "quickshift") {
    out["kernel_size"] = options.quickshift.kernel_size;
    out["max_dist"] = options.quickshift.max_dist;
    out["ratio"] = options.quickshift.ratio;
  } else if (options.segmentation == "grid") {
    out["rows"] = options.rows;
    out["columns"] = options.columns;
  } else if (options.segmentation == "boxes") {
    for (const auto& region : options.boxes)
      out["boxes"].push_back({region.box.x0, region.box.y0, region.box.x1, region.box.y1});
  }
  if (options.hide == "color") out["color"] = options.color;
  if (options.hide == "blur") out["blur"] = options.blur;
  return out;
}

}  // namespace

nlohmann::json describe(const MaskerOptions& options, ModalityKind kind) {
  switch (kind) {
    case ModalityKind::image: return describe_image(options);
    case ModalityKind::text: return {{"words", options.words}, {"mask_word", options.mask_word}};
    case ModalityKind::tabular: return {{"fill", options.fill}};
    case ModalityKind::time_series: break;
  }
  nlohmann::json out = {{"parts", options.parts}, {"fill", options.fill}};
  if (options.parts == "frames") out["frames"] = options.frames;
  return out;
}

}  // namespace multiviz
