#pragma once
#include <optional>

#include "models/pretrained.h"
#include "nn/lstm.h"
#include "nn/resnet.h"

namespace multiviz {

// What the file of a baseline of facebookresearch/clevr-iep holds, or what config() says of it again.
struct ClevrBaselineFile {
  std::string source;                         // for errors
  nlohmann::json config;                      // baseline_type, baseline_kwargs (without its vocab), vocab
  std::map<std::string, at::Tensor> tensors;  // baseline_state
};

// Nothing when the file is no such checkpoint: a dict of torch.save with baseline_type, baseline_kwargs, baseline_state
// and vocab (in the checkpoint or among the kwargs). Throws Error when it is one and damaged.
std::optional<ClevrBaselineFile> read_clevr_baseline(const std::string& path);

// CNN+LSTM and CNN+LSTM+SA of CLEVR (Johnson et al. 2017) as facebookresearch/clevr-iep trains them. An LSTM reads the
// question, from <START> to <END>; the image is the map [C, H, W] (1024 x 14 x 14) of the third stage of a ResNet-101
// trained on ImageNet, from the image at 224 x 224. CNN+LSTM: convolutions make a vector of the map, which the
// classifier reads with the question's. CNN+LSTM+SA: in every hop (Yang et al. 2016) p = softmax(w . tanh(V map + U
// u)), u' = u + sum p map, and the classifier reads u. Features: the classifier's last hidden layer.
//
// Leaves: normalised pixels [B, 3, 16 H, 16 W]; word embeddings [B, T, E]. Taps: image.features [B, C, H, W],
// image.map, question.lstm [B, U], fusion.attention1 [B, 1, H, W] and fusion.hop1 [B, U], ..., features, logits.
class ClevrBaseline : public Model, public RawForward {
 public:
  // options: "cnn", a file with the ResNet's weights as torchvision has them, without which images cannot be read, and
  // "vocab", a vocab.json in place of the file's own. Throws Error for settings that make no such model and for weights
  // that do not fit.
  ClevrBaseline(ClevrBaselineFile from, const nlohmann::json& options);

  const Signature& signature() const override { return signature_; }
  Leaf prepare(size_t modality, std::span<const Value> values) const override;
  Encoding encode(size_t modality, const Leaf& leaf, Trace* trace) const override;
  Output fuse(std::span<const Encoding> encodings, Trace* trace) const override;
  // questions int64 [B, T], 0 after the end, and feats [B, C, H, W] -> scores, features, attention (a list).
  RawOutputs forward_raw(const RawInputs& inputs) const override;
  NamedTensors parameters() const override;
  NamedTensors buffers() const override;
  void to(at::Device device) override;
  at::Device device() const override { return weights_.front().second.device(); }
  nlohmann::json config() const override { return config_; }

 private:
  struct Hop {
    LinearWeights map, query, score;  // Wv, Wu, Wp
  };
  struct Norm {
    at::Tensor weight, bias, mean, variance;
  };
  // Of the classifier, in the order in which they are taken.
  struct Step {
    std::optional<Norm> norm;
    bool relu = false;
    LinearWeights linear;
  };

  void read_vocabulary(const std::string& where);
  static Norm read_norm(WeightReader& weights, const std::string& name, int64_t width);
  void read_question(WeightReader& weights, const nlohmann::json& settings, const std::string& where);
  // How many channels the convolutions make.
  int64_t read_image(WeightReader& weights, const nlohmann::json& settings, const std::string& where);
  void read_hops(WeightReader& weights, const nlohmann::json& settings, const std::string& where);
  void read_classifier(WeightReader& weights, const nlohmann::json& settings, int64_t in, const std::string& where);
  void read_trunk(const std::string& path);
  void make_signature(int64_t features);
  Leaf prepare_question(std::span<const Value> values) const;
  at::Tensor encode_map(const at::Tensor& map, Trace* trace) const;
  at::Tensor encode_words(const at::Tensor& words, const at::Tensor& mask, Trace* trace) const;

  Signature signature_;
  nlohmann::json config_;
  NamedTensors weights_, trunk_weights_;
  std::map<std::string, int64_t> words_;
  bool attends_ = false, halves_ = false;
  int64_t channels_ = 0, height_ = 0, width_ = 0;  // of the map
  int64_t words_width_ = 0, state_ = 0;

  std::optional<ImageProcessor> process_;
  ResnetOptions trunk_options_;
  ConvNormWeights stem_;
  std::vector<ResnetStage> stages_;
  at::Tensor embedding_;
  struct LstmLayer {
    at::Tensor weight_ih, weight_hh, bias_ih, bias_hh;
  };
  std::vector<LstmLayer> lstm_;
  struct Convolution {
    LinearWeights weights;
    std::optional<Norm> norm;
  };
  std::vector<Convolution> convolutions_;  // of CNN+LSTM: the first, then two of each residual block
  LinearWeights projection_;               // of CNN+LSTM+SA, and the last convolution of CNN+LSTM
  std::vector<Hop> hops_;
  std::vector<Step> classifier_;
};

}  // namespace multiviz
