#pragma once
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "nn/weights.h"

namespace multiviz {

// The forward of a TorchScript archive (torch.jit.save), changed so that it is a function of floating-point tensors and
// gives its penultimate features. Its program is interpreted as it stands, without LibTorch's fusing, so that it can be
// differentiated any number of times. The program of an untrusted archive can compute for long and take memory, but do
// nothing else.
class ScriptNetwork {
 public:
  // Throws Error naming the file when it is no such archive, is damaged, or has no forward.
  explicit ScriptNetwork(const std::string& path);
  ~ScriptNetwork();

  size_t inputs() const;  // arguments of forward

  // Argument `input` holds token numbers, which the module looks up in its embedding of this name ("text.embedding").
  // Henceforth it is the rows that were found, [B, T, E]. Returns the table [V, E]. Throws Error when there is no such
  // layer, or when the numbers are used for anything else.
  at::Tensor embed(size_t input, const std::string& layer);
  // What the linear layer of this name ("head.fc2") reads is the features. Returns their number. Throws Error, naming
  // the near ones, when there is no such layer.
  int64_t set_features(const std::string& layer);
  // The second tensor that forward returns is the features.
  void set_features_returned() { returned_ = true; }

  // Logits and features, undefined when none were set. Throws Error with what the module said when it failed.
  std::pair<at::Tensor, at::Tensor> operator()(const std::vector<at::Tensor>& inputs) const;

  NamedTensors parameters() const;
  NamedTensors buffers() const;
  void set_training(bool on);
  void to(at::Device device);
  // Writes an archive for torch.jit.load: the module as it was, with the weights of now.
  void save(const std::string& path) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
  bool returned_ = false;
};

}  // namespace multiviz
