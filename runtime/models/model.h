#pragma once
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data/datapoint.h"
#include "data/dataset.h"
#include "data/modality.h"
#include "models/trace.h"

namespace multiviz {

enum class Task { classification, multilabel, regression };

struct Signature {
  std::string name;                  // "blocks-cnn-lstm-sa"
  std::vector<Modality> modalities;
  std::vector<std::string> labels;   // C names; empty for regression (C = 1)
  Task task = Task::classification;
  int64_t features = 0;              // D, the width of the penultimate layer
  std::vector<std::string> taps;     // every name that a Trace can record
  bool differentiable = true;        // false: gradient methods are refused, perturbation methods work

  int64_t outputs() const { return labels.empty() ? 1 : static_cast<int64_t>(labels.size()); }
};

// One modality of a batch as the tensor that gradients are taken for: pixels [B, 3, H, W], word embeddings [B, T, E],
// frames [B, T, F], columns [B, F].
struct Leaf {
  at::Tensor tensor;
  at::Tensor mask;   // bool [B, T], or [B, H, W] of padded images: true where it is real; undefined when all is
  at::Tensor atoms;  // int64 [B, T], the word (0-based in words()) that a position belongs to, -1 for none; text only
  std::vector<Box> areas;  // B boxes: the part of the original image, in its pixels, that the leaf shows; image only
  at::Tensor regions = {};  // [B, R, K], where a detector looked in each image, rows of NaN for none; image only
};

// What encode makes of a leaf: any number of tensors, each with the batch first.
struct Encoding {
  std::vector<at::Tensor> tensors;

  int64_t batch() const;
  Encoding index_select(const at::Tensor& rows) const;     // int64 [n] -> batch n
  Encoding slice(int64_t begin, int64_t end) const;        // views, no copy
};

// Along the batch. Tensors that differ in length, dimension 1, are padded with zeros: such encodings hold a mask.
Encoding concatenate(std::span<const Encoding> parts);

struct Output {
  at::Tensor logits;    // [B, C]; the prediction itself for regression, [B, 1]
  at::Tensor features;  // [B, D], penultimate
};

// Rows [i0, i1) of modality a and columns [j0, j1) of modality b, row by row: output row (i - i0) * (j1 - j0) + (j - j0).
struct GridBlock {
  int64_t i0, i1, j0, j1;
  Output output;
};

// A multimodal model f = fuse(encode(prepare(x_1)), ..., encode(prepare(x_M))). The split is what makes analysis fast:
// f(a_i, b_j) for N x N pairs costs N encodes a side and N^2 fuses. Modalities are given by their position in the
// signature. Const functions may be called from several threads; nothing here turns gradients on or off.
class Model {
 public:
  virtual ~Model() = default;
  virtual const Signature& signature() const = 0;

  // Raw values of one modality -> the leaf, on the model's device. Throws Error for a value of another kind or one that
  // the model cannot take (an empty question, a channel count that differs).
  virtual Leaf prepare(size_t modality, std::span<const Value> values) const = 0;
  // The part of the network that sees one modality alone. Rows do not depend on one another, nor on padding.
  virtual Encoding encode(size_t modality, const Leaf& leaf, Trace* trace) const = 0;
  // The rest. One encoding per modality, all of the same batch, or batch 1 where the model can broadcast it.
  virtual Output fuse(std::span<const Encoding> encodings, Trace* trace) const = 0;

  // Evaluates every pair (i, j) of rows i of encodings[a] and j of encodings[b]; other modalities have batch 1 and are
  // held fixed. Streams blocks to the consumer, which reduces them, so nothing of size N^2 is kept. `chunk` pairs are
  // fused at a time (<= 0: default).
  virtual void fuse_grid(std::span<const Encoding> encodings, size_t a, size_t b,
                         const std::function<void(const GridBlock&)>& consumer, int64_t chunk = 0) const;

  // Weights by name. Empty for a model that has none to show (TorchScript without names, Lua functions).
  virtual std::vector<std::pair<std::string, at::Tensor>> parameters() const { return {}; }
  // Tensors that are saved with the weights and that an optimizer leaves alone: running statistics.
  virtual std::vector<std::pair<std::string, at::Tensor>> buffers() const { return {}; }
  // Models that this one is made of, by name: they are saved in folders of their own, and their tensors are also among
  // parameters() and buffers(), as part_prefix(name) + their own name.
  virtual std::vector<std::pair<std::string, std::shared_ptr<Model>>> parts() const { return {}; }
  // Whether forward passes are those of training (batch statistics). Off unless a training run has turned it on.
  virtual void set_training(bool) {}
  virtual void to(at::Device device) = 0;
  virtual at::Device device() const = 0;
  // Architecture and its settings, enough to make the same model again: saved beside the weights.
  virtual nlohmann::json config() const { return nlohmann::json::object(); }

  // The folder that it was loaded from, "" when there was none.
  const std::string& origin() const { return origin_; }
  void set_origin(std::string folder) { origin_ = std::move(folder); }

  // prepare, encode and fuse in one call, for a batch of values per modality ([M][B]).
  Output forward(std::span<const std::vector<Value>> values, Trace* trace = nullptr) const;
  Output forward(const Datapoint& datapoint, Trace* trace = nullptr) const;
  // fuse(encode(leaf)...): where gradient methods start.
  Output forward(std::span<const Leaf> leaves, Trace* trace = nullptr) const;

 private:
  std::string origin_;
};

using ModelPtr = std::shared_ptr<Model>;

std::string part_prefix(const std::string& part);  // "parts.NAME."

// For each modality of the model, the position of the value in the data set's datapoints: by name, or by kind when the
// names differ and the kinds are unambiguous. Throws when the data set cannot feed the model.
std::vector<size_t> match_modalities(const Signature& signature, const std::vector<Modality>& modalities);

// A datapoint of `data` with its values in the model's order, and its labels as the model numbers them (-1 for a label
// that the model does not have).
Datapoint adapt(const Signature& signature, const Dataset& data, Datapoint datapoint);

// Throws Error naming the layer (the first tap, in the model's order, that holds NaN or infinity) when an output of this
// input is not finite; else returns quietly.
void check_finite(const Model& model, std::span<const Leaf> leaves, const Output& output);

// Throws Error, naming the perturbation methods, when the model is not differentiable.
void require_differentiable(const Model& model, const std::string& method);

}  // namespace multiviz
