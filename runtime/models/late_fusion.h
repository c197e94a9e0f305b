#pragma once
#include "models/model.h"
#include "models/parts.h"
#include "models/unimodal_network.h"
#include "nn/layers.h"
#include "nn/weights.h"

namespace multiviz {

// The settings of a LateFusion; config() is this as JSON. Lists have one entry for each modality.
struct LateFusionOptions {
  std::string name = "late-fusion";
  std::vector<Modality> modalities;   // images and texts where there is a part for them
  std::vector<std::string> encoders;  // kinds of UnimodalNetwork; left out: gru for time series, mlp for tables
  // Of these networks, see UnimodalOptions.
  std::vector<int64_t> inputs, hidden, outputs, frames;
  int64_t heads = 5, layers = 5, inner = 2048;
  std::string fusion = "concat";   // "concat" (LF), or "low_rank" (LRTF)
  int64_t rank = 40, fused = 100;  // low_rank: R, and the width of what it makes
  std::string head = "mlp";        // or "linear": the features are what the fusion makes
  int64_t features = 40;           // D, the hidden layer of the head; of no meaning to a linear one
  Task task = Task::classification;
  std::vector<std::string> labels;  // none for regression
  uint64_t seed = 0;                // of the initial weights
};

// Throws Error naming the setting that is missing, of another type or out of range.
LateFusionOptions late_fusion_options(const nlohmann::json& config);

// MultiBench's late fusion (Liang et al. 2021: LF) and low-rank tensor fusion (Liu et al. 2018: LRTF) over networks of
// one modality each. "concat" puts the encodings e_m side by side; "low_rank" computes sum_r w_r prod_m [1, e_m] F_m,r
// + b, with factors F_m [R, 1 + |e_m|, fused]. The head is linear - relu (D features) - linear, or linear. Weights are
// named as in MultiBench's state dicts (MMDL): "encoders.0.gru.weight_ih_l0", "fuse.factors.0", "head.fc2.weight". Its
// dropout is left out.
//
// A part is a model of one modality, whose features [B, F] its network reads; its leaves are the modality's. Parts
// train with the rest unless they are frozen, and keep their own names and files (Model::parts).
//
// Leaves: frames [B, T, F] with a mask where lengths differ, columns [B, F]. Taps: those of parts and of transformers
// (MODALITY.layer.1.hidden), MODALITY.encoded [B, E], fusion.fused, fusion.features [B, D], logits [B, C].
class LateFusion : public Model {
 public:
  // Initial weights are drawn with options.seed. Throws Error for settings that make no model.
  // `parts` is empty, or has one entry a modality, null for none; frozen ones do not train.
  explicit LateFusion(LateFusionOptions options, std::vector<ModelPtr> parts = {}, bool frozen = false);

  const Signature& signature() const override { return signature_; }
  Leaf prepare(size_t modality, std::span<const Value> values) const override;
  Encoding encode(size_t modality, const Leaf& leaf, Trace* trace) const override;
  Output fuse(std::span<const Encoding> encodings, Trace* trace) const override;

  NamedTensors parameters() const override;
  NamedTensors buffers() const override;
  std::vector<std::pair<std::string, ModelPtr>> parts() const override { return parts_.list(); }
  void set_training(bool on) override;
  void to(at::Device device) override;
  at::Device device() const override { return classifier_.weight.device(); }
  nlohmann::json config() const override;

 private:
  void check_options() const;
  std::string encoder_of(size_t modality) const;
  void make_weights();
  at::Tensor fuse_low_rank(std::span<const at::Tensor> encoded) const;
  template <typename Self, typename Visit>
  static void visit_weights(Self& self, const Visit& visit);

  LateFusionOptions options_;
  Signature signature_;
  Parts parts_;
  std::vector<UnimodalNetwork> encoders_;
  std::vector<at::Tensor> factors_;          // [R, 1 + E, fused]
  at::Tensor fusion_weights_, fusion_bias_;  // [1, R], [1, fused]
  LinearWeights head_, classifier_;
};

}  // namespace multiviz
