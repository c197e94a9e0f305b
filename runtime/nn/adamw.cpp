#include "nn/adamw.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

namespace multiviz {

AdamW::AdamW(std::vector<at::Tensor> parameters, double beta1, double beta2, double weight_decay)
    : parameters_(std::move(parameters)), beta1_(beta1), beta2_(beta2), weight_decay_(weight_decay) {
  at::NoGradGuard no_grad;
  for (const auto& parameter : parameters_) {
    means_.push_back(at::zeros_like(parameter));
    squares_.push_back(at::zeros_like(parameter));
    steps_.push_back(at::zeros({}, parameter.options().dtype(at::kFloat)));
  }
}

void AdamW::set_steps(int64_t steps) {
  for (auto& count : steps_) count.fill_(static_cast<double>(steps));
}

void AdamW::step(const std::vector<at::Tensor>& gradients, double learning_rate) {
  at::NoGradGuard no_grad;
  constexpr double epsilon = 1e-8;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    double decay = parameters_[i].dim() < 2 ? 0 : weight_decay_;
    steps_[i].add_(1);
    at::_fused_adamw_({parameters_[i]}, {gradients[i]}, {means_[i]}, {squares_[i]}, {}, {steps_[i]}, learning_rate,
                      beta1_, beta2_, decay, epsilon, /*amsgrad=*/false, /*maximize=*/false);
  }
}

void clip_norm(std::vector<at::Tensor>& gradients, double largest) {
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> squares;
  for (const auto& gradient : gradients) squares.push_back(gradient.square().sum());
  auto factor = (largest / (at::stack(squares).sum().sqrt() + 1e-6)).clamp_max(1);
  for (auto& gradient : gradients) gradient = gradient * factor;
}

}  // namespace multiviz
