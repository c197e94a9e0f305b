#pragma once
#include "models/model.h"
#include "nn/gru.h"
#include "nn/layers.h"
#include "nn/weights.h"

namespace multiviz {

// The settings of a LateFusion; config() is this as JSON. Lists have one entry for each modality.
struct LateFusionOptions {
  std::string name = "late-fusion";
  std::vector<Modality> modalities;  // time series and tables
  std::vector<int64_t> inputs;       // channels of a time series, columns of a table
  std::vector<int64_t> hidden;       // the GRU's state, or the MLP's hidden layer
  std::vector<int64_t> outputs;      // of the MLP; of a linear layer after the GRU, 0 for none
  std::vector<int64_t> frames;       // 0: the GRU's last state; T: all its states one after another, T frames a series
  std::string fusion = "concat";     // "concat" (LF), or "low_rank" (LRTF)
  int64_t rank = 40, fused = 100;    // low_rank: R, and the width of what it makes
  int64_t features = 40;             // D, the head's hidden layer
  Task task = Task::classification;
  std::vector<std::string> labels;  // none for regression
  uint64_t seed = 0;                // of the initial weights
};

// Throws Error naming the setting that is missing, of another type or out of range.
LateFusionOptions late_fusion_options(const nlohmann::json& config);

// MultiBench's late fusion (Liang et al. 2021: LF) and low-rank tensor fusion (Liu et al. 2018: LRTF). A GRU encodes a
// time series, linear - relu - linear a table. "concat" puts the encodings e_m side by side; "low_rank" computes
// sum_r w_r prod_m [1, e_m] F_m,r + b, with factors F_m [R, 1 + |e_m|, fused]. The head is linear - relu (D features) -
// linear. Weights are named as in MultiBench's state dicts (MMDL): "encoders.0.gru.weight_ih_l0", "fuse.factors.0",
// "head.fc2.weight". Its dropout is left out.
//
// Leaves: frames [B, T, F] with a mask where lengths differ, columns [B, F]. Taps: MODALITY.encoded [B, E],
// fusion.fused, fusion.features [B, D], logits [B, C].
class LateFusion : public Model {
 public:
  // Initial weights are drawn with options.seed. Throws Error for settings that make no model.
  explicit LateFusion(LateFusionOptions options);

  const Signature& signature() const override { return signature_; }
  Leaf prepare(size_t modality, std::span<const Value> values) const override;
  Encoding encode(size_t modality, const Leaf& leaf, Trace* trace) const override;
  Output fuse(std::span<const Encoding> encodings, Trace* trace) const override;

  NamedTensors parameters() const override;
  void to(at::Device device) override;
  at::Device device() const override { return head_.weight.device(); }
  nlohmann::json config() const override;

 private:
  struct Encoder {
    GruWeights gru;               // time series
    LinearWeights first, second;  // table: both; time series with outputs: second
    int64_t width = 0;            // of the encoding
  };

  void check_options() const;
  void make_weights();
  at::Tensor fuse_low_rank(std::span<const at::Tensor> encoded) const;
  template <typename Self, typename Visit>
  static void visit_weights(Self& self, const Visit& visit);

  LateFusionOptions options_;
  Signature signature_;
  std::vector<Encoder> encoders_;
  std::vector<at::Tensor> factors_;          // [R, 1 + E, fused]
  at::Tensor fusion_weights_, fusion_bias_;  // [1, R], [1, fused]
  LinearWeights head_, classifier_;
};

}  // namespace multiviz
