#include "nn/weight_reader.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/error.h"
#include "core/suggest.h"

namespace multiviz {
namespace {

constexpr size_t most_shown = 8;

// "3 tensors are missing: a, b, c".
std::string list(const std::vector<std::string>& items, const std::string& what) {
  std::vector<std::string> shown(items.begin(),
                                 items.begin() + static_cast<std::ptrdiff_t>(std::min(items.size(), most_shown)));
  if (items.size() > most_shown) shown.push_back(fmt::format("and {} more", items.size() - most_shown));
  return fmt::format("{} {}: {}", items.size(), what, fmt::join(shown, ", "));
}

}  // namespace

WeightReader::WeightReader(std::map<std::string, at::Tensor> tensors, std::string source, at::ScalarType dtype)
    : tensors_(std::move(tensors)), source_(std::move(source)), dtype_(dtype) {}

int64_t WeightReader::size(const std::string& name, int64_t dim) const {
  auto found = tensors_.find(name);
  return found == tensors_.end() || found->second.dim() <= dim ? 0 : found->second.size(dim);
}

// Checkpoints older than 2019 call the parameters of a LayerNorm gamma and beta.
std::string WeightReader::renamed(const std::string& name) const {
  if (tensors_.contains(name)) return name;
  for (auto [now, before] : {std::pair(".weight", ".gamma"), std::pair(".bias", ".beta")}) {
    if (!name.ends_with(now)) continue;
    auto old = name.substr(0, name.rfind('.')) + before;
    if (tensors_.contains(old)) return old;
  }
  return name;
}

at::Tensor WeightReader::take(const std::string& name, at::IntArrayRef shape) {
  auto found = tensors_.find(renamed(name));
  if (found == tensors_.end()) {
    missing_.push_back(fmt::format("'{}' [{}]", name, fmt::join(shape, ", ")));
    return {};
  }
  used_.insert(found->first);
  const auto& tensor = found->second;
  if (tensor.sizes() != shape || !at::isFloatingType(tensor.scalar_type())) {
    misshaped_.push_back(fmt::format("'{}' is {} [{}] instead of [{}]", name, c10::toString(tensor.scalar_type()),
                                     fmt::join(tensor.sizes(), ", "), fmt::join(shape, ", ")));
    return {};
  }
  // A network's own tensor object, so that moving it leaves the checkpoint's alone.
  auto own = tensor.scalar_type() == dtype_ ? tensor.detach() : tensor.detach().to(dtype_);
  taken_.emplace_back(name, own);
  return own;
}

LinearWeights WeightReader::linear(const std::string& name, int64_t in, int64_t out, bool bias) {
  return {take(name + ".weight", {out, in}), bias ? take(name + ".bias", {out}) : at::Tensor()};
}

LayerNormWeights WeightReader::norm(const std::string& name, int64_t width, double epsilon) {
  return {take(name + ".weight", {width}), take(name + ".bias", {width}), epsilon};
}

void WeightReader::ignore(const std::string& prefix) { ignored_.push_back(prefix); }
void WeightReader::ignore_ending(const std::string& suffix) { ignored_endings_.push_back(suffix); }

bool WeightReader::is_ignored(const std::string& name) const {
  return std::any_of(ignored_.begin(), ignored_.end(), [&](const auto& prefix) { return name.starts_with(prefix); }) ||
         std::any_of(ignored_endings_.begin(), ignored_endings_.end(),
                     [&](const auto& suffix) { return name.ends_with(suffix); });
}

NamedTensors WeightReader::unused() const {
  NamedTensors out;
  for (const auto& entry : tensors_)
    if (!used_.contains(entry.first)) out.push_back(entry);
  return out;
}

NamedTensors WeightReader::finish() {
  std::vector<std::string> unexpected, problems;
  for (const auto& [name, _] : tensors_)
    if (!used_.contains(name) && !is_ignored(name)) unexpected.push_back(name);
  if (!missing_.empty()) {
    auto first = missing_.front().substr(1, missing_.front().rfind('\'') - 1);
    auto near = nearest(first, unexpected);
    problems.push_back(list(missing_, missing_.size() == 1 ? "tensor is missing" : "tensors are missing") +
                       (near.empty() ? "" : fmt::format(" (did you mean '{}'?)", near)));
  }
  if (!misshaped_.empty()) problems.push_back(list(misshaped_, "do not fit"));
  if (!unexpected.empty()) problems.push_back(list(unexpected, "are not part of the model"));
  check(problems.empty(), "{} does not hold the weights that its settings ask for: {}", source_,
        fmt::join(problems, "; "));
  return std::move(taken_);
}

}  // namespace multiviz
