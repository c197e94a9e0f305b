#include "nn/weights.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <set>

#include "core/error.h"
#include "core/suggest.h"

namespace multiviz {

void copy_weights(const NamedTensors& into, const std::map<std::string, at::Tensor>& from, const std::string& source) {
  at::NoGradGuard no_grad;
  std::vector<std::string> names;
  for (const auto& [name, _] : from) names.push_back(name);
  std::set<std::string> used;
  for (const auto& [name, tensor] : into) {
    auto found = from.find(name);
    if (found == from.end())
      fail("{} has no tensor '{}' [{}], which this architecture needs{}", source, name, fmt::join(tensor.sizes(), ", "),
           suggestion(name, names));
    check(found->second.sizes() == tensor.sizes(),
          "{}: the tensor '{}' is [{}], and this architecture needs [{}]: it is the weights of another one", source,
          name, fmt::join(found->second.sizes(), ", "), fmt::join(tensor.sizes(), ", "));
    check(at::isFloatingType(found->second.scalar_type()), "{}: the tensor '{}' holds {}, not floating-point numbers",
          source, name, c10::toString(found->second.scalar_type()));
    used.insert(name);
  }
  for (const auto& name : names)
    check(used.contains(name),
          "{} has a tensor '{}', which this architecture does not: it is the weights of another one", source, name);
  for (const auto& [name, tensor] : into) tensor.copy_(from.at(name));
}

at::Tensor he_normal(at::IntArrayRef shape, int64_t fan_in, at::Generator generator) {
  return at::empty(shape).normal_(0, std::sqrt(2.0 / static_cast<double>(fan_in)), std::move(generator));
}

at::Tensor uniform_fan(at::IntArrayRef shape, int64_t fan_in, at::Generator generator) {
  double bound = 1 / std::sqrt(static_cast<double>(fan_in));
  return at::empty(shape).uniform_(-bound, bound, std::move(generator));
}

}  // namespace multiviz
