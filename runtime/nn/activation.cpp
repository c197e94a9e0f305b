#include "nn/activation.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <map>
#include <numbers>
#include <vector>

#include "core/error.h"
#include "core/suggest.h"

namespace multiviz {
namespace {

bool free_to_overwrite() { return !at::GradMode::is_enabled(); }

at::Tensor gelu(at::Tensor x) { return free_to_overwrite() ? at::gelu_(x) : at::gelu(x); }

at::Tensor gelu_tanh(at::Tensor x) { return free_to_overwrite() ? at::gelu_(x, "tanh") : at::gelu(x, "tanh"); }

at::Tensor quick_gelu(at::Tensor x) {
  constexpr double slope = 1.702;
  if (free_to_overwrite()) return at::mul(x, slope).sigmoid_().mul_(x);
  return x * at::sigmoid(slope * x);
}

at::Tensor relu(at::Tensor x) { return free_to_overwrite() ? x.relu_() : x.relu(); }
at::Tensor silu(at::Tensor x) { return free_to_overwrite() ? at::silu_(x) : at::silu(x); }
at::Tensor tanh(at::Tensor x) { return free_to_overwrite() ? x.tanh_() : x.tanh(); }
at::Tensor sigmoid(at::Tensor x) { return free_to_overwrite() ? x.sigmoid_() : x.sigmoid(); }
at::Tensor identity(at::Tensor x) { return x; }
at::Tensor gelu_clipped(at::Tensor x) { return at::gelu(x).clamp(-10, 10); }
at::Tensor laplace(at::Tensor x) {
  constexpr double mean = 0.707107, deviation = 0.282095;
  return (1 + at::erf((x - mean) / (deviation * std::numbers::sqrt2))) / 2;
}
at::Tensor hardswish(at::Tensor x) { return at::hardswish(x); }
at::Tensor leaky_relu(at::Tensor x) { return at::leaky_relu(x); }
at::Tensor mish(at::Tensor x) { return at::mish(x); }
at::Tensor relu_squared(at::Tensor x) { return x.relu().square(); }
at::Tensor sqrt_softplus(at::Tensor x) { return at::softplus(x).sqrt(); }
at::Tensor relu6(at::Tensor x) { return at::clamp(x, 0, 6); }

}  // namespace

Activation find_activation(const std::string& name) {
  static const std::map<std::string, Activation> all = {{"gelu", gelu},
                                                        {"gelu_python", gelu},
                                                        {"gelu_10", gelu_clipped},
                                                        {"gelu_new", gelu_tanh},
                                                        {"gelu_python_tanh", gelu_tanh},
                                                        {"gelu_fast", gelu_tanh},
                                                        {"gelu_accurate", gelu_tanh},
                                                        {"gelu_pytorch_tanh", gelu_tanh},
                                                        {"silu", silu},
                                                        {"swish", silu},
                                                        {"quick_gelu", quick_gelu},
                                                        {"relu", relu},
                                                        {"relu2", relu_squared},
                                                        {"relu6", relu6},
                                                        {"hardswish", hardswish},
                                                        {"laplace", laplace},
                                                        {"leaky_relu", leaky_relu},
                                                        {"mish", mish},
                                                        {"tanh", tanh},
                                                        {"sigmoid", sigmoid},
                                                        {"sqrtsoftplus", sqrt_softplus},
                                                        {"linear", identity}};
  auto found = all.find(name);
  if (found != all.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& [one, _] : all) known.push_back(one);
  fail("there is no activation '{}'{}", name, suggestion(name, known));
}

}  // namespace multiviz
