#pragma once
#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace multiviz {

// Rides along a forward pass, records the activations asked for by name and can replace them (activation patching).
// A model names its taps once, by passing each activation through `tap`.
class Trace {
 public:
  using Replacement = std::function<at::Tensor(const at::Tensor&)>;  // must keep the shape

  // Names may end in '*', which matches any rest: "image.*".
  void record(std::string pattern);
  void replace(std::string name, Replacement replacement);

  // Second-order gradients need attention computed without fused kernels, which have no second derivative on the CPU.
  void set_second_order(bool on) { second_order_ = on; }
  bool second_order() const { return second_order_; }

  // Whether this activation will be recorded or replaced: a model computes attention maps only when they are.
  bool wants(std::string_view name) const;

  // Throws Error naming the near taps when nothing of that name was recorded.
  const at::Tensor& at(const std::string& name) const;
  const std::map<std::string, at::Tensor>& activations() const { return activations_; }
  void clear() { activations_.clear(); }

  at::Tensor pass(std::string_view name, at::Tensor value);

 private:
  std::vector<std::string> patterns_;
  std::map<std::string, Replacement, std::less<>> replacements_;
  std::map<std::string, at::Tensor> activations_;
  bool second_order_ = false;
};

// What a model calls at each tap; free when there is no trace.
inline at::Tensor tap(Trace* trace, std::string_view name, at::Tensor value) {
  return trace ? trace->pass(name, std::move(value)) : value;
}

}  // namespace multiviz
