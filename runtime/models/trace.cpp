#include "models/trace.h"

#include "core/error.h"
#include "core/suggest.h"
#include "models/pattern.h"

namespace multiviz {
void Trace::record(std::string pattern) { patterns_.push_back(std::move(pattern)); }

void Trace::replace(std::string name, Replacement replacement) {
  replacements_[std::move(name)] = std::move(replacement);
}

bool Trace::wants(std::string_view name) const {
  if (replacements_.contains(name)) return true;
  for (const auto& pattern : patterns_)
    if (matches(pattern, name)) return true;
  return false;
}

const at::Tensor& Trace::at(const std::string& name) const {
  auto found = activations_.find(name);
  if (found != activations_.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& [key, _] : activations_) known.push_back(key);
  fail("no activation '{}' was recorded{}", name, suggestion(name, known));
}

at::Tensor Trace::pass(std::string_view name, at::Tensor value) {
  if (auto found = replacements_.find(name); found != replacements_.end()) {
    auto shape = value.sizes().vec();
    value = found->second(value);
    check(value.defined() && value.sizes() == at::IntArrayRef(shape),
          "the replacement of '{}' must keep its shape [{}]", name, fmt::join(shape, ", "));
  }
  for (const auto& pattern : patterns_)
    if (matches(pattern, name)) {
      activations_[std::string(name)] = value;
      break;
    }
  return value;
}

}  // namespace multiviz
