#include <ATen/ATen.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "core/error.h"
#include "io/json.h"
#include "io/yaml.h"
#include "models/frcnn.h"
#include "models/weight_files.h"
#include "nn/detection.h"

namespace multiviz {
namespace {

// Keys in capitals, which the demo's settings are read by, however they are written.
nlohmann::json in_capitals(const nlohmann::json& config) {
  if (!config.is_object()) return config;
  auto out = nlohmann::json::object();
  for (const auto& [key, value] : config.items()) {
    auto name = key;
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
    out[name] = in_capitals(value);
  }
  return out;
}

// One part of the settings, with what its numbers must be.
class Part {
 public:
  Part(const nlohmann::json& config, const std::string& name, const std::string& where)
      : part_(name.empty() ? config : require(config, name, where)),
        where_(name.empty() ? where : where + ": " + name) {}

  int64_t whole(const char* key, int64_t least, int64_t most) const {
    auto value = require<int64_t>(part_, key, where_);
    check(value >= least && value <= most, "{}: '{}' is {}: it must be {} to {}", where_, key, value, least, most);
    return value;
  }
  double number(const char* key, double least, double most) const {
    auto value = require<double>(part_, key, where_);
    check(value >= least && value <= most, "{}: '{}' is {}: it must be {} to {}", where_, key, value, least, most);
    return value;
  }
  bool flag(const char* key) const { return require<bool>(part_, key, where_); }
  std::string text(const char* key) const { return require<std::string>(part_, key, where_); }
  std::vector<double> numbers(const char* key, double above) const {
    return checked(require(part_, key, where_), key, above);
  }
  // A list of one list, one for each of the maps that there are.
  std::vector<double> first_numbers(const char* key) const {
    const auto& lists = require(part_, key, where_);
    check(lists.is_array() && lists.size() == 1 && lists[0].is_array(),
          "{}: '{}' must be a list for one map of features", where_, key);
    return checked(lists[0], key, 0);
  }
  template <size_t N>
  std::array<double, N> some(const char* key, double above) const {
    auto values = numbers(key, above);
    check(values.size() == N, "{}: '{}' has {} numbers, not {}", where_, key, values.size(), N);
    std::array<double, N> out;
    std::copy(values.begin(), values.end(), out.begin());
    return out;
  }
  template <typename T>
  void only(const char* key, const T& value) const {
    auto found = require<T>(part_, key, where_);
    check(found == value, "{}: '{}' is {}, and only {} is known", where_, key, found, value);
  }

 private:
  std::vector<double> checked(const nlohmann::json& list, const char* key, double above) const {
    auto values = list.is_number() ? std::vector<double>{list.get<double>()}
                                   : as<std::vector<double>>(list, where_ + ": '" + key + "'");
    constexpr size_t longest = 64;
    check(!values.empty() && values.size() <= longest, "{}: '{}' has {} numbers", where_, key, values.size());
    for (double value : values)
      check(value > above && value < 1e6, "{}: '{}' holds {}: it must hold numbers above {}", where_, key, value,
            above);
    return values;
  }

