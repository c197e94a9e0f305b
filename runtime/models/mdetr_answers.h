#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "models/trace.h"
#include "nn/weight_reader.h"

namespace multiviz {

// How MDETR answers questions: one slot of the decoder tells the type of the answer, one for each type the answer.
// CLEVR's types are binary, attr and reg (a number), GQA's obj, attr, rel, global and cat. A GQA model may have one
// head for all answers instead.
//
// The logit of a label is the logarithm of its probability, log p(type) + log p(answer | type), so that cross entropy
// is the sum of the reference's losses of type and answer. Labels: CLEVR's yes, no, the attributes, 0, 1, ...; GQA's
// answers, those that several heads give added up. With one head the logits are its own.
class MdetrAnswers {
 public:
  MdetrAnswers() = default;  // a model that only detects
  // Reads the heads that the checkpoint has, and qa_embed.weight [n, width]. `answers` is gqa_answer2id_by_type.json
  // (of one head: gqa_answer2id.json), null when it is not there: GQA's labels are then "obj 1", ... Throws Error,
  // naming `where`, for slots without heads, and answers that are not the heads'.
  MdetrAnswers(WeightReader& weights, int64_t width, const nlohmann::json& answers, const std::string& where);

  bool empty() const { return heads_.empty(); }
  int64_t slots() const { return queries_.defined() ? queries_.size(0) : 0; }
  const at::Tensor& queries() const { return queries_; }  // [slots, width]
  const std::vector<std::string>& labels() const { return labels_; }
  bool is_clevr() const { return clevr_; }
  std::vector<std::string> taps() const;  // answer.type, answer.obj, ..., answer

  // The slots' states [B, slots, width] -> logits [B, C]. Taps: answer.type [B, types], answer.binary [B], answer.attr
  // [B, n], ...: what the reference calls pred_answer_type and so on; answer [B, C] of one head.
  at::Tensor operator()(const at::Tensor& states, Trace* trace) const;

 private:
  struct Head {
    std::string name;
    int64_t slot = 0;
    std::vector<LinearWeights> layers;  // relu between them
    bool binary() const { return name == "binary"; }
  };

  void read_heads(WeightReader& weights, int64_t width);
  void name_labels(WeightReader& weights, const nlohmann::json& answers, const std::string& where);
  at::Tensor run(const Head& head, const at::Tensor& states, Trace* trace) const;

  bool clevr_ = false;
  at::Tensor queries_;
  LinearWeights type_;       // undefined with one head
  std::vector<Head> heads_;  // in the order of the types
  std::vector<std::string> labels_;
  at::Tensor places_;  // int64 [C, k]: where a label is among all heads' answers; undefined when each has its own
};

}  // namespace multiviz
