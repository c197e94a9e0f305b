#include <set>

#include "core/error.h"
#include "io/json.h"
#include "io/torch_file.h"
#include "models/mdetr.h"

namespace multiviz {
namespace {

// How many layers NAME.0., NAME.1., ... the checkpoint has.
int64_t count_layers(const WeightReader& weights, const std::string& name) {
  int64_t count = 0;
  while (weights.has(fmt::format("{}.{}.linear1.weight", name, count))) ++count;
  return count;
}

bool is_clevr(const nlohmann::json& config) {
  auto found = config.find("combine_datasets");
  if (found == config.end() || !found->is_array()) return false;
  return std::any_of(found->begin(), found->end(), [](const auto& name) {
    return name.is_string() && name.template get<std::string>().starts_with("clevr");
  });
}

// CLEVR's pictures are seen as they are, all others as detectors do.
Pretrained& with_processor(Pretrained& from) {
  if (from.process) return from;
  auto options = detection_image_options();
  if (is_clevr(from.config) || from.tensors.contains("answer_binary_head.weight"))
    options.resize = ImageProcessorOptions::Resize::none;
  from.process = ImageProcessor(options);
  return from;
}

// Python's truth: settings files say 1 for true.
bool is_set(const nlohmann::json& config, const char* key, bool otherwise) {
  auto found = config.find(key);
  if (found == config.end() || found->is_null()) return otherwise;
  return found->is_number() ? found->get<double>() != 0 : found->is_boolean() && found->get<bool>();
}

constexpr const char* segmentation_prefix = "detr.";

bool draws(const std::string& name) { return name.starts_with("bbox_attention.") || name.starts_with("mask_head."); }

// Models for segmentation are others, "detr.", and a head: the names without that. Returns it, "" for models without.
std::string take_prefix(std::map<std::string, at::Tensor>& tensors, const std::string& where) {
  const std::string prefix = segmentation_prefix;
  if (!tensors.contains(prefix + "query_embed.weight")) return "";
  for (const auto& [name, _] : tensors)
    check(name.starts_with(prefix) || draws(name), "{} has weights with and without '{}': '{}' is one without", where,
          prefix, name);
  tensors = without_prefix(tensors, prefix);
  return prefix;
}

void refuse(const nlohmann::json& config, const std::string& where) {
  check(!is_set(config, "pre_norm", false) && is_set(config, "pass_pos_and_query", true),
        "{}: pre_norm and no_pass_pos_and_query make models that the reference cannot run either", where);
}

}  // namespace

Mdetr::Mdetr(Pretrained from) : PretrainedModel(with_processor(from)) {
  auto settings = config();
  auto where = from.source;
  refuse(settings, where);
  prefix_ = take_prefix(from.tensors, where);
  WeightReader weights(std::move(from.tensors), from.source, dtype());
  width_ = weights.size("query_embed.weight", 1);
  heads_ = config_size(settings, "nheads", 8, where);
  check(width_ % heads_ == 0 && width_ % 4 == 0,
        "{}: the width {} is not a multiple of 4 and of the {} attention heads (nheads)", where, width_, heads_);
  backbone_ = MdetrBackbone(weights, "backbone.0.body.", get_or<std::string>(settings, "backbone", "", where),
                            is_set(settings, "dilation", false), where);
  projection_ = {weights.take("input_proj.weight", {width_, backbone_.channels(), 1, 1}),
                 weights.take("input_proj.bias", {width_})};
  read_transformer(weights, settings, where);
  read_heads(weights);
  answers_ = MdetrAnswers(weights, width_, settings.value("answers", nlohmann::json()), where);
  check(!is_set(settings, "do_qa", false) || !answers_.empty(),
        "{} was trained to answer questions (do_qa) and has no heads for answers: load the checkpoint whole, or give "
        "config = {{ do_qa = false }}",
        where);
  if (!prefix_.empty()) {
    const auto& maps = backbone_.finer();
    check(answers_.empty() && !cls_.defined(),
          "{} is for segmentation and for answers or the contrastive loss at once, which the reference cannot run",
          where);
    masks_ = MdetrMasks(weights, width_, heads_, {maps[0].channels, maps[1].channels, maps[2].channels}, where);
  }
  weights.ignore_ending(".num_batches_tracked");  // counters of training steps
  finish(weights);
  make_signature();
}

void Mdetr::read_transformer(WeightReader& weights, const nlohmann::json& config, const std::string& where) {
  constexpr int64_t most_cells = 50;
  if (weights.has("backbone.1.row_embed.weight")) {
    row_positions_ = weights.take("backbone.1.row_embed.weight", {most_cells, width_ / 2});
    column_positions_ = weights.take("backbone.1.col_embed.weight", {most_cells, width_ / 2});
  }
  auto text = config.value("text_encoder", nlohmann::json::object());
  check(text.is_object(), "{}: text_encoder must be the settings of a RoBERTa", where);
  const std::string name = "transformer.text_encoder.";
  text_ = RobertaTower(weights, name, text, where);
  bool contrastive = weights.has("transformer.CLS.weight");
  if (contrastive || weights.has(name + "pooler.dense.weight"))
    pooler_ = weights.linear(name + "pooler.dense", text_.width(), text_.width());
  resizer_ = weights.linear("transformer.resizer.fc", text_.width(), width_);
  resizer_norm_ = weights.norm("transformer.resizer.layer_norm", width_, 1e-12);
  if (contrastive) {
    int64_t size = weights.size("contrastive_projection_image.weight", 0);
    cls_ = weights.take("transformer.CLS.weight", {1, width_});
    contrastive_image_ = weights.take("contrastive_projection_image.weight", {size, width_});
    contrastive_text_ = weights.take("contrastive_projection_text.weight", {size, text_.width()});
  }
  const std::string encoder = "transformer.encoder.layers", decoder = "transformer.decoder.layers";
  int64_t encoders = config_size(config, "enc_layers", std::max<int64_t>(count_layers(weights, encoder), 1), where);
  int64_t decoders = config_size(config, "dec_layers", std::max<int64_t>(count_layers(weights, decoder), 1), where);
  for (int64_t layers : {encoders, decoders})
    check(layers <= 1000, "{}: {} layers are more than the 1000 that are allowed", where, layers);
  for (int64_t i = 0; i < encoders; ++i)
    encoder_.push_back(read_detr_encoder_layer(weights, fmt::format("{}.{}.", encoder, i), width_, heads_));
  for (int64_t i = 0; i < decoders; ++i)
    decoder_.push_back(read_detr_decoder_layer(weights, fmt::format("{}.{}.", decoder, i), width_, heads_));
  decoder_norm_ = weights.norm("transformer.decoder.norm", width_, 1e-5);
}

void Mdetr::read_heads(WeightReader& weights) {
  slots_ = weights.size("query_embed.weight", 0);
  queries_ = weights.take("query_embed.weight", {slots_, width_});
  classes_ = weights.linear("class_embed", width_, weights.size("class_embed.weight", 0));
  for (int64_t i = 0; i < 3; ++i)
    boxes_.push_back(weights.linear(fmt::format("bbox_embed.layers.{}", i), width_, i < 2 ? width_ : 4));
  if (weights.has("isfinal_embed.weight")) final_ = weights.linear("isfinal_embed", width_, 1);
  if (weights.has("contrastive_align_projection_image.weight")) {
    int64_t size = weights.size("contrastive_align_projection_image.weight", 0);
    align_image_ = weights.linear("contrastive_align_projection_image", width_, size);
    align_text_ = weights.linear("contrastive_align_projection_text", width_, size);
  }
}

void Mdetr::make_signature() {
  signature_.name = detects_only() ? "mdetr" : answers_.is_clevr() ? "mdetr-clevr" : "mdetr-gqa";
  signature_.modalities = {{"image", ModalityKind::image}, {detects_only() ? "text" : "question", ModalityKind::text}};
  signature_.labels = answers_.labels();
  signature_.features = detects_only() ? width_ : answers_.slots() * width_;
  if (detects_only()) {
    signature_.task = Task::multilabel;
    for (int64_t i = 1; i <= slots_; ++i) signature_.labels.push_back(fmt::format("slot {}", i));
  }
  auto& taps = signature_.taps;
  taps = backbone_.taps();
  taps.insert(taps.end(), {"image.features", "text.embeddings"});
  add_layer_taps(taps, "text.layer", text_.layers());
  taps.insert(taps.end(), {"text.resized", "fusion.embeddings"});
  add_layer_taps(taps, "fusion.encoder.layer", std::ssize(encoder_));
  for (size_t i = 1; i <= decoder_.size(); ++i)
    for (const char* name : {"self_attention", "cross_attention", "hidden", "state"}) {
      taps.push_back(fmt::format("fusion.decoder.layer.{}.{}", i, name));
      if (i > 1) late_taps_.push_back(taps.back());
    }
  for (const char* name : {"alignment", "boxes", "final"}) {
    if (std::string(name) == "final" && !final_.weight.defined()) continue;
    taps.push_back(name);
    late_taps_.push_back(name);
  }
  auto answers = answers_.taps();
  taps.insert(taps.end(), answers.begin(), answers.end());
  taps.insert(taps.end(), {"features", "logits"});
}

namespace {

// A frozen normalisation has no parameters: the names before ".running_mean".
std::set<std::string> frozen(const NamedTensors& weights) {
  std::set<std::string> out;
  const std::string mark = ".running_mean";
  for (const auto& [name, _] : weights)
    if (name.ends_with(mark)) out.insert(name.substr(0, name.size() - mark.size()));
  return out;
}

}  // namespace

NamedTensors Mdetr::select(bool buffers) const {
  auto names = frozen(weights_);
  NamedTensors out;
  if (buffers) out = PretrainedModel::buffers();
  for (const auto& entry : weights_)
    if (names.contains(entry.first.substr(0, entry.first.rfind('.'))) == buffers) out.push_back(entry);
  for (auto& [name, _] : out)
    if (!draws(name)) name = prefix_ + name;
  return out;
}

NamedTensors Mdetr::parameters() const { return select(false); }
NamedTensors Mdetr::buffers() const { return select(true); }

}  // namespace multiviz
