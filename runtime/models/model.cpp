#include "models/model.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/batch.h"
#include "core/error.h"

namespace multiviz {

int64_t Encoding::batch() const { return tensors.empty() ? 0 : tensors.front().size(0); }

Encoding Encoding::index_select(const at::Tensor& rows) const {
  Encoding out;
  for (const auto& tensor : tensors) out.tensors.push_back(tensor.index_select(0, rows.to(tensor.device())));
  return out;
}

Encoding Encoding::slice(int64_t begin, int64_t end) const {
  Encoding out;
  for (const auto& tensor : tensors) out.tensors.push_back(tensor.slice(0, begin, end));
  return out;
}

namespace {

at::Tensor lengthened(const at::Tensor& tensor, int64_t length) {
  if (tensor.dim() < 2 || tensor.size(1) == length) return tensor;
  auto shape = tensor.sizes().vec();
  shape[1] = length - tensor.size(1);
  return at::cat({tensor, at::zeros(shape, tensor.options())}, 1);
}

}  // namespace

Encoding concatenate(std::span<const Encoding> parts) {
  check(!parts.empty(), "cannot concatenate no encodings");
  Encoding out;
  for (size_t t = 0; t < parts.front().tensors.size(); ++t) {
    std::vector<at::Tensor> pieces;
    int64_t longest = 0;
    for (const auto& part : parts)
      if (part.tensors[t].dim() > 1) longest = std::max(longest, part.tensors[t].size(1));
    for (const auto& part : parts) pieces.push_back(lengthened(part.tensors[t], longest));
    out.tensors.push_back(at::cat(pieces, 0));
  }
  return out;
}

namespace {

// Views of row `row` of an encoding, as a batch of `batch`, without a copy.
Encoding repeat_row(const Encoding& encoding, int64_t row, int64_t batch) {
  Encoding out;
  for (const auto& tensor : encoding.tensors) {
    auto shape = tensor.sizes().vec();
    shape.front() = batch;
    out.tensors.push_back(tensor.slice(0, row, row + 1).expand(shape));
  }
  return out;
}

}  // namespace

void Model::fuse_grid(std::span<const Encoding> encodings, size_t a, size_t b,
                      const std::function<void(const GridBlock&)>& consumer, int64_t chunk) const {
  constexpr int64_t cpu_chunk = 128, gpu_chunk = 4096;  // on a CPU, what a fuse makes should stay in its cache
  if (chunk <= 0) chunk = device().is_cpu() ? cpu_chunk : gpu_chunk;
  int64_t rows = encodings[a].batch(), columns = encodings[b].batch();
  int64_t width = std::min(columns, chunk), height = std::max<int64_t>(1, chunk / width);
  // One row of a against views of b copies nothing, which is worth more than a full chunk.
  if (device().is_cpu() && columns >= cpu_chunk / 4) height = 1;
  for (int64_t i0 = 0; i0 < rows; i0 += height) {
    int64_t i1 = std::min(rows, i0 + height);
    for_each_batch(columns, width, [&](int64_t j0, int64_t j1) {
      auto options = at::TensorOptions().dtype(at::kLong).device(device());
      std::vector<Encoding> pairs(encodings.begin(), encodings.end());
      for (size_t m = 0; m < pairs.size(); ++m) {
        if (m != a && m != b)
          pairs[m] = repeat_row(pairs[m], 0, (i1 - i0) * (j1 - j0));
        else if (i1 - i0 == 1)
          pairs[m] = m == a ? repeat_row(pairs[m], i0, j1 - j0) : pairs[m].slice(j0, j1);
        else
          pairs[m] = pairs[m].index_select(m == a ? at::arange(i0, i1, options).repeat_interleave(j1 - j0)
                                                  : at::arange(j0, j1, options).repeat({i1 - i0}));
      }
      consumer({i0, i1, j0, j1, fuse(pairs, nullptr)});
    });
  }
}

Output Model::forward(std::span<const std::vector<Value>> values, Trace* trace) const {
  check(values.size() == signature().modalities.size(), "{} takes {} modalities, but {} were given", signature().name,
        signature().modalities.size(), values.size());
  std::vector<Leaf> leaves;
  for (size_t m = 0; m < values.size(); ++m) leaves.push_back(prepare(m, values[m]));
  return forward(leaves, trace);
}

Output Model::forward(const Datapoint& datapoint, Trace* trace) const {
  std::vector<std::vector<Value>> values;
  for (const auto& value : datapoint.values) values.push_back({value});
  return forward(values, trace);
}

Output Model::forward(std::span<const Leaf> leaves, Trace* trace) const {
  std::vector<Encoding> encodings;
  for (size_t m = 0; m < leaves.size(); ++m) encodings.push_back(encode(m, leaves[m], trace));
  return fuse(encodings, trace);
}

std::vector<size_t> match_modalities(const Signature& signature, const std::vector<Modality>& modalities) {
  std::vector<size_t> order;
  for (const auto& wanted : signature.modalities) {
    std::vector<size_t> by_name, by_kind;
    for (size_t i = 0; i < modalities.size(); ++i) {
      if (modalities[i].kind != wanted.kind) continue;
      by_kind.push_back(i);
      if (modalities[i].name == wanted.name) by_name.push_back(i);
    }
    const auto& found = by_name.empty() ? by_kind : by_name;
    check(found.size() == 1, "{} needs the {} '{}', and the data set has {} of that kind: name the modality '{}'",
          signature.name, kind_name(wanted.kind), wanted.name, by_kind.empty() ? "none" : "several", wanted.name);
    order.push_back(found.front());
  }
  return order;
}

Datapoint adapt(const Signature& signature, const Dataset& data, Datapoint datapoint) {
  auto order = match_modalities(signature, data.modalities());
  std::vector<Value> values;
  for (size_t from : order) values.push_back(datapoint.values.at(from));
  // Regions of an image that the model does not read are still to be drawn on it.
  auto picture = datapoint.regions.empty() ? Picture{} : picture_of(datapoint);
  datapoint.values = std::move(values);
  auto is_image = [](const Value& value) { return kind_of(value) == ModalityKind::image; };
  datapoint.picture = std::any_of(datapoint.values.begin(), datapoint.values.end(), is_image) ? Picture{} : picture;
  for (auto& label : datapoint.labels) {
    check(label >= 0 && label < std::ssize(data.labels()), "datapoint {} has label {} of the {} of {}: mend the data",
          datapoint.id, label + 1, data.labels().size(), data.name());
    const auto& name = data.labels()[static_cast<size_t>(label)];
    auto found = std::find(signature.labels.begin(), signature.labels.end(), name);
    label = found == signature.labels.end() ? -1 : found - signature.labels.begin();
  }
  return datapoint;
}

void check_finite(const Model& model, std::span<const Leaf> leaves, const Output& output) {
  if (at::isfinite(output.logits).all().item<bool>() && at::isfinite(output.features).all().item<bool>()) return;
  Trace trace;
  trace.record("*");
  model.forward(leaves, &trace);
  for (const auto& name : model.signature().taps) {
    auto found = trace.activations().find(name);
    if (found == trace.activations().end() || at::isfinite(found->second).all().item<bool>()) continue;
    fail("{} gives values that are not finite, first in layer '{}': check the weights and the input", model.signature().name,
         name);
  }
  fail("{} gives logits that are not finite: check the weights and the input", model.signature().name);
}

void require_differentiable(const Model& model, const std::string& method) {
  check(model.signature().differentiable,
        "{} needs gradients and {} is declared not differentiable: use lime, kernel_shap or occlusion", method,
        model.signature().name);
}

}  // namespace multiviz