  nlohmann::json part_;
  std::string where_;
};

std::array<int64_t, 3> depths_of(int64_t depth, const std::string& where) {
  switch (depth) {
    case 50:
      return {3, 4, 6};
    case 101:
      return {3, 4, 23};
    case 152:
      return {3, 8, 36};
    default:
      fail("{}: a ResNet has a DEPTH of 50, 101 or 152, not {}", where, depth);
  }
}

}  // namespace

Frcnn::Frcnn(const std::string& folder) : folder_(folder) {
  const auto path = (std::filesystem::path(folder) / "config.yaml").string();
  check(std::filesystem::is_regular_file(path), "'{}' is no detector: it has no config.yaml", folder);
  const auto config = in_capitals(load_yaml(path));
  read_settings(config, path);
  const Part resnet(config, "RESNETS", path);
  const auto stem = resnet.whole("STEM_OUT_CHANNELS", 1, 4096);
  const auto depths = depths_of(resnet.whole("DEPTH", 1, 1000), path);
  auto weights = load_weight_files(folder).tensors;
  std::erase_if(weights, [](const auto& entry) { return entry.first.ends_with(".num_batches_tracked"); });
  read_network(WeightReader(std::move(weights), folder), stem, depths);
}

void Frcnn::read_settings(const nlohmann::json& config, const std::string& where) {
  constexpr int64_t many = 1 << 16;
  const Part all(config, "", where), model(config, "MODEL", where), input(config, "INPUT", where);
  mean_ = model.some<3>("PIXEL_MEAN", -1);
  deviation_ = model.some<3>("PIXEL_STD", 0);
  caffe_pool_ = model.flag("MAX_POOL");
  reversed_ = input.text("FORMAT") == "RGB";
  shortest_ = input.whole("MIN_SIZE_TEST", 1, many);
  longest_ = input.whole("MAX_SIZE_TEST", 1, many);
  fewest_ = all.whole("MIN_DETECTIONS", 1, many);
  most_ = all.whole("MAX_DETECTIONS", fewest_, many);

  const Part resnet(config, "RESNETS", where);
  resnet.only<std::string>("NORM", "BN");
  resnet.only<int64_t>("NUM_GROUPS", 1);
  width_ = resnet.whole("RES2_OUT_CHANNELS", 4, 4096);
  resnet.only<int64_t>("WIDTH_PER_GROUP", width_ / 4);
  options_.names = ResnetNames::detectron;
  options_.stride = resnet.flag("STRIDE_IN_1X1") ? ResnetStride::in_1x1 : ResnetStride::in_3x3;

  const Part anchors(config, "ANCHOR_GENERATOR", where), generator(config, "PROPOSAL_GENERATOR", where);
  cells_ = cell_anchors(anchors.first_numbers("SIZES"), anchors.first_numbers("ASPECT_RATIOS"));
  anchors_ = cells_.size(0);
  offset_ = anchors.number("OFFSET", 0, 1);
  hidden_ = generator.whole("HIDDEN_CHANNELS", -1, many);
  if (hidden_ < 1) hidden_ = 4 * width_;
  smallest_ = generator.number("MIN_SIZE", 0, many);

  const Part rpn(config, "RPN", where), heads(config, "ROI_HEADS", where), box(config, "ROI_BOX_HEAD", where);
  overlap_ = rpn.number("NMS_THRESH", 0, 1);
  before_ = rpn.whole("PRE_NMS_TOPK_TEST", 1, many);
  after_ = rpn.whole("POST_NMS_TOPK_TEST", 1, many);
  proposal_weights_ = rpn.some<4>("BBOX_REG_WEIGHTS", 0);
  classes_ = heads.whole("NUM_CLASSES", 1, many);
  thresholds_ = heads.numbers("NMS_THRESH_TEST", 0);
  resolution_ = box.whole("POOLER_RESOLUTION", 1, 256);
  halve_ = box.flag("RES5HALVE");
  box.only("ATTR", true);
  box.only("CLS_AGNOSTIC_BBOX_REG", false);
  attributes_ = box.whole("NUM_ATTRS", 1, many);
  box_weights_ = box.some<4>("BBOX_REG_WEIGHTS", 0);
}

void Frcnn::read_network(WeightReader weights, int64_t stem, const std::array<int64_t, 3>& depths) {
  const std::string backbone = "backbone.", proposals = "proposal_generator.", heads = "roi_heads.";
  stem_ = read_resnet_stem(weights, backbone, 3, stem, options_);
  int64_t in = stem, out = width_;
  for (size_t s = 0; s < depths.size(); ++s, in = out, out *= 2)
    stages_.emplace_back(weights, backbone, static_cast<int64_t>(s) + 1,
                         ResnetShape{in, out, depths[s], s == 0 ? 1 : 2, 1}, options_);
  // Visual Genome's networks keep the size and look further instead.
  head_ = ResnetStage(weights, heads, 4, ResnetShape{in, out, 3, halve_ ? 2 : 1, halve_ ? 1 : 2}, options_);
  const auto cells = proposals + "anchor_generator.cell_anchors.0";
  if (weights.has(cells)) cells_ = weights.take(cells, {anchors_, 4});
  const auto rpn = proposals + "rpn_head.";
  auto convolution = [&](const std::string& name, int64_t from, int64_t to, int64_t kernel) -> LinearWeights {
    return {weights.take(rpn + name + ".weight", {to, from, kernel, kernel}), weights.take(rpn + name + ".bias", {to})};
  };
  conv_ = convolution("conv", in, hidden_, 3);
  objectness_ = convolution("objectness_logits", hidden_, anchors_, 1);
  deltas_ = convolution("anchor_deltas", hidden_, 4 * anchors_, 1);
  const auto box = heads + "box_predictor.";
  object_ = weights.linear(box + "cls_score", out, classes_ + 1);
  box_ = weights.linear(box + "bbox_pred", out, 4 * classes_);
  object_embedding_ = weights.take(box + "cls_embedding.weight", {classes_ + 1, out / 8});
  attribute_hidden_ = weights.linear(box + "fc_attr", out + out / 8, out / 4);
  attribute_ = weights.linear(box + "attr_score", out / 4, attributes_ + 1);
  weights_ = weights.finish();
}

}  // namespace multiviz
