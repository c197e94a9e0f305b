#include "models/mdetr_backbone.h"

#include <ATen/ATen.h>

#include <map>

#include "core/error.h"
#include "nn/efficientnet.h"
#include "nn/resnet.h"

namespace multiviz {
namespace {

// Rows of a batch whose real part has one size.
struct Group {
  std::vector<int64_t> rows;
  int64_t height, width;
};

std::vector<Group> groups_of(const at::Tensor& real) {
  auto heights = real.any(2).sum(1).cpu(), widths = real.any(1).sum(1).cpu();
  std::map<std::pair<int64_t, int64_t>, std::vector<int64_t>> by_size;
  for (int64_t b = 0; b < real.size(0); ++b) {
    int64_t height = heights[b].item<int64_t>(), width = widths[b].item<int64_t>();
    check(height > 0 && width > 0, "image {} of the batch has no pixel that is not padding", b + 1);
    by_size[{height, width}].push_back(b);
  }
  std::vector<Group> out;
  for (auto& [size, rows] : by_size) out.push_back({std::move(rows), size.first, size.second});
  return out;
}

// Runs each group without its padding. The groups' sizes become those of the result.
at::Tensor run_groups(const at::Tensor& x, std::vector<Group>& groups,
                      const std::function<at::Tensor(const at::Tensor&)>& run) {
  std::vector<at::Tensor> parts;
  std::vector<int64_t> order;
  int64_t height = 0, width = 0;
  for (auto& group : groups) {
    auto rows = at::tensor(group.rows, at::kLong).to(x.device());
    parts.push_back(run(x.index_select(0, rows).slice(2, 0, group.height).slice(3, 0, group.width)));
    group.height = parts.back().size(2), group.width = parts.back().size(3);
    height = std::max(height, group.height), width = std::max(width, group.width);
    order.insert(order.end(), group.rows.begin(), group.rows.end());
  }
  for (auto& part : parts) part = at::constant_pad_nd(part, {0, width - part.size(3), 0, height - part.size(2)});
  return at::cat(parts).index_select(0, at::tensor(order, at::kLong).argsort().to(x.device()));
}

at::Tensor real_cells(const at::Tensor& x, const std::vector<Group>& groups) {
  auto real = at::zeros({x.size(0), x.size(2), x.size(3)}, x.options().dtype(at::kBool));
  for (const auto& group : groups)
    for (int64_t row : group.rows) real[row].slice(0, 0, group.height).slice(1, 0, group.width).fill_(true);
  return real;
}

bool is_resnet(const std::string& name) {
  return name.starts_with("resnet") && name.size() > 6 && name.find_first_not_of("0123456789", 6) == std::string::npos;
}

}  // namespace

MdetrBackbone::MdetrBackbone(WeightReader& weights, const std::string& prefix, const std::string& name, bool dilation,
                             const std::string& where) {
  bool mobile = name.empty() && weights.has(prefix + "conv_stem.weight");
  if (name.empty() ? !mobile : is_resnet(name))
    add_resnet(weights, prefix, dilation, where);
  else if (mobile || name.starts_with("timm_tf_efficientnet_b"))
    add_efficientnet(weights, prefix, /*same=*/true);
  else if (name.starts_with("timm_efficientnet_b"))
    add_efficientnet(weights, prefix, /*same=*/false);
  else
    fail(
        "{} has the backbone '{}', which this version does not know: known are ResNets with frozen batch norm "
        "(resnet18 to resnet152) and EfficientNets (timm_tf_efficientnet_b3_ns, timm_efficientnet_b0, ...)",
        where, name);
}

void MdetrBackbone::add_resnet(WeightReader& weights, const std::string& prefix, bool dilation,
                               const std::string& where) {
  ResnetOptions options;
  options.bottleneck = weights.has(prefix + "layer1.0.conv3.weight");
  check(!dilation || options.bottleneck,
        "{}: dilation is for backbones with bottlenecks, such as resnet50 and resnet101, and this one has none", where);
  int64_t first = weights.size(prefix + "conv1.weight", 0);
  auto stem = read_resnet_stem(weights, prefix, 3, first, options);
  steps_.push_back({"image.embeddings", [=](const at::Tensor& x) { return resnet_stem(x, stem, options); }});
  channels_ = first;
  for (int64_t stage = 1; stage <= 4; ++stage) {
    auto layer = [&](int64_t l) { return fmt::format("{}layer{}.{}.", prefix, stage, l); };
    ResnetShape shape{channels_, weights.size(layer(0) + (options.bottleneck ? "conv3.weight" : "conv2.weight"), 0), 1,
                      stage == 1 ? 1 : 2};
    if (dilation && stage == 4) shape.stride = 1, shape.dilation = 2, shape.first_dilation = 1;
    while (weights.has(layer(shape.layers) + "conv1.weight")) ++shape.layers;
    ResnetStage run(weights, prefix, stage, shape, options);
    steps_.push_back({fmt::format("image.stage.{}", stage), [=](const at::Tensor& x) { return run(x); }});
    channels_ = shape.out;
    if (stage < 4) finer_[static_cast<size_t>(3 - stage)] = {steps_.back().tap, channels_};
  }
}

void MdetrBackbone::add_efficientnet(WeightReader& weights, const std::string& prefix, bool same) {
  EfficientNet network(weights, prefix, same);
  channels_ = network.channels(network.stages() - 1);
  steps_.push_back({"image.embeddings", [=](const at::Tensor& x) { return network.stem(x); }});
  for (size_t s = 0; s < network.stages(); ++s)
    steps_.push_back({fmt::format("image.stage.{}", s + 1), [=](const at::Tensor& x) { return network.stage(s, x); }});
  // The last stages before the map is halved.
  constexpr size_t last[] = {4, 2, 1};
  for (size_t i = 0; i < finer_.size(); ++i)
    finer_[i] = {fmt::format("image.stage.{}", last[i] + 1), network.channels(last[i])};
}

std::vector<std::string> MdetrBackbone::taps() const {
  std::vector<std::string> out;
  for (const auto& step : steps_) out.push_back(step.tap);
  return out;
}

at::Tensor MdetrBackbone::operator()(at::Tensor x, at::Tensor& real, Trace* trace) const {
  std::vector<Group> groups;
  if (real.defined()) groups = groups_of(real);
  for (const auto& step : steps_)
    x = tap(trace, step.tap, real.defined() ? run_groups(x, groups, step.run) : step.run(x));
  if (real.defined()) real = real_cells(x, groups);
  return x;
}

}  // namespace multiviz
