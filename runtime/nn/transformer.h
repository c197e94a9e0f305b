#pragma once
#include <ATen/core/Tensor.h>

#include <string>

#include "models/trace.h"
#include "nn/activation.h"
#include "nn/layers.h"

namespace multiviz {

struct LayerNormWeights {
  at::Tensor weight, bias;  // [E]
  double epsilon = 1e-5;
};

at::Tensor layer_norm(const at::Tensor& x, const LayerNormWeights& weights);

// Attention of several heads: D = E / heads numbers of a head.
struct AttentionWeights {
  LinearWeights query, key, value;  // E -> E, from the context's width for key and value
  LinearWeights output;             // E -> E
  int64_t heads = 1;
};

// bool [B, S], true where a position may be looked at -> additive [B, 1, 1, S] of this dtype: 0 there, the lowest
// number elsewhere. Undefined when the mask is, or is known (on a CPU) to hide nothing.
at::Tensor additive_mask(const at::Tensor& mask, at::ScalarType dtype);

// x [B, T, E] looks at context [B, S, E']: the heads' results through `output`, [B, T, E]. `mask` is additive. The maps
// [B, heads, T, S] pass the trace under `tap`, and are made only when it wants them; otherwise a fused kernel does the
// work, or plain operations where the trace says that second derivatives will be taken.
at::Tensor attention(const at::Tensor& x, const at::Tensor& context, const AttentionWeights& weights,
                     const at::Tensor& mask, Trace* trace, const std::string& tap);
// The same where keys and values are made of different inputs, [B, S, E'] each: positions are added to keys alone.
at::Tensor attention(const at::Tensor& x, const at::Tensor& keys, const at::Tensor& values,
                     const AttentionWeights& weights, const at::Tensor& mask, Trace* trace, const std::string& tap);

struct FeedForwardWeights {
  LinearWeights in, out;  // E -> F, F -> E
  Activation activation = nullptr;
};

at::Tensor feed_forward(const at::Tensor& x, const FeedForwardWeights& weights);

// One layer of a transformer. The norms stand before attention and feed-forward (ViT, CLIP, ViLT), or after the sums
// (BERT, LXMERT).
struct BlockWeights {
  AttentionWeights attention;
  LayerNormWeights attention_norm;
  FeedForwardWeights feed;
  LayerNormWeights feed_norm;
};

// x [B, T, E] -> [B, T, E]. Taps: NAME.attention [B, heads, T, T] and NAME.hidden, the result. `rows` [B, R, E], when
// given, are the positions of x that alone are wanted of the result: [B, R, E], and maps [B, heads, R, T].
at::Tensor pre_norm_block(const at::Tensor& x, const BlockWeights& weights, const at::Tensor& mask, Trace* trace,
                          const std::string& name, const at::Tensor& rows = {});
at::Tensor post_norm_block(const at::Tensor& x, const BlockWeights& weights, const at::Tensor& mask, Trace* trace,
                           const std::string& name);

// Whether a trace will record or replace what such a layer passes it: then all of its positions are needed.
bool wants_block(const Trace* trace, const std::string& name);

// Non-overlapping patches of an image through one linear map: [B, C, H, W] and a kernel [E, C, h, w] -> [B, N, E], the
// patches row by row. What is left over at the right and the bottom is not seen. `bias` may be undefined.
at::Tensor embed_patches(const at::Tensor& pixels, const LinearWeights& kernel);

// Word embeddings [B, T, E] that know their position and type, as BERT makes them.
struct TextEmbeddingWeights {
  at::Tensor words;      // [V, E]
  at::Tensor positions;  // [P, E]
  at::Tensor types;      // [K, E]
  LayerNormWeights norm;
};

// norm(words + positions + types). `types` is int64 [B, T], undefined for type 0. Throws Error, naming `what`, when the
// text is longer than the positions.
at::Tensor embed_text(const at::Tensor& words, const at::Tensor& types, const TextEmbeddingWeights& weights,
                      const std::string& what);

}  // namespace multiviz
