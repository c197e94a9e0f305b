#include <ATen/ATen.h>

#include "core/error.h"
#include "models/mdetr.h"

namespace multiviz {
namespace {

at::Tensor unit_length(const at::Tensor& x) {
  constexpr double least = 1e-12;
  return x / x.norm(2, {-1}, true).clamp_min(least);
}

RawOutput just(at::Tensor tensor) { return {std::move(tensor), {}, {}}; }

}  // namespace

// `tokens`: their projections, undefined without contrastive alignment.
RawOutput Mdetr::detection_outputs(const at::Tensor& states, const at::Tensor& tokens) const {
  RawOutput out;
  out.fields["pred_logits"] = just(linear(states, classes_));
  out.fields["pred_boxes"] = just(boxes(states));
  if (final_.weight.defined()) out.fields["pred_isfinal"] = just(linear(states, final_));
  if (tokens.defined()) {
    out.fields["proj_queries"] = just(unit_length(linear(states, align_image_)));
    out.fields["proj_tokens"] = just(tokens);
  }
  return out;
}

void Mdetr::raw_memory(RawOutputs& out, const Encoding& image, const Encoding& text, const Decoded& decoded) const {
  int64_t tokens = text.tensors[0].size(1);
  auto positions_first = [](const at::Tensor& x) { return x.transpose(0, 1); };
  out["text_memory_resized"].tensor = positions_first(text.tensors[0]);
  out["img_memory"].tensor = positions_first(decoded.memory);
  out["text_memory"].tensor = out["img_memory"].tensor.slice(0, -tokens);
  auto cells = image.tensors[2], words = text.tensors[1];
  if (cls_.defined()) {
    cells = at::cat({at::ones({cells.size(0), 1}, cells.options()), cells}, 1);
    out["img_pooled_op"].tensor = at::linear(decoded.memory.select(1, 0), contrastive_image_);
  }
  out["mask"].tensor = at::cat({cells, words}, 1).logical_not();
  out["text_attention_mask"].tensor = words.logical_not();
}

at::Tensor Mdetr::raw_masks(const Encoding& image, const Decoded& decoded, const Trace& trace) const {
  auto cells = trace.at("image.features");
  int64_t count = cells.size(2) * cells.size(3);
  auto memory = decoded.memory.slice(1, 0, count).transpose(1, 2).reshape(cells.sizes());
  auto real = image.tensors[2].view({cells.size(0), cells.size(2), cells.size(3)});
  const auto& maps = backbone_.finer();
  return masks_(found(decoded, decoder_.size() - 1), cells, memory, real,
                {trace.at(maps[0].tap), trace.at(maps[1].tap), trace.at(maps[2].tap)});
}

RawOutputs Mdetr::forward_raw(const RawInputs& inputs) const {
  check_raw_inputs(inputs, signature_.name,
                   {"samples", "mask", "pixel_values", "pixel_mask", "input_ids", "inputs_embeds", "attention_mask"},
                   {});
  auto given = [&](const char* name, at::ScalarType type) {
    auto tensor = raw_input(inputs, name);
    return tensor.defined() ? tensor.to(device(), type) : tensor;
  };
  auto samples = raw_input(inputs, "samples"), other = raw_input(inputs, "pixel_values");
  check(samples.defined() != other.defined(), "{} takes either samples or pixel_values", signature_.name);
  auto pixels = (samples.defined() ? samples : other).to(device(), dtype());
  auto real = given("pixel_mask", at::kBool), padding = given("mask", at::kBool);
  if (padding.defined()) real = padding.logical_not();
  check(pixels.dim() == 4 && pixels.size(1) == 3 && pixels.numel() > 0 &&
            (!real.defined() ||
             (real.dim() == 3 && real.size(0) == pixels.size(0) && real.sizes().slice(1) == pixels.sizes().slice(2))),
        "{} takes samples [B, 3, H, W] and a mask [B, H, W], not [{}] and [{}]", signature_.name,
        fmt::join(pixels.sizes(), ", "), fmt::join(real.defined() ? real.sizes() : at::IntArrayRef{}, ", "));
  auto ids = given("input_ids", at::kLong), words = given("inputs_embeds", dtype());
  check(ids.defined() != words.defined(), "{} takes either input_ids or inputs_embeds", signature_.name);
  auto mask = given("attention_mask", at::kBool), tokens = mask;
  if (ids.defined()) words = at::embedding(text_.words(), ids), tokens = ids.ne(text_.padding());

  Trace trace;
  trace.record("*");
  // The reference sees padding as black pixels.
  at::Tensor whole;
  auto features = backbone_(pixels, whole, &trace);
  at::Tensor cells;
  if (real.defined())
    cells =
        at::upsample_nearest2d(real.unsqueeze(1).to(at::kFloat), features.sizes().slice(2)).squeeze(1).to(at::kBool);
  std::vector<Encoding> encodings = {place(features, cells, &trace), encode_text(words, mask, tokens, &trace)};
  auto decoded = decode(encodings[0], encodings[1], &trace);
  auto output = answer(decoded, &trace);

  at::Tensor projected;
  if (align_text_.weight.defined())
    projected = unit_length(linear(decoded.memory.slice(1, -words.size(1)), align_text_));
  auto out = detection_outputs(found(decoded, decoder_.size() - 1), projected).fields;
  for (size_t i = 0; i + 1 < decoder_.size(); ++i)
    out["aux_outputs"].items.push_back(detection_outputs(found(decoded, i), projected));
  for (const auto& name : answers_.taps()) {
    auto key = "pred_" + name;
    std::replace(key.begin(), key.end(), '.', '_');
    out[key].tensor = trace.at(name);
  }
  raw_memory(out, encodings[0], encodings[1], decoded);
  if (masks_.defined()) out["pred_masks"].tensor = raw_masks(encodings[0], decoded, trace);
  if (cls_.defined()) {
    auto first = trace.at(fmt::format("text.layer.{}.hidden", text_.layers())).select(1, 0);
    out["text_pooled_op"].tensor = at::linear(linear(first, pooler_).tanh(), contrastive_text_);
  }
  auto list = [&](const char* key, const std::string& name, int64_t layers, const char* suffix) {
    out[key] = raw_list(traced_layers(trace, name, layers, suffix));
  };
  list("text_hidden_states", "text.layer", text_.layers(), "hidden");
  auto& states = out["text_hidden_states"].items;
  states.insert(states.begin(), just(trace.at("text.embeddings")));
  list("text_attentions", "text.layer", text_.layers(), "attention");
  list("encoder_hidden_states", "fusion.encoder.layer", std::ssize(encoder_), "hidden");
  list("encoder_attentions", "fusion.encoder.layer", std::ssize(encoder_), "attention");
  list("decoder_hidden_states", "fusion.decoder.layer", std::ssize(decoder_), "hidden");
  list("decoder_attentions", "fusion.decoder.layer", std::ssize(decoder_), "self_attention");
  list("cross_attentions", "fusion.decoder.layer", std::ssize(decoder_), "cross_attention");
  out["hs"].tensor = at::stack(decoded.states);
  out["logits"].tensor = output.logits;
  out["features"].tensor = output.features;
  return out;
}

}  // namespace multiviz
