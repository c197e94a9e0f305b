#pragma once
#include <ATen/core/Tensor.h>

#include <vector>

namespace multiviz {

// Adam with decoupled weight decay (Loshchilov & Hutter 2019). Tensors of fewer than two dimensions do not decay.
class AdamW {
 public:
  AdamW(std::vector<at::Tensor> parameters, double beta1, double beta2, double weight_decay);

  void step(const std::vector<at::Tensor>& gradients, double learning_rate);

  // Running means of the gradients and of their squares, one per parameter. To save and restore.
  std::vector<at::Tensor>& means() { return means_; }
  std::vector<at::Tensor>& squares() { return squares_; }
  void set_steps(int64_t steps);  // steps done, for the bias correction

 private:
  std::vector<at::Tensor> parameters_, means_, squares_, steps_;
  double beta1_, beta2_, weight_decay_;
};

// Scales the gradients in place so that their joint norm is at most `largest`.
void clip_norm(std::vector<at::Tensor>& gradients, double largest);

}  // namespace multiviz
