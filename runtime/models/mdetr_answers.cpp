#include "models/mdetr_answers.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/error.h"
#include "io/json.h"

namespace multiviz {
namespace {

struct Layout {
  const char* name;
  int64_t slot;
};

// In the order of the types, with the slots that the reference reads.
constexpr Layout clevr_heads[] = {{"binary", 1}, {"attr", 3}, {"reg", 2}};
constexpr Layout gqa_heads[] = {{"obj", 1}, {"attr", 3}, {"rel", 2}, {"global", 5}, {"cat", 4}};

const std::vector<std::string> clevr_attributes = {"small", "large",  "gray",     "red",    "blue",
                                                   "green", "brown",  "purple",   "cyan",   "yellow",
                                                   "cube",  "sphere", "cylinder", "rubber", "metal"};

constexpr double nothing = -1e30;  // the logarithm of no probability

// {"answer": number}: the answers by number.
std::vector<std::string> by_number(const nlohmann::json& table, int64_t count, const std::string& where) {
  check(table.is_object() && std::ssize(table) == count, "{} has {} answers, and the model's head gives {}", where,
        table.size(), count);
  std::vector<std::string> out(static_cast<size_t>(count));
  for (const auto& [answer, number] : table.items()) {
    auto place = as<int64_t>(number, where + ": '" + answer + "'");
    check(place >= 0 && place < count && out[static_cast<size_t>(place)].empty(),
          "{} gives '{}' the number {}: they must be 0 to {}, each once", where, answer, place, count - 1);
    out[static_cast<size_t>(place)] = answer;
  }
  return out;
}

std::vector<std::string> numbered(const std::string& name, int64_t count, int64_t first) {
  std::vector<std::string> out;
  for (int64_t i = 0; i < count; ++i) out.push_back(fmt::format("{}{}", name, i + first));
  return out;
}

}  // namespace

MdetrAnswers::MdetrAnswers(WeightReader& weights, int64_t width, const nlohmann::json& answers,
                           const std::string& where) {
  int64_t slots = weights.size("qa_embed.weight", 0);
  read_heads(weights, width);
  check(!heads_.empty() || slots == 0,
        "{} has slots for answers and no heads that this version knows: CLEVR's are answer_binary_head, "
        "answer_attr_head and answer_reg_head, GQA's answer_obj_head to answer_cat_head, or answer_head for all",
        where);
  if (heads_.empty()) return;
  int64_t needed = type_.weight.defined() ? std::ssize(heads_) + 1 : 1;
  queries_ = weights.take("qa_embed.weight", {needed, width});
  name_labels(weights, answers, where);
}

void MdetrAnswers::read_heads(WeightReader& weights, int64_t width) {
  if (weights.has("answer_head.weight")) {
    heads_ = {{"", 0, {weights.linear("answer_head", width, weights.size("answer_head.weight", 0))}}};
    return;
  }
  clevr_ = weights.has("answer_binary_head.weight") || weights.has("answer_reg_head.layers.0.weight");
  if (!clevr_ && !weights.has("answer_obj_head.weight") && !weights.has("answer_rel_head.weight")) return;
  auto read = [&](const Layout& layout) {
    Head head{layout.name, layout.slot, {}};
    auto name = fmt::format("answer_{}_head", layout.name);
    bool deep = std::string(layout.name) == "reg";
    int64_t last = weights.size(deep ? name + ".layers.2.weight" : name + ".weight", 0);
    if (!deep) head.layers = {weights.linear(name, width, last)};
    for (int64_t i = 0; deep && i < 3; ++i)
      head.layers.push_back(weights.linear(fmt::format("{}.layers.{}", name, i), width, i < 2 ? width : last));
    heads_.push_back(std::move(head));
  };
  if (clevr_)
    std::for_each(std::begin(clevr_heads), std::end(clevr_heads), read);
  else
    std::for_each(std::begin(gqa_heads), std::end(gqa_heads), read);
  type_ = weights.linear("answer_type_head", width, std::ssize(heads_));
}

void MdetrAnswers::name_labels(WeightReader& weights, const nlohmann::json& answers, const std::string& where) {
  std::vector<std::string> all;
  for (const auto& head : heads_) {
    auto add = [&](std::vector<std::string> names) { all.insert(all.end(), names.begin(), names.end()); };
    auto tensor =
        head.name.empty() ? std::string("answer_head.weight") : fmt::format("answer_{}_head.weight", head.name);
    int64_t count = weights.size(head.name == "reg" ? "answer_reg_head.layers.2.weight" : tensor, 0);
    auto key = "answer_" + head.name;
    if (head.binary())
      add({"yes", "no"});
    else if (head.name == "reg")
      add(numbered("", count, 0));
    else if (clevr_ && count == std::ssize(clevr_attributes))
      add(clevr_attributes);
    else if (!clevr_ && !answers.is_null())
      add(by_number(head.name.empty() ? answers : require(answers, key, where + ": answers"), count,
                    where + ": answers" + (head.name.empty() ? "" : ": " + key)));
    else
      add(numbered(head.name.empty() ? "answer " : head.name + " ", count, 1));
  }
  std::map<std::string, std::vector<int64_t>> places;
  size_t most = 1;
  for (size_t i = 0; i < all.size(); ++i) {
    auto& found = places[all[i]];
    if (found.empty()) labels_.push_back(all[i]);
    found.push_back(static_cast<int64_t>(i));
    most = std::max(most, found.size());
  }
  if (most == 1) return;
  places_ = at::full({std::ssize(labels_), static_cast<int64_t>(most)}, std::ssize(all), at::kLong);
  for (size_t label = 0; label < labels_.size(); ++label) {
    const auto& found = places[labels_[label]];
    for (size_t k = 0; k < found.size(); ++k) places_.data_ptr<int64_t>()[label * most + k] = found[k];
  }
}

std::vector<std::string> MdetrAnswers::taps() const {
  std::vector<std::string> out;
  if (type_.weight.defined()) out.push_back("answer.type");
  for (const auto& head : heads_) out.push_back(head.name.empty() ? "answer" : "answer." + head.name);
  return out;
}

at::Tensor MdetrAnswers::run(const Head& head, const at::Tensor& states, Trace* trace) const {
  auto x = states.select(1, head.slot);
  for (size_t i = 0; i < head.layers.size(); ++i) x = linear(i == 0 ? x : x.relu(), head.layers[i]);
  if (head.binary()) x = x.squeeze(1);
  return tap(trace, head.name.empty() ? "answer" : "answer." + head.name, x).to(at::kFloat);
}

at::Tensor MdetrAnswers::operator()(const at::Tensor& states, Trace* trace) const {
  if (!type_.weight.defined()) return run(heads_.front(), states, trace);
  auto types = tap(trace, "answer.type", linear(states.select(1, 0), type_)).to(at::kFloat).log_softmax(1);
  std::vector<at::Tensor> parts;
  for (size_t i = 0; i < heads_.size(); ++i) {
    auto x = run(heads_[i], states, trace);
    auto given = heads_[i].binary() ? at::log_sigmoid(at::stack({x, -x}, 1)) : x.log_softmax(1);
    parts.push_back(given + types.slice(1, static_cast<int64_t>(i), static_cast<int64_t>(i) + 1));
  }
  if (!places_.defined()) return at::cat(parts, 1);
  parts.push_back(at::full({states.size(0), 1}, nothing, parts.front().options()));
  auto all = at::cat(parts, 1).index_select(1, places_.flatten().to(states.device()));
  return all.view({states.size(0), places_.size(0), places_.size(1)}).logsumexp(2);
}

}  // namespace multiviz
