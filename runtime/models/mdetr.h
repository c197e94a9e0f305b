#pragma once
#include "models/detect.h"
#include "models/mdetr_answers.h"
#include "models/mdetr_backbone.h"
#include "models/mdetr_masks.h"
#include "models/pretrained.h"
#include "models/roberta_tower.h"
#include "nn/detr.h"

namespace multiviz {

// MDETR (Kamath et al. 2021), as ashkamath/mdetr has it: a convolutional network and RoBERTa, whose results are read
// side by side by the encoder of a DETR, and slots that find a box each, or answer. Widths and numbers of layers are
// those of the weights, settings those of the training script.
//
// Labels are answers (models/mdetr_answers.h) and features the states of the slots for answers after the decoder's
// first layer, which is what the reference's heads read, side by side in the order of the slots: [B, 4 E] for CLEVR
// (type, binary, reg, attr), [B, 6 E] for GQA (type, obj, rel, attr, cat, global). A model without answers has a label
// for each slot, "slot 1", ..., multi-label: the log odds that it found something; its features are the mean of the
// slots' last states [B, E]. One for segmentation (DETRsegm, trained on PhraseCut) is a model without answers, whose
// masks forward_raw gives.
//
// Images are prepared as the reference does for its evaluation, CLEVR's as they are, others with their shorter side 800
// and the longer at most 1333, unless a preprocessor_config.json says otherwise.
//
// Leaves: pixels [B, 3, H, W]; word embeddings [B, T, W], before position and type are added. Images of a batch that
// differ in size are seen one size at a time, so that rows do not depend on padding; forward_raw sees them together, as
// the reference does. Taps, S = CLS token of models trained with it + cells + tokens, Q slots: image.embeddings,
// image.stage.1, ..., image.features [B, E, h, w]; text.embeddings, text.layer.1.attention, text.layer.1.hidden, ...,
// text.resized [B, T, E]; fusion.embeddings [B, S, E], fusion.encoder.layer.1.attention [B, heads, S, S],
// fusion.encoder.layer.1.hidden, ...; fusion.decoder.layer.1.self_attention [B, heads, Q, Q], .cross_attention
// [B, heads, Q, S], .hidden, .state [B, Q, E] (normalised), ...; alignment [B, Q', K], scores of the tokens that a slot
// means, the last one of "nothing"; boxes [B, Q', 4], centre, width and height as parts of the image; final [B, Q', 1]
// (CLEVR-Ref+); answer.type, ...; features; logits.
class Mdetr : public PretrainedModel, public Detector {
 public:
  // Throws Error for settings that make no model, a backbone that is not known, and weights that do not fit.
  explicit Mdetr(Pretrained from);

  Leaf prepare(size_t modality, std::span<const Value> values) const override;
  Encoding encode(size_t modality, const Leaf& leaf, Trace* trace) const override;
  Output fuse(std::span<const Encoding> encodings, Trace* trace) const override;
  std::vector<std::vector<Detection>> detect(std::span<const Leaf> leaves, double threshold) const override;
  // samples [B, 3, H, W], mask (true at padding) or pixel_values, pixel_mask; input_ids or inputs_embeds,
  // attention_mask -> pred_logits, pred_boxes, pred_isfinal, pred_answer_type, ..., proj_queries, proj_tokens,
  // aux_outputs (one table for each layer of the decoder but the last), pred_masks [B, Q, H / 4, W / 4] of a model for
  // segmentation; of the memory cache text_memory_resized, text_memory, img_memory (positions first), mask,
  // text_attention_mask, text_pooled_op, img_pooled_op; hs [layers, B, Q, E]; lists, batch first: text_hidden_states,
  // text_attentions, encoder_hidden_states, encoder_attentions, decoder_hidden_states, decoder_attentions,
  // cross_attentions; logits, features.
  RawOutputs forward_raw(const RawInputs& inputs) const override;

  // Frozen normalisations are buffers. Names are the checkpoint's.
  NamedTensors parameters() const override;
  NamedTensors buffers() const override;

 private:
  struct Decoded {
    at::Tensor memory;               // [B, S, E]
    std::vector<at::Tensor> states;  // normalised, [B, Q, E], of the layers that ran
  };

  void read_transformer(WeightReader& weights, const nlohmann::json& config, const std::string& where);
  void read_heads(WeightReader& weights);
  void make_signature();
  bool detects_only() const { return answers_.empty(); }
  // Whether more of the decoder is needed than answers are.
  bool wants_all(const Trace* trace) const;
  at::Tensor positions_of(const at::Tensor& real) const;
  Encoding place(const at::Tensor& features, const at::Tensor& real, Trace* trace) const;
  Encoding encode_image(const at::Tensor& pixels, at::Tensor real, Trace* trace) const;
  Encoding encode_text(const at::Tensor& words, const at::Tensor& mask, const at::Tensor& real, Trace* trace) const;
  Decoded decode(const Encoding& image, const Encoding& text, Trace* trace) const;
  at::Tensor found(const Decoded& decoded, size_t layer) const;  // states of the slots that find, [B, Q', E]
  at::Tensor boxes(const at::Tensor& states) const;
  Output answer(const Decoded& decoded, Trace* trace) const;
  RawOutput detection_outputs(const at::Tensor& states, const at::Tensor& tokens) const;
  void raw_memory(RawOutputs& out, const Encoding& image, const Encoding& text, const Decoded& decoded) const;
  at::Tensor raw_masks(const Encoding& image, const Decoded& decoded, const Trace& trace) const;
  NamedTensors select(bool buffers) const;

  std::string prefix_;  // of the names that the checkpoint has for what is not about segments
  int64_t width_ = 0, heads_ = 0, slots_ = 0;
  MdetrBackbone backbone_;
  LinearWeights projection_;                     // [E, C, 1, 1]
  at::Tensor row_positions_, column_positions_;  // [50, E / 2] of learned positions; undefined for sines
  RobertaTower text_;
  LinearWeights pooler_;  // of the text, read by contrastive models
  LinearWeights resizer_;
  LayerNormWeights resizer_norm_;
  at::Tensor cls_;  // [1, E], of models trained with the contrastive loss
  at::Tensor contrastive_image_, contrastive_text_;
  std::vector<DetrEncoderLayer> encoder_;
  std::vector<DetrDecoderLayer> decoder_;
  LayerNormWeights decoder_norm_;
  at::Tensor queries_;  // [Q', E]
  LinearWeights classes_, final_, align_image_, align_text_;
  std::vector<LinearWeights> boxes_;
  MdetrAnswers answers_;
  MdetrMasks masks_;
  std::vector<std::string> late_taps_;  // of what answers do not need
};

}  // namespace multiviz
