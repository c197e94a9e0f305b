#include "nn/fused_attention.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

namespace multiviz {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

using Mask = std::optional<at::Tensor>;

// Runs the kernel on copies of its inputs outside the graph and keeps the small graph that this makes, so that
// whichever kernel LibTorch chose has its own backward.
struct Fused : torch::autograd::Function<Fused> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const Mask& mask) {
    context->save_for_backward({q, k, v});
    if (mask) context->saved_data["mask"] = *mask;
    at::AutoGradMode with_gradients(true);
    variable_list inputs;
    for (const auto* input : {&q, &k, &v}) inputs.push_back(input->detach().set_requires_grad(true));
    auto output = at::scaled_dot_product_attention(inputs[0], inputs[1], inputs[2], mask);
    context->saved_data["inputs"] = inputs;
    context->saved_data["output"] = output;
    return output.detach();
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    bool twice = at::GradMode::is_enabled();
    auto inputs = twice ? context->get_saved_variables() : context->saved_data["inputs"].toTensorVector();
    at::AutoGradMode with_gradients(true);
    at::Tensor output;
    if (twice) {
      auto found = context->saved_data.find("mask");
      auto mask = found == context->saved_data.end() ? at::Tensor() : found->second.toTensor();
      output = plain_attention(inputs[0], inputs[1], inputs[2], mask);
    } else {
      output = context->saved_data["output"].toTensor();
    }
    variable_list wanted, results(4);
    std::vector<size_t> places;
    for (size_t i = 0; i < inputs.size(); ++i)
      if (inputs[i].requires_grad()) wanted.push_back(inputs[i]), places.push_back(i);
    auto found = torch::autograd::grad({output}, wanted, {gradients[0]}, /*retain_graph=*/true, twice);
    for (size_t i = 0; i < places.size(); ++i) results[places[i]] = found[i];
    return results;
  }
};

}  // namespace

at::Tensor plain_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& mask,
                           at::Tensor* map) {
  auto scores = at::matmul(q * (1 / std::sqrt(static_cast<double>(q.size(3)))), k.transpose(2, 3));
  if (mask.defined()) scores = scores + mask;
  auto weights = scores.softmax(3);
  if (map) *map = weights;
  return at::matmul(weights, v);
}

at::Tensor fused_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& mask) {
  bool differentiates = at::GradMode::is_enabled() && (q.requires_grad() || k.requires_grad() || v.requires_grad());
  Mask given;
  if (mask.defined()) given = mask;
  return differentiates ? Fused::apply(q, k, v, given) : at::scaled_dot_product_attention(q, k, v, given);
}

}  // namespace multiviz
