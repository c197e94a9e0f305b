#include "bindings/model.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "bindings/convert.h"
#include "bindings/detect.h"
#include "bindings/forward_raw.h"
#include "bindings/register.h"
#include "bindings/session.h"
#include "bindings/state.h"
#include "bindings/trace.h"
#include "core/device.h"
#include "models/finite.h"
#include "models/load.h"
#include "models/score.h"

namespace multiviz::script {
namespace {

std::vector<std::string> modality_names(const Signature& signature) {
  std::vector<std::string> out;
  for (const auto& modality : signature.modalities) out.push_back(modality.name);
  return out;
}

const char* task_name(Task task) {
  return task == Task::classification ? "classification" : task == Task::multilabel ? "multilabel" : "regression";
}

std::string weights_folder() { return stdlib_folder() + "/weights"; }

int load(lua_State* L) {
  auto options = lua_isnoneornil(L, 2) ? nlohmann::json::object() : to_json(L, 2, "options");
  if (options.is_array() && options.empty()) options = nlohmann::json::object();
  if (!options.is_object()) wrong_argument(L, 2, "options", "a table of options");
  auto model = load_model(arg_string(L, 1, "name"), weights_folder(), options);
  model->to(script_device(L));
  return push(L, model);
}

int list(lua_State* L) { return push(L, shipped_models(weights_folder())); }

int push_signature(lua_State* L, ModelPtr& self) {
  const auto& signature = self->signature();
  lua_newtable(L);
  set_field(L, "name", signature.name);
  set_field(L, "labels", signature.labels);
  set_field(L, "task", task_name(signature.task));
  set_field(L, "features", signature.features);
  set_field(L, "taps", signature.taps);
  set_field(L, "differentiable", signature.differentiable);
  lua_newtable(L);
  for (size_t m = 0; m < signature.modalities.size(); ++m) {
    lua_newtable(L);
    set_field(L, "name", signature.modalities[m].name);
    set_field(L, "kind", kind_name(signature.modalities[m].kind));
    lua_rawseti(L, -2, static_cast<lua_Integer>(m) + 1);
  }
  lua_setfield(L, -2, "modalities");
  return 1;
}

// {label=, index=, probability=} of one label.
void push_label(lua_State* L, const Signature& signature, int64_t index, double probability) {
  lua_newtable(L);
  set_field(L, "label", signature.labels[static_cast<size_t>(index)]);
  set_field(L, "index", index + 1);
  set_field(L, "probability", probability);
}

void push_prediction(lua_State* L, const Signature& signature, const at::Tensor& logits, int64_t top) {
  if (signature.labels.empty()) {
    lua_newtable(L);
    set_field(L, "value", logits[0].item<double>());
    return;
  }
  auto probabilities = signature.task == Task::multilabel ? logits.sigmoid() : logits.softmax(0);
  auto [values, order] = probabilities.topk(std::min(top, logits.size(0)));
  push_label(L, signature, order[0].item<int64_t>(), values[0].item<double>());
  lua_newtable(L);
  for (int64_t i = 0; i < order.size(0); ++i) {
    push_label(L, signature, order[i].item<int64_t>(), values[i].item<double>());
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "top");
}

int predict(lua_State* L, ModelPtr& self) {
  Options options(L, 3);
  int64_t top = options.integer("top", 5, {.min = 1});
  options.done();
  bool several = lua_type(L, 2) == LUA_TTABLE;
  auto datapoints = arg_datapoints(L, 2, "x", *self);
  at::NoGradGuard no_grad;
  auto output = forward_shared(*self, datapoints);
  check_finite(*self, datapoints, output);
  auto logits = output.logits.detach().to(at::kCPU, at::kDouble);
  if (!several) return push_prediction(L, self->signature(), logits[0], top), 1;
  lua_newtable(L);
  for (int64_t i = 0; i < logits.size(0); ++i) {
    push_prediction(L, self->signature(), logits[i], top);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

int push_output(lua_State* L, const Output& output) {
  // A small result that waits for the collector keeps the heap around it from being given back.
  constexpr size_t heap_held = 128 << 10;
  account(L, heap_held);
  push(L, output.logits);
  push(L, output.features);
  return 2;
}

int forward(lua_State* L, ModelPtr& self) {
  Options options(L, 3);
  auto* trace = options.object<TracePtr>("trace");
  options.done();
  auto datapoints = arg_datapoints(L, 2, "x", *self);
  std::vector<std::vector<Value>> values(self->signature().modalities.size());
  for (const auto& datapoint : datapoints)
    for (size_t m = 0; m < values.size(); ++m) values[m].push_back(datapoint.values[m]);
  return push_output(L, self->forward(values, trace ? trace->get() : nullptr));
}

int features(lua_State* L, ModelPtr& self) {
  bool several = lua_type(L, 2) == LUA_TTABLE;
  auto datapoints = arg_datapoints(L, 2, "x", *self);
  auto all = forward_shared(*self, datapoints).features;
  return push(L, several ? all : all[0]);
}

void set_tensor(lua_State* L, const char* name, const at::Tensor& tensor) {
  push(L, tensor);
  lua_setfield(L, -2, name);
}

int push_leaf(lua_State* L, const Leaf& leaf) {
  lua_newtable(L);
  set_tensor(L, "tensor", leaf.tensor);
  if (leaf.mask.defined()) set_tensor(L, "mask", leaf.mask);
  if (leaf.atoms.defined()) set_tensor(L, "atoms", leaf.atoms + 1);
  if (leaf.regions.defined()) set_tensor(L, "regions", leaf.regions);
  return 1;
}

Leaf arg_leaf(lua_State* L, int index) {
  Leaf leaf;
  if (auto* tensor = test<at::Tensor>(L, index)) return {*tensor, {}, {}, {}};
  Options options(L, index);
  options.require("tensor");
  leaf.tensor = *options.tensor("tensor");
  leaf.mask = options.tensor("mask").value_or(at::Tensor());
  if (auto atoms = options.tensor("atoms")) leaf.atoms = *atoms - 1;
  leaf.regions = options.tensor("regions").value_or(at::Tensor());
  options.done();
  return leaf;
}

bool is_leaf(lua_State* L, int index) {
  if (test<at::Tensor>(L, index)) return true;
  if (lua_type(L, index) != LUA_TTABLE) return false;
  bool found = lua_getfield(L, index, "tensor") != LUA_TNIL;
  lua_pop(L, 1);
  return found;
}

Leaf prepared(lua_State* L, int index, const Model& model, size_t modality) {
  std::vector<Value> values;
  for (auto& datapoint : arg_datapoints(L, index, "x", model)) values.push_back(datapoint.values[modality]);
  return model.prepare(modality, values);
}

int prepare(lua_State* L, ModelPtr& self) {
  return push_leaf(L, prepared(L, 3, *self, arg_modality(L, 2, "modality", *self)));
}

int encode(lua_State* L, ModelPtr& self) {
  size_t modality = arg_modality(L, 2, "modality", *self);
  Options options(L, 4);
  auto* trace = options.object<TracePtr>("trace");
  options.done();
  auto leaf = is_leaf(L, 3) ? arg_leaf(L, 3) : prepared(L, 3, *self, modality);
  auto encoding = self->encode(modality, leaf, trace ? trace->get() : nullptr);
  lua_newtable(L);
  for (size_t i = 0; i < encoding.tensors.size(); ++i) {
    push(L, encoding.tensors[i]);
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
  return 1;
}

Encoding arg_encoding(lua_State* L, int index, const std::string& modality) {
  if (auto* tensor = test<at::Tensor>(L, index)) return {{*tensor}};
  if (lua_type(L, index) != LUA_TTABLE) wrong_argument(L, index, modality.c_str(), "what model:encode returned");
  Encoding out;
  auto count = static_cast<lua_Integer>(lua_rawlen(L, index));
  for (lua_Integer i = 1; i <= count; ++i) {
    lua_rawgeti(L, index, i);
    auto* tensor = test<at::Tensor>(L, -1);
    if (!tensor) wrong_argument(L, index, modality.c_str(), "a table of tensors");
    out.tensors.push_back(*tensor);
    lua_pop(L, 1);
  }
  return out;
}

int fuse(lua_State* L, ModelPtr& self) {
  const auto& modalities = self->signature().modalities;
  std::vector<Encoding> encodings;
  for (size_t m = 0; m < modalities.size(); ++m)
    encodings.push_back(arg_encoding(L, static_cast<int>(m) + 2, modalities[m].name));
  Options options(L, static_cast<int>(modalities.size()) + 2);
  auto* trace = options.object<TracePtr>("trace");
  options.done();
  return push_output(L, self->fuse(encodings, trace ? trace->get() : nullptr));
}

int accuracy(lua_State* L, ModelPtr& self) {
  auto& data = arg<DatasetPtr>(L, 2, "data");
  Options options(L, 3);
  int64_t batch = options.integer("batch", 0, {.min = 1});
  options.done();
  auto result = score(*self, *data, batch);
  push(L, result.accuracy);
  return 1 + push(L, result.loss);
}

int to(lua_State* L, ModelPtr& self) {
  self->to(parse_device(arg_string(L, 2, "device")));
  lua_settop(L, 1);
  return 1;
}

int save(lua_State* L, ModelPtr& self) {
  Options options(L, 3);
  bool half = options.boolean("half", false);
  options.done();
  save_model(*self, arg_string(L, 2, "path"), half);
  return 0;
}

int parameters(lua_State* L, ModelPtr& self) {
  lua_newtable(L);
  for (const auto& [name, tensor] : self->parameters()) set_tensor(L, name.c_str(), tensor);
  return 1;
}

std::string text(ModelPtr& self) {
  const auto& signature = self->signature();
  int64_t count = 0;
  for (const auto& [_, tensor] : self->parameters()) count += tensor.numel();
  auto outputs =
      signature.labels.empty() ? std::string("regression") : fmt::format("{} labels", signature.labels.size());
  auto size = count == 0 ? std::string() : fmt::format(", {:.2f} M parameters", static_cast<double>(count) / 1e6);
  return fmt::format("model {} ({} -> {}, {} features{}) on {}", signature.name,
                     fmt::join(modality_names(signature), ", "), outputs, signature.features, size,
                     self->device().str());
}

void register_properties(Type<ModelPtr>& type) {
  type.property("name", "Its name.", [](lua_State* L, auto& self) { return push(L, self->signature().name); });
  type.property("labels", "Names of the labels, in order.",
                [](lua_State* L, auto& self) { return push(L, self->signature().labels); });
  type.property("taps", "Names of the activations that a trace can record or replace.",
                [](lua_State* L, auto& self) { return push(L, self->signature().taps); });
  type.property("modalities", "Names of the modalities, in order.",
                [](lua_State* L, auto& self) { return push(L, modality_names(self->signature())); });
  type.property("signature", "All that is known of its inputs and outputs, as a table.", push_signature);
  type.property("device", "Where it computes: \"cpu\", \"cuda:0\".",
                [](lua_State* L, auto& self) { return push(L, self->device().str()); });
}

}  // namespace

std::vector<Datapoint> arg_datapoints(lua_State* L, int index, const char* name, const Model& model) {
  if (lua_type(L, index) != LUA_TTABLE) return {for_model(model, arg<DatapointHandle>(L, index, name))};
  std::vector<Datapoint> out;
  auto count = static_cast<lua_Integer>(lua_rawlen(L, index));
  for (lua_Integer i = 1; i <= count; ++i) {
    lua_rawgeti(L, index, i);
    auto* x = test<DatapointHandle>(L, -1);
    if (!x) wrong_argument(L, index, name, "a datapoint or a table of datapoints");
    out.push_back(for_model(model, *x));
    lua_pop(L, 1);
  }
  if (out.empty()) wrong_argument(L, index, name, "a datapoint or a table of at least one");
  return out;
}

size_t arg_modality(lua_State* L, int index, const char* name, const Model& model) {
  return modality_index(model.signature().modalities, arg_string(L, index, name));
}

void register_model(Binder& binder) {
  auto type =
      binder.type<ModelPtr>("model", "fuse(encode(prepare(x))): logits and penultimate features of datapoints.");
  register_properties(type);
  type.method("predict", "model:predict(x, {top=5}) -> {label=, index=, probability=, top={...}}",
              "The most probable label of a datapoint, or of each in a table; {value=} for regression.", predict);
  type.method("forward", "model:forward(x, {trace=}) -> logits, features", "Tensors [B, C] and [B, D].", forward);
  type.method(
      "forward_raw", "model:forward_raw{name=tensor, ...} -> table",
      "For models that Python has: tensors under the names that the Python class's forward takes -> those of its "
      "outputs (logits, hidden_states, attentions, ...), and features.",
      forward_raw);
  type.method(
      "detect", "model:detect(x, {threshold=0.7, share=0.1}) -> {{box=, score=, name=, words=}, ...}",
      "What a detector (MDETR) finds that the text speaks of, best first: box {x0, y0, x1, y1} in pixels of the "
      "image, score the probability that there is something, words {{word=, text=, share=}, ...} those that it "
      "means with at least this share, name their phrase. A list for each of a table of datapoints.",
      detect);
  type.method("features", "model:features(x) -> tensor", "Penultimate features [D], [B, D] for a table.", features);
  type.method("prepare", "model:prepare(modality, x) -> {tensor=, mask=, atoms=, regions=}",
              "The leaf of a modality, what gradients are taken for; atoms are the words, counted from 1, 0 for none; "
              "regions are where a detector looked.",
              prepare);
  type.method("encode", "model:encode(modality, x | leaf, {trace=}) -> tensors",
              "The part of the network that sees one modality alone.", encode);
  type.method("fuse", "model:fuse(encoding, ..., {trace=}) -> logits, features",
              "The rest: one encoding per modality, as encode returned them.", fuse);
  type.method("accuracy", "model:accuracy(data, {batch=}) -> accuracy, loss", "Over a data set.", accuracy);
  type.method("to", "model:to(device) -> model", "Moves the weights.", to);
  type.method(
      "save", "model:save(path, {half=false})",
      "Weights and settings: a .safetensors file, a state dict (.pt, .pth, .bin), or a folder with config.json as "
      "Hugging Face has it.",
      save);
  type.method("parameters", "model:parameters() -> table", "The weights by name.", parameters);
  type.tostring(text);
  binder.function(
      "models.load",
      "mv.models.load(name | path, {dtype=\"float32\", config=, tokenizer=, captions=, detector=, weights=, answers=, "
      "cnn=, vocab=, ...}) -> model",
      "A model with its weights: one that is shipped (mv.models.list()), a file that model:save wrote, or a "
      "checkpoint's folder as Hugging Face has it (ViLT, CLIP, LXMERT; BERT, RoBERTa, ViT, ResNet): config.json and "
      "weights, safetensors or PyTorch's, in one file or in parts. CLIPs in OpenAI's own layout, MDETR's .pth files "
      "and clevr-iep's baselines too. config gives the settings of weights that come without, tokenizer is a folder "
      "with the tokenizer's files where they are elsewhere (roberta-base's for MDETR). With captions a CLIP model's "
      "labels are those captions. With detector, the folder of the LXMERT demo's Faster R-CNN (config.yaml and "
      "weights), LXMERT reads images instead of regions. MDETR: GQA's gqa_answer2id_by_type.json is beside it or "
      "named by answers; weights = \"model_ema\" takes the averaged ones. clevr-iep: cnn is torchvision's "
      "ResNet-101, vocab a vocab.json in place of the checkpoint's own. An archive of torch.jit.save takes "
      "modalities, {name=, kind=, mask=, processor=, tokenizer=, embedding=, frames=} for each argument of forward, "
      "labels, task, and features, the layer whose input they are.",
      load);
  binder.function("models.list", "mv.models.list() -> names", "The models that come with their weights.", list);
}

}  // namespace multiviz::script
