#include "models/lxmert.h"

#include <ATen/ATen.h>

#include "core/error.h"

namespace multiviz {
namespace {

at::Tensor all_real(const at::Tensor& x) { return at::ones({x.size(0), x.size(1)}, x.options().dtype(at::kBool)); }

}  // namespace

Leaf Lxmert::prepare(size_t modality, std::span<const Value> values) const {
  return modality == 0 ? prepare_regions(values) : prepare_text(modality, values, text_.words, length_);
}

Leaf Lxmert::prepare_regions(std::span<const Value> values) const {
  int64_t longest = 0, width = features_ + box_;
  for (const auto& value : values) {
    check(std::holds_alternative<TimeSeries>(value), "'objects' takes a time series of objects, and was given {}",
          kind_name(kind_of(value)));
    const auto& frames = std::get<TimeSeries>(value).frames;
    check(frames.defined() && frames.dim() == 2 && frames.size(0) > 0 && frames.size(1) == width,
          "'objects' takes at least one region of {} features and {} numbers of its box, [R, {}], not [{}]", features_,
          box_, width, frames.defined() ? fmt::format("{}", fmt::join(frames.sizes(), ", ")) : "");
    longest = std::max(longest, frames.size(0));
  }
  std::vector<at::Tensor> rows, real;
  for (const auto& value : values) {
    const auto& frames = std::get<TimeSeries>(value).frames;
    rows.push_back(at::constant_pad_nd(frames.to(device(), at::kFloat), {0, 0, 0, longest - frames.size(0)}));
    real.push_back(at::arange(longest, rows.back().options().dtype(at::kLong)).lt(frames.size(0)));
  }
  return {at::stack(rows), at::stack(real), {}, {}};
}

Encoding Lxmert::encode(size_t modality, const Leaf& leaf, Trace* trace) const {
  if (modality == 0) return encode_regions(leaf.tensor, leaf.mask, trace);
  return encode_question(leaf.tensor, leaf.mask, {}, trace);
}

Encoding Lxmert::encode_question(const at::Tensor& words, const at::Tensor& mask, const at::Tensor& types,
                                 Trace* trace) const {
  check(words.dim() == 3 && words.size(2) == width_, "the question leaf of {} is [B, T, {}], not [{}]", signature_.name,
        width_, fmt::join(words.sizes(), ", "));
  auto x = tap(trace, "question.embeddings", embed_text(words.to(dtype()), types, text_, "question"));
  auto hidden = additive_mask(mask, dtype());
  for (size_t i = 0; i < question_blocks_.size(); ++i)
    x = post_norm_block(x, question_blocks_[i], hidden, trace, fmt::format("question.layer.{}", i + 1));
  return {{x, mask.defined() ? mask : all_real(x)}};
}

Encoding Lxmert::encode_regions(const at::Tensor& regions, const at::Tensor& mask, Trace* trace) const {
  check(regions.dim() == 3 && regions.size(2) == features_ + box_, "the objects leaf of {} is [B, R, {}], not [{}]",
        signature_.name, features_ + box_, fmt::join(regions.sizes(), ", "));
  auto given = regions.to(dtype());
  auto x = layer_norm(linear(given.slice(2, 0, features_), feature_), feature_norm_);
  auto y = layer_norm(linear(given.slice(2, features_), position_), position_norm_);
  x = tap(trace, "objects.embeddings", (x + y) / 2);
  auto hidden = additive_mask(mask, dtype());
  for (size_t i = 0; i < region_blocks_.size(); ++i)
    x = post_norm_block(x, region_blocks_[i], hidden, trace, fmt::format("objects.layer.{}", i + 1));
  return {{x, mask.defined() ? mask : all_real(x)}};
}

Output Lxmert::fuse(std::span<const Encoding> encodings, Trace* trace) const {
  check(encodings.size() == 2 && encodings[0].tensors.size() == 2 && encodings[1].tensors.size() == 2,
        "{} fuses one encoding of regions and one of a question", signature_.name);
  int64_t batch = std::max(encodings[0].batch(), encodings[1].batch());
  for (const auto& encoding : encodings)
    check(encoding.batch() == batch || encoding.batch() == 1, "{} fuses encodings of the same batch, not {} and {}",
          signature_.name, encoding.batch(), batch);
  auto regions = expand_batch(encodings[0].tensors[0], batch), question = expand_batch(encodings[1].tensors[0], batch);
  auto region_mask = additive_mask(encodings[0].tensors[1], dtype());
  auto question_mask = additive_mask(encodings[1].tensors[1], dtype());
  for (size_t i = 0; i < cross_.size(); ++i) {
    const auto& layer = cross_[i];
    auto name = fmt::format("fusion.layer.{}.", i + 1);
    // Nothing reads the regions after the last layer, unless a trace does.
    bool both = i + 1 < cross_.size() || wants_block(trace, name + "objects") ||
                (trace && trace->wants(name + "objects_to_question"));
    auto seen =
        add_onto(attention(question, regions, layer.cross, region_mask, trace, name + "question_to_objects"), question);
    if (both) {
      auto told = add_onto(
          attention(regions, question, layer.cross, question_mask, trace, name + "objects_to_question"), regions);
      regions =
          post_norm_block(layer_norm(told, layer.cross_norm), layer.regions, region_mask, trace, name + "objects");
    }
    question =
        post_norm_block(layer_norm(seen, layer.cross_norm), layer.question, question_mask, trace, name + "question");
  }
  auto pooled = tap(trace, "fusion.pooled", linear(question.select(1, 0), pooler_).tanh());
  auto features = tap(trace, "features", layer_norm(at::gelu(linear(pooled, hidden_)), hidden_norm_));
  return {tap(trace, "logits", linear(features, classifier_).to(at::kFloat)), features.to(at::kFloat)};
}

RawOutputs Lxmert::forward_raw(const RawInputs& inputs) const {
  check_raw_inputs(inputs, signature_.name,
                   {"input_ids", "inputs_embeds", "attention_mask", "token_type_ids", "visual_feats", "visual_pos",
                    "visual_attention_mask"},
                   {"visual_feats", "visual_pos"});
  auto ids = raw_input(inputs, "input_ids"), words = raw_input(inputs, "inputs_embeds");
  check(ids.defined() != words.defined(), "{} takes either input_ids or inputs_embeds", signature_.name);
  if (ids.defined()) words = at::embedding(text_.words, ids.to(device(), at::kLong));
  auto on_device = [&](const char* name, at::ScalarType type) {
    auto tensor = raw_input(inputs, name);
    return tensor.defined() ? tensor.to(device(), type) : tensor;
  };
  auto features = raw_input(inputs, "visual_feats").to(device()), boxes = raw_input(inputs, "visual_pos").to(device());
  check(features.dim() == 3 && boxes.dim() == 3 && features.size(2) == features_ && boxes.size(2) == box_ &&
            features.sizes().slice(0, 2) == boxes.sizes().slice(0, 2),
        "visual_feats and visual_pos of {} are [B, R, {}] and [B, R, {}], not [{}] and [{}]", signature_.name,
        features_, box_, fmt::join(features.sizes(), ", "), fmt::join(boxes.sizes(), ", "));
  Trace trace;
  trace.record("*");
  std::vector<Encoding> encodings = {
      encode_regions(at::cat({features, boxes}, 2), on_device("visual_attention_mask", at::kBool), &trace),
      encode_question(words.to(device()), on_device("attention_mask", at::kBool),
                      on_device("token_type_ids", at::kLong), &trace)};
  auto output = fuse(encodings, &trace);
  RawOutputs out;
  out["question_answering_score"].tensor = output.logits;
  out["features"].tensor = output.features;
  out["pooled_output"].tensor = trace.at("fusion.pooled");
  auto states = [&](const std::string& name, int64_t own) {
    auto all = traced_layers(trace, name + ".layer", own, "hidden");
    for (auto& one : traced_layers(trace, "fusion.layer", cross_layers_, name + ".hidden")) all.push_back(one);
    return raw_list(all);
  };
  out["language_hidden_states"] = states("question", question_layers_);
  out["vision_hidden_states"] = states("objects", region_layers_);
  out["language_attentions"] = raw_list(traced_layers(trace, "question.layer", question_layers_, "attention"));
  out["vision_attentions"] = raw_list(traced_layers(trace, "objects.layer", region_layers_, "attention"));
  out["cross_encoder_attentions"] =
      raw_list(traced_layers(trace, "fusion.layer", cross_layers_, "question_to_objects"));
  return out;
}

}  // namespace multiviz
