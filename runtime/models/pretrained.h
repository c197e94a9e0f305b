#pragma once
#include <functional>
#include <nlohmann/json.hpp>

#include "data/image_processor.h"
#include "models/model.h"
#include "models/raw.h"
#include "nn/weight_reader.h"
#include "text/tokenizer.h"

namespace multiviz {

// What a checkpoint's folder holds, read but not yet a model.
struct Pretrained {
  std::string source;                         // the folder, for errors
  nlohmann::json config;                      // config.json
  std::map<std::string, at::Tensor> tensors;  // the weights, views of the mapped file
  at::ScalarType dtype = at::kFloat;          // of the network
  // Texts -> at most max_length tokens each (0: as many as there are), and images -> pixels; empty when the folder does
  // not say how. A Tokenizer's encode_batch, an ImageProcessor.
  std::function<TokenBatch(std::span<const std::string> texts, int64_t max_length)> tokenize;
  std::function<ProcessedImages(std::span<const at::Tensor> images)> process;
  nlohmann::json options = nlohmann::json::object();  // what the user asks for: {"captions": [...]}
};

// What models that come from such a folder share. Leaves are float32 whatever the network's dtype.
class PretrainedModel : public Model, public RawForward {
 public:
  const Signature& signature() const override { return signature_; }
  NamedTensors parameters() const override { return weights_; }
  // What the checkpoint holds and the network does not use, so that it is saved as it came.
  NamedTensors buffers() const override { return unused_; }
  void to(at::Device device) override;
  at::Device device() const override { return weights_.front().second.device(); }
  nlohmann::json config() const override { return config_; }

 protected:
  // Takes everything of `from` but its tensors.
  explicit PretrainedModel(Pretrained& from);

  at::ScalarType dtype() const { return dtype_; }
  // A setting that is saved in config.json.
  void set_config(const std::string& key, nlohmann::json value) { config_[key] = std::move(value); }
  // Ends reading the weights, as WeightReader::finish.
  void finish(WeightReader& weights);
  // Tokens as rows of `table` [V, E], with mask and atoms.
  Leaf prepare_text(size_t modality, std::span<const Value> values, const at::Tensor& table, int64_t max_length) const;
  // Pixels [B, 3, H, W]; where images of a batch differ in size, with a mask bool [B, H, W].
  Leaf prepare_images(size_t modality, std::span<const Value> values) const;

  Signature signature_;
  NamedTensors weights_;  // of the whole network, which shares these tensors

 private:
  NamedTensors unused_;
  nlohmann::json config_;
  at::ScalarType dtype_;
  std::string source_;
  std::function<TokenBatch(std::span<const std::string>, int64_t)> tokenize_;
  std::function<ProcessedImages(std::span<const at::Tensor>)> process_;
};

// Numbers of config.json with what they must be: throws Error naming the file and the key.
int64_t config_size(const nlohmann::json& config, const std::string& key, int64_t otherwise, const std::string& where);

// The names in id2label, `count` of them; "label 1", ... when there are none.
std::vector<std::string> config_labels(const nlohmann::json& config, int64_t count, const std::string& where);

// Rows of tensors with batch 1 stand for every row of the others.
at::Tensor expand_batch(const at::Tensor& tensor, int64_t batch);

// The activations NAME.1.SUFFIX, NAME.2.SUFFIX, ... that a trace holds.
std::vector<at::Tensor> traced_layers(const Trace& trace, const std::string& name, int64_t layers,
                                      const std::string& suffix);
// Their taps, two for each layer: attention and hidden.
void add_layer_taps(std::vector<std::string>& taps, const std::string& name, int64_t layers);

}  // namespace multiviz
