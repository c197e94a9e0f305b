#include <tuple>

#include "core/error.h"
#include "data/image_processor.h"
#include "io/json.h"

namespace multiviz {
namespace {

using nlohmann::json;
using Resize = ImageProcessorOptions::Resize;

// What a processor does where its file is silent.
struct Defaults {
  bool crop = false, pad = false;
  bool square = true;  // a size that is one number is both sides, not the shorter one's
  int64_t size = 224;
  Resample resample = Resample::bilinear;
  std::array<double, 3> mean = {0.5, 0.5, 0.5}, deviation = {0.5, 0.5, 0.5};
};

constexpr std::array<double, 3> imagenet_mean = {0.485, 0.456, 0.406}, imagenet_deviation = {0.229, 0.224, 0.225};

bool named(const std::string& type, const char* family) { return type.find(family) != std::string::npos; }

Defaults defaults_of(const std::string& type) {
  Defaults defaults;
  if (named(type, "CLIP")) {
    defaults.crop = true;
    defaults.square = false;
    defaults.resample = Resample::bicubic;
    defaults.mean = {0.48145466, 0.4578275, 0.40821073};
    defaults.deviation = {0.26862954, 0.26130258, 0.27577711};
  } else if (named(type, "Vilt")) {
    defaults.pad = true;
    defaults.resample = Resample::bicubic;
  } else if (named(type, "ConvNext") || named(type, "Beit")) {
    defaults.resample = Resample::bicubic;
  } else if (named(type, "DeiT")) {
    defaults.crop = true;
    defaults.size = 256;
    defaults.resample = Resample::bicubic;
  } else if (type.empty()) {
    defaults.square = false;
  } else if (named(type, "Detr")) {
    defaults.pad = true;
    defaults.mean = imagenet_mean;
    defaults.deviation = imagenet_deviation;
  }
  return defaults;
}

std::array<double, 3> three(const json& config, const char* key, const std::array<double, 3>& otherwise,
                            const std::string& where) {
  auto found = config.find(key);
  if (found == config.end() || found->is_null()) return otherwise;
  if (found->is_number()) {
    auto value = found->get<double>();
    return {value, value, value};
  }
  auto values = as<std::vector<double>>(*found, where + ": " + key);
  check(values.size() == 3, "{}: {} has {} numbers: it must have one for each colour", where, key, values.size());
  return {values[0], values[1], values[2]};
}

// {"height": h, "width": w}, or a number for both.
std::pair<int64_t, int64_t> rectangle(const json& size, const std::string& where) {
  if (!size.is_object()) {
    auto side = as<int64_t>(size, where);
    return {side, side};
  }
  if (size.contains("shortest_edge") && !size["shortest_edge"].is_null()) {
    auto side = require<int64_t>(size, "shortest_edge", where);
    return {side, side};
  }
  return {require<int64_t>(size, "height", where), require<int64_t>(size, "width", where)};
}

void read_divisible(ImageProcessorOptions& options, const json& config, const std::string& where) {
  options.resize = Resize::divisible;
  options.size_divisor = get_or<int64_t>(config, "size_divisor", 32, where);
  constexpr double longest_by_shortest = 1333.0 / 800;
  options.longest_edge = static_cast<int64_t>(longest_by_shortest * static_cast<double>(options.shortest_edge));
}

void read_edges(ImageProcessorOptions& options, const json& size, const std::string& where) {
  options.shortest_edge = require<int64_t>(size, "shortest_edge", where);
  options.longest_edge = get_or<int64_t>(size, "longest_edge", 0, where);
  options.resize = options.longest_edge > 0 ? Resize::between_edges : Resize::shortest_edge;
}

// ConvNeXt resizes small pictures a little larger than it then crops them.
void read_convnext(ImageProcessorOptions& options, const json& config, int64_t edge, const std::string& where) {
  constexpr int64_t whole_from = 384;
  if (edge >= whole_from) {
    options.resize = Resize::fixed;
    options.height = options.width = edge;
    return;
  }
  auto part = get_or(config, "crop_pct", 224.0 / 256, where);
  check(part > 0 && part <= 1, "{}: crop_pct is {}: it must be a part of 1", where, part);
  options.resize = Resize::shortest_edge;
  options.shortest_edge = static_cast<int64_t>(static_cast<double>(edge) / part);
  options.crop_height = options.crop_width = edge;
}

// null is off, where nothing at all is the default.
bool flag(const json& config, const char* key, bool otherwise, const std::string& where) {
  return get_or(config, key, otherwise && !config.contains(key), where);
}

bool given(const json& config, const char* key) { return config.contains(key) && !config[key].is_null(); }

void read_size(ImageProcessorOptions& options, const json& config, const std::string& type, const Defaults& defaults,
               const std::string& where) {
  json size = config.contains("size") ? config["size"] : json();
  auto here = where + ": size";
  auto has = [&](const char* key) { return size.is_object() && given(size, key); };
  if (named(type, "ConvNext") || given(config, "crop_pct")) {
    read_convnext(options, config, size.is_null() ? 384 : rectangle(size, here).first, where);
  } else if (named(type, "Vilt") || given(config, "size_divisor")) {
    constexpr int64_t usual = 384;
    options.shortest_edge = size.is_null() ? usual : rectangle(size, here).first;
    read_divisible(options, config, where);
  } else if (has("shortest_edge")) {
    read_edges(options, size, here);
  } else if (has("max_height") && has("max_width")) {
    options.resize = Resize::within;
    options.height = require<int64_t>(size, "max_height", here);
    options.width = require<int64_t>(size, "max_width", here);
  } else if (named(type, "Detr") && !size.is_object()) {
    options.resize = Resize::between_edges;
    options.shortest_edge = size.is_null() ? 800 : as<int64_t>(size, here);
    options.longest_edge = get_or<int64_t>(config, "max_size", 1333, where);
  } else if (!size.is_object() && !defaults.square && (options.crop_height > 0 || !type.empty())) {
    options.resize = Resize::shortest_edge;
    options.shortest_edge = size.is_null() ? defaults.size : as<int64_t>(size, here);
  } else {
    options.resize = Resize::fixed;
    std::tie(options.height, options.width) = rectangle(size.is_null() ? json(defaults.size) : size, here);
  }
}

}  // namespace

ImageProcessorOptions image_processor_options(const nlohmann::json& config, const std::string& where) {
  check(config.is_object(), "{} must be an object of settings", where);
  for (const char* other :
       {"do_flip_channel_order", "do_thumbnail", "do_align_long_axis", "rescale_offset", "use_square_size"})
    check(!get_or(config, other, false, where), "{}: '{}' asks for a step that this version cannot do", where, other);
  auto type = get_or<std::string>(config, "image_processor_type",
                                  get_or<std::string>(config, "feature_extractor_type", "", where), where);
  auto defaults = defaults_of(type);
  ImageProcessorOptions options;
  auto filter = get_or<int64_t>(config, "resample", static_cast<int64_t>(defaults.resample), where);
  check(filter >= 0 && filter <= 5, "{}: resample is {}: Pillow's filters are 0 to 5", where, filter);
  options.resample = static_cast<Resample>(filter);
  if (flag(config, "do_center_crop", defaults.crop, where)) {
    auto size = given(config, "crop_size") ? config["crop_size"] : json(224);
    std::tie(options.crop_height, options.crop_width) = rectangle(size, where + ": crop_size");
  }
  if (flag(config, "do_resize", true, where)) read_size(options, config, type, defaults, where);
  options.scale = flag(config, "do_rescale", true, where) ? get_or(config, "rescale_factor", 1.0 / 255, where) : 1;
  if (flag(config, "do_normalize", true, where)) {
    options.mean = three(config, "image_mean", defaults.mean, where);
    options.deviation = three(config, "image_std", defaults.deviation, where);
  }
  options.pad = flag(config, "do_pad", defaults.pad, where);
  if (options.pad && given(config, "pad_size"))
    std::tie(options.pad_height, options.pad_width) = rectangle(config["pad_size"], where + ": pad_size");
  ImageProcessor{options};  // so that a wrong size is named with its file's other faults, not at the first image
  return options;
}

}  // namespace multiviz
