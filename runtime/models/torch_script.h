#pragma once
#include <functional>
#include <memory>

#include "data/image_processor.h"
#include "models/model.h"
#include "models/script_network.h"
#include "text/tokenizer.h"

namespace multiviz {

// A model that torch.jit.save wrote, with settings that say what the file does not:
//
//   "modalities"  one for each argument of forward, in order: {"name", "kind"} and
//       image        "processor": the settings of a preprocessor_config.json, or the path of one or of its folder;
//                    without it pixels are scaled to [0, 1] and stay as large as they are
//       text         "tokenizer": a folder with tokenizer files, "embedding": the name of the embedding layer that the
//                    argument, token numbers int64 [B, T], goes through, "max_length" of tokens
//       time_series  "frames": T, to which series are cut or padded; without it those of a batch must be equally long,
//                    or have a mask
//       "mask": true when the next argument is the mask of this one, bool [B, T] (or [B, H, W]), true where it is real
//   "labels"      names of the logits; without them the model is one of regression
//   "task"        "classification" (default), "multilabel" or "regression"
//   "features"    the name of the linear layer whose input is the penultimate features ("head.fc2"), or D when forward
//                 returns a tuple of logits [B, C] and features [B, D]; without it the logits are the features
//   "name"        of the model
//
// The leaf of a text is its embeddings. encode passes leaves on, all of the network is fuse. Taps: features, logits.
class TorchScriptModel : public Model {
 public:
  // Throws Error for settings that are unknown, missing or do not fit the archive.
  TorchScriptModel(const std::string& archive, nlohmann::json settings);

  const Signature& signature() const override { return signature_; }
  Leaf prepare(size_t modality, std::span<const Value> values) const override;
  Encoding encode(size_t modality, const Leaf& leaf, Trace* trace) const override;
  Output fuse(std::span<const Encoding> encodings, Trace* trace) const override;

  NamedTensors parameters() const override { return network_.parameters(); }
  NamedTensors buffers() const override { return network_.buffers(); }
  void set_training(bool on) override { network_.set_training(on); }
  void to(at::Device device) override;
  at::Device device() const override { return device_; }
  nlohmann::json config() const override { return settings_; }
  // An archive for torch.jit.load.
  void save(const std::string& path) const { network_.save(path); }

 private:
  struct Input {
    bool mask = false;
    int64_t frames = 0, max_length = 0;
    TokenizerPtr tokenizer;
    at::Tensor table;  // [V, E]
    ImageProcessor processor;
  };

  void read_input(const nlohmann::json& entry, size_t argument);
  Leaf prepare_text(size_t modality, std::span<const Value> values) const;
  Leaf prepare_images(size_t modality, std::span<const Value> values) const;

  ScriptNetwork network_;
  std::string archive_;
  nlohmann::json settings_;
  Signature signature_;
  std::vector<Input> inputs_;
  at::Device device_ = at::kCPU;
};

// The archive that a path stands for, itself or model.pt in the folder; "" when it stands for none.
std::string find_torch_script(const std::string& path);

}  // namespace multiviz
