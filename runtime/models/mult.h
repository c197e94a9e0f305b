#pragma once
#include "models/model.h"
#include "models/parts.h"
#include "nn/layers.h"
#include "nn/weights.h"

namespace multiviz {

// The settings of a MulT; config() is this as JSON.
struct MultOptions {
  std::string name = "mult";
  std::vector<std::string> modalities;  // M of them, time series but where there is a part
  std::vector<int64_t> inputs;          // channels of each; the width of a part's states
  int64_t frames = 50;                  // T: longer series are cut, shorter ones padded with zeros behind
  int64_t width = 40;                   // E of a crossmodal transformer; 4 or more
  int64_t heads = 8;                    // of every transformer; E is a multiple of it
  int64_t layers = 4;                   // of a crossmodal transformer; those of the memories are 3 or more
  bool causal = true;                   // a frame sees none after it
  bool self_pairs = true;               // whether a modality looks at itself, too
  bool mmdl = false;                    // the names of its weights begin with "fuse.", as in MultiBench's MMDL
  std::vector<std::string> labels;      // none for regression
  uint64_t seed = 0;                    // of the initial weights
};

// Throws Error naming the setting that is missing, of another type or out of range.
MultOptions mult_options(const nlohmann::json& config);

// The multimodal transformer (Tsai et al. 2019) as MultiBench's fusions/mult.py computes it. Each modality is projected
// to E numbers a frame; for every pair (i, j) a transformer lets i's frames look at j's; a transformer over what i made
// of all of them ends in its last frame; the M of these, side by side, go through a residual block to D = M^2 E
// features and a linear layer. Weights are named as in MULTModel's state dict. Without self_pairs it is the authors'
// own (yaohungt/Multimodal-Transformer), of which the MultiViz paper took its MOSEI checkpoint: i and j differ, D = M
// (M - 1) E, and the names are "trans_l_with_a.layers.0.fc1.weight": l for text, v for an image, else the modality's
// first letter, and a modality of E channels is not projected. Its dropout is left out. A frame whose first projected
// number is zero, padding that is, gets no position, as there.
//
// A part is an EncoderModel, whose states of all positions are the modality's frames; its leaves are the modality's.
// Parts train with the rest unless they are frozen, and keep their own names and files (Model::parts).
//
// Leaves: frames [B, T, F]. Taps: MODALITY.projected [B, T, E], MODALITY.memory [B, M E], fusion.features [B, D],
// logits [B, C].
class MulT : public Model {
 public:
  // Initial weights are drawn with options.seed. Throws Error for settings that make no model.
  // `parts` is empty, or has one entry a modality, null for none; frozen ones do not train.
  explicit MulT(MultOptions options, std::vector<ModelPtr> parts = {}, bool frozen = false);

  const Signature& signature() const override { return signature_; }
  Leaf prepare(size_t modality, std::span<const Value> values) const override;
  Encoding encode(size_t modality, const Leaf& leaf, Trace* trace) const override;
  Output fuse(std::span<const Encoding> encodings, Trace* trace) const override;

  NamedTensors parameters() const override;
  // Of the parts, and what the Python classes keep beside their weights, which means nothing.
  NamedTensors buffers() const override;
  std::vector<std::pair<std::string, ModelPtr>> parts() const override { return parts_.list(); }
  void set_training(bool on) override { parts_.set_training(on); }
  void to(at::Device device) override;
  at::Device device() const override { return out_.weight.device(); }
  nlohmann::json config() const override;

 private:
  struct Norm {
    at::Tensor weight, bias;
  };
  struct Layer {
    at::Tensor in_weight, in_bias;  // query, key and value: [3 E, E], [3 E]
    LinearWeights output, first, second;
    Norm norms[2];
  };
  struct Transformer {
    std::vector<Layer> layers;
    Norm norm;
  };

  struct WeightNames {
    std::vector<std::string> projections, memories;
    std::vector<std::vector<std::string>> crossmodal;
  };

  void check_options() const;
  bool looks_at(size_t i, size_t j) const;
  WeightNames weight_names() const;
  at::Tensor frames_of(size_t modality, const Leaf& leaf, Trace* trace) const;
  static Transformer make_transformer(int64_t width, int64_t layers, const at::Generator& generator);
  at::Tensor layer(const Layer& weights, const at::Tensor& x, const at::Tensor& context) const;
  at::Tensor run(const Transformer& transformer, const at::Tensor& x, const at::Tensor& context) const;
  template <typename Self, typename Visit>
  static void visit_weights(Self& self, const Visit& visit);

  MultOptions options_;
  Parts parts_;
  Signature signature_;
  std::vector<at::Tensor> projections_;               // [E, F, 1]
  std::vector<std::vector<Transformer>> crossmodal_;  // [i][j]: i looks at j
  std::vector<Transformer> memories_;
  LinearWeights first_, second_, out_;
};

}  // namespace multiviz
