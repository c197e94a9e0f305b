#pragma once
#include <map>

#include "bindings/binder.h"
#include "models/model.h"

namespace multiviz::script {

// The functions of a model that is written in Lua; prepare and encode have one entry per modality, null for the
// default.
struct LuaFunctions {
  std::vector<std::shared_ptr<Callback>> prepare, encode;
  std::shared_ptr<Callback> fuse;
};

// A model whose parts are Lua functions over tensors. Gradients flow through them, as the tensors are LibTorch's. To be
// called only on the thread that runs the script.
class LuaModel : public Model {
 public:
  LuaModel(Signature signature, LuaFunctions functions, std::map<std::string, at::Tensor> parameters);

  const Signature& signature() const override { return signature_; }
  // By default: images [B, 3, H, W] in [0, 1], frames and columns stacked. Text has no default.
  Leaf prepare(size_t modality, std::span<const Value> values) const override;
  // By default the leaf itself.
  Encoding encode(size_t modality, const Leaf& leaf, Trace* trace) const override;
  Output fuse(std::span<const Encoding> encodings, Trace* trace) const override;
  std::vector<std::pair<std::string, at::Tensor>> parameters() const override;
  void to(at::Device device) override;
  at::Device device() const override;

 private:
  Leaf default_leaf(size_t modality, std::span<const Value> values) const;
  void check_output(const Output& output, int64_t batch) const;

  Signature signature_;
  LuaFunctions functions_;
  std::map<std::string, at::Tensor> parameters_;
};

}  // namespace multiviz::script
