#pragma once
#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "models/trace.h"
#include "nn/weights.h"

namespace multiviz {

struct UnimodalOptions {
  std::string kind;     // one of series_networks() or table_networks()
  int64_t inputs = 0;   // F, channels of a frame or columns
  int64_t hidden = 0;   // gru, lstm: the state's width; transformer: E; mlp, maxout: the first hidden layer's
  int64_t outputs = 0;  // gru, lstm: of a linear layer, 0 for none; mlp, maxout: of the second layer
  int64_t frames = 0;   // gru: the states of all of T frames, one after another, 0: the last state; transformer: series
                        // were cut or padded to T, and padding counts as frames
  int64_t heads = 5, layers = 5, inner = 2048;  // transformer; inner: the feed-forward's width
};

// "gru", "lstm", "transformer", and "mlp", "maxout", "none".
const std::vector<std::string>& series_networks();
const std::vector<std::string>& table_networks();

// MultiBench's encoders of one modality (unimodals/common_models.py: GRU and GRUWithLinear, LSTM, Transformer, MLP,
// MaxOut_MLP without its last layer), without their dropout. Weights are named as there: "gru.weight_ih_l0",
// "transformer.layers.0.linear1.weight", "op1.lin.bias". A series' row depends neither on padding nor on other rows,
// but for Maxout in training, whose normalisations take the batch's statistics then.
class UnimodalNetwork {
 public:
  // Initial weights are drawn from the generator. Throws Error for options that make no network; `what` is the model
  // and the modality, for errors.
  UnimodalNetwork(UnimodalOptions options, const std::string& what, const at::Generator& generator);

  int64_t width() const;  // E, of what it makes

  // Frames [B, T, F] (mask bool [B, T], undefined when all are real) or columns [B, F] -> [B, E]. Taps of a
  // transformer: NAME.layer.1.attention [B, heads, T, T], NAME.layer.1.hidden, ...
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& mask, Trace* trace, const std::string& name) const;
  std::vector<std::string> taps(const std::string& name) const;

  const NamedTensors& parameters() const { return parameters_; }
  const NamedTensors& buffers() const { return buffers_; }  // of Maxout's normalisations
  void set_training(bool on) { training_ = on; }
  void to(at::Device device);

 private:
  void add(const std::string& name, at::Tensor tensor) { parameters_.emplace_back(name, std::move(tensor)); }
  void add_linear(const std::string& name, int64_t in, int64_t out, const at::Generator& generator);
  void add_recurrent(const std::string& name, int64_t gates, const at::Generator& generator);
  void add_transformer(const at::Generator& generator);
  void add_maxout(const at::Generator& generator);
  const at::Tensor& get(const std::string& name) const;

  at::Tensor linear_of(const std::string& name, const at::Tensor& x) const;
  at::Tensor normalise(const std::string& name, const at::Tensor& x, double epsilon) const;
  at::Tensor run_gru(const at::Tensor& x, const at::Tensor& mask) const;
  at::Tensor run_lstm(const at::Tensor& x, const at::Tensor& mask) const;
  at::Tensor run_transformer(const at::Tensor& x, const at::Tensor& mask, Trace* trace, const std::string& name) const;
  at::Tensor run_maxout(const at::Tensor& x) const;

  UnimodalOptions options_;
  NamedTensors parameters_, buffers_;
  bool training_ = false;
};

}  // namespace multiviz
