#pragma once
#include "models/model.h"
#include "nn/layers.h"
#include "nn/lstm.h"
#include "nn/weights.h"
#include "text/word_tokenizer.h"

namespace multiviz {

// The settings of a CnnLstmSa; config() is this as JSON.
struct CnnLstmSaOptions {
  std::string name = "cnn-lstm-sa";
  int64_t width = 128, height = 96;                   // pixels of the leaf; other images are resized to it
  std::vector<int64_t> channels = {32, 64, 96, 128};  // one convolution each ...
  std::vector<int64_t> strides = {2, 2, 2, 1};        // ... 3 x 3, with these strides
  int64_t keys = 64;                                  // K, channels of the map that is attended to
  int64_t embedding = 64;                             // E, width of a word
  int64_t hidden = 256;                               // U, width of the LSTM's state and of the attention's query
  int64_t hops = 4;
  int64_t glimpses = 2;                                // G, attention maps of a hop
  int64_t features = 512;                              // D
  std::string image = "image", question = "question";  // names of the modalities
  std::vector<std::string> vocabulary;                 // words without <pad> and <unk>
  std::vector<std::string> labels;                     // answers
  uint64_t seed = 0;                                   // of the initial weights
};

// Throws Error naming the setting that is missing, of another type or out of range.
CnnLstmSaOptions cnn_lstm_sa_options(const nlohmann::json& config);

// CLEVR's baseline CNN+LSTM+SA (Johnson et al. 2017; stacked attention, Yang et al. 2016). A CNN makes a map
// V [B, N, K] of the image (N = H' x W' cells, coordinates appended), an LSTM a query u_0 [B, U] of the question. A hop
// scores the cells, s = W_s relu(gain(u) * V + offset(u)) [B, N, G], looks through a softmax over them, and updates the
// query: u' = u + MLP(u, sum_n softmax(s)_n V_n, log mean exp(s), sum_n sigmoid(s)_n). The last two are what a softmax
// forgets, how much there was to see, without which a hop cannot count. The classifier is linear - relu (D features) -
// linear.
//
// Leaves: pixels in [0, 1] [B, 3, H, W]; word embeddings [B, T, E]. Taps: image.conv1 ..., image.features
// [B, K, H', W'], question.lstm [B, U], fusion.attention1 ... [B, G, H', W'], fusion.hop1 ... [B, U],
// fusion.features [B, D], logits [B, C].
class CnnLstmSa : public Model {
 public:
  // Initial weights are drawn with options.seed. Throws Error for settings that make no model.
  explicit CnnLstmSa(CnnLstmSaOptions options);

  const Signature& signature() const override { return signature_; }
  Leaf prepare(size_t modality, std::span<const Value> values) const override;
  Encoding encode(size_t modality, const Leaf& leaf, Trace* trace) const override;
  Output fuse(std::span<const Encoding> encodings, Trace* trace) const override;
  // One image at a time against many questions: its map stays in the cache and is never copied.
  void fuse_grid(std::span<const Encoding> encodings, size_t a, size_t b,
                 const std::function<void(const GridBlock&)>& consumer, int64_t chunk = 0) const override;

  NamedTensors parameters() const override;
  NamedTensors buffers() const override;
  void set_training(bool training) override { training_ = training; }
  void to(at::Device device) override;
  at::Device device() const override { return embedding_.device(); }
  nlohmann::json config() const override;

 private:
  struct Hop {
    LinearWeights modulation;  // U -> 2 K: gain, offset
    LinearWeights score;       // K -> G
    LinearWeights update1;     // U + G (K + 2) -> U
    LinearWeights update2;     // U -> U
  };

  void make_image_weights(at::Generator generator);
  void make_fusion_weights(at::Generator generator);
  Leaf prepare_image(std::span<const Value> values) const;
  Leaf prepare_question(std::span<const Value> values) const;
  at::Tensor encode_image(at::Tensor pixels, Trace* trace) const;
  at::Tensor hop(size_t number, const at::Tensor& query, const at::Tensor& map, Trace* trace) const;
  // Every weight with its name, and whether it is a buffer.
  template <typename Self, typename Visit>
  static void visit_weights(Self& self, const Visit& visit);

  CnnLstmSaOptions options_;
  Signature signature_;
  WordTokenizer tokenizer_;
  int64_t rows_ = 0, columns_ = 0;  // H', W'
  bool training_ = false;
  std::vector<ConvNormWeights> convs_;
  LinearWeights projection_;  // a 1 x 1 convolution
  at::Tensor embedding_;      // [V, E]
  LstmWeights lstm_;
  std::vector<Hop> hops_;
  LinearWeights hidden_, classifier_;
};

}  // namespace multiviz
