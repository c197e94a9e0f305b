#include "nn/weights.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <set>

#include "core/error.h"
#include "core/suggest.h"

namespace multiviz {

namespace {

// What does not fit, ten of each kind.
class Misfits {
 public:
  void refuse(const std::string& source) const {
    std::string all;
    for (const auto* kind : {&missing, &wrong, &unexpected}) {
      for (size_t i = 0; i < kind->size() && i < most; ++i) all += "\n  " + (*kind)[i];
      if (kind->size() > most) all += fmt::format("\n  ... and {} more", kind->size() - most);
    }
    check(all.empty(), "{} holds the weights of another architecture:{}", source, all);
  }
  std::vector<std::string> missing, wrong, unexpected;

 private:
  static constexpr size_t most = 10;
};

}  // namespace

void copy_weights(const NamedTensors& into, const std::map<std::string, at::Tensor>& from, const std::string& source) {
  at::NoGradGuard no_grad;
  std::vector<std::string> names;
  for (const auto& [name, _] : from) names.push_back(name);
  std::set<std::string> used;
  Misfits misfits;
  for (const auto& [name, tensor] : into) {
    used.insert(name);
    auto found = from.find(name);
    if (found == from.end())
      misfits.missing.push_back(fmt::format("it has no tensor '{}' [{}]{}", name, fmt::join(tensor.sizes(), ", "),
                                            misfits.missing.size() < 10 ? suggestion(name, names, 3) : ""));
    else if (found->second.sizes() != tensor.sizes())
      misfits.wrong.push_back(fmt::format("the tensor '{}' is [{}], and this architecture needs [{}]", name,
                                          fmt::join(found->second.sizes(), ", "), fmt::join(tensor.sizes(), ", ")));
    else if (at::isFloatingType(tensor.scalar_type()) && !at::isFloatingType(found->second.scalar_type()))
      misfits.wrong.push_back(fmt::format("the tensor '{}' holds {}, not floating-point numbers", name,
                                          c10::toString(found->second.scalar_type())));
  }
  for (const auto& name : names)
    if (!used.contains(name))
      misfits.unexpected.push_back(fmt::format("it has a tensor '{}', which this architecture does not", name));
  misfits.refuse(source);
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
