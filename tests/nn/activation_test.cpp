#include "nn/activation.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <doctest/doctest.h>

#include <map>

#include "core/error.h"

using namespace multiviz;

TEST_CASE("activations are those of transformers, with gradients and without") {
  // transformers.activations.ACT2FN[name] of -3, -0.4, 0.5, 12.
  const std::map<std::string, std::vector<double>> all = {
      {"gelu", {-0.004050, -0.137831, 0.345731, 12.000000}},
      {"gelu_10", {-0.004050, -0.137831, 0.345731, 10.000000}},
      {"gelu_new", {-0.003637, -0.137839, 0.345714, 12.000000}},
      {"gelu_fast", {-0.003637, -0.137839, 0.345714, 12.000000}},
      {"gelu_python_tanh", {-0.003637, -0.137839, 0.345714, 12.000000}},
      {"hardswish", {-0.000000, -0.173333, 0.291667, 12.000000}},
      {"laplace", {0.000000, 0.000043, 0.231421, 1.000000}},
      {"leaky_relu", {-0.030000, -0.004000, 0.500000, 12.000000}},
      {"linear", {-3.000000, -0.400000, 0.500000, 12.000000}},
      {"mish", {-0.145647, -0.188916, 0.375245, 12.000000}},
      {"quick_gelu", {-0.018071, -0.134433, 0.350388, 12.000000}},
      {"relu", {0.000000, 0.000000, 0.500000, 12.000000}},
      {"relu2", {0.000000, 0.000000, 0.250000, 144.000000}},
      {"relu6", {0.000000, 0.000000, 0.500000, 6.000000}},
      {"sigmoid", {0.047426, 0.401312, 0.622459, 0.999994}},
      {"silu", {-0.142278, -0.160525, 0.311230, 11.999926}},
      {"sqrtsoftplus", {0.220425, 0.716251, 0.986953, 3.464103}},
      {"tanh", {-0.995055, -0.379949, 0.462117, 1.000000}},
  };
  for (const auto& [name, expected] : all) {
    CAPTURE(name);
    const auto want = at::tensor(expected).to(at::kFloat);
    for (bool gradients : {true, false}) {
      at::AutoGradMode mode(gradients);
      auto x = at::tensor({-3.0, -0.4, 0.5, 12.0}).to(at::kFloat);
      CHECK(at::allclose(find_activation(name)(x), want, 1e-5, 1e-5));
    }
  }
  CHECK_THROWS_WITH_AS(find_activation("gelo"), doctest::Contains("did you mean 'gelu"), Error);
}
