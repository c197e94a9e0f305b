#include <ATen/ATen.h>

#include "bindings/data.h"
#include "bindings/lua_model.h"
#include "bindings/model.h"
#include "bindings/register.h"
#include "bindings/session.h"
#include "core/cancel.h"
#include "core/progress.h"
#include "core/suggest.h"
#include "models/cnn_lstm_sa.h"

namespace multiviz::script {
namespace {

std::vector<Modality> read_modalities(lua_State* L, Options& options) {
  std::vector<Modality> out;
  for (const Field& field : modalities_option(options, L)) out.push_back(field.modality);
  if (out.empty()) fail("{}: a model needs at least one modality", function_name(L));
  return out;
}

// { image = function ... end, ... } in the order of the modalities.
std::vector<std::shared_ptr<Callback>> read_functions(lua_State* L, Options& options, const char* name,
                                                      const std::vector<Modality>& modalities) {
  std::vector<std::shared_ptr<Callback>> out(modalities.size());
  auto type = options.raw(name);
  if (type != LUA_TNIL && type != LUA_TTABLE) options.wrong(name, "a table of functions by modality");
  if (type == LUA_TTABLE) {
    lua_pushnil(L);
    while (lua_next(L, -2)) {
      if (lua_type(L, -2) != LUA_TSTRING) fail("option '{}' must be a table of functions by modality", name);
      std::string modality = lua_tostring(L, -2);
      out[modality_index(modalities, modality)] =
          std::make_shared<Callback>(L, lua_gettop(L), fmt::format("{}.{}", name, modality).c_str());
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
  return out;
}

std::map<std::string, at::Tensor> read_parameters(lua_State* L, Options& options) {
  std::map<std::string, at::Tensor> out;
  auto type = options.raw("parameters");
  if (type != LUA_TNIL && type != LUA_TTABLE) options.wrong("parameters", "a table of tensors by name");
  if (type == LUA_TTABLE) {
    lua_pushnil(L);
    while (lua_next(L, -2)) {
      auto* tensor = test<at::Tensor>(L, -1);
      if (!tensor || lua_type(L, -2) != LUA_TSTRING || !tensor->is_floating_point())
        fail("option 'parameters' must be a table of floating-point tensors by name");
      out[lua_tostring(L, -2)] = *tensor;
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
  return out;
}

Task read_task(Options& options, bool labelled) {
  auto name = options.choice("task", {"classification", "multilabel", "regression"},
                             labelled ? "classification" : "regression");
  check((name == "regression") != labelled, "task '{}' {} labels", name, labelled ? "takes no" : "needs");
  return name == "classification" ? Task::classification : name == "multilabel" ? Task::multilabel : Task::regression;
}

int define(lua_State* L) {
  Options options(L, 1);
  Signature signature;
  signature.name = options.string("name", "lua-model");
  signature.modalities = read_modalities(L, options);
  signature.labels = options.strings("labels").value_or(std::vector<std::string>{});
  signature.task = read_task(options, !signature.labels.empty());
  signature.features = options.integer("features", signature.outputs(), {.min = 1});
  signature.taps = options.strings("taps").value_or(std::vector<std::string>{});
  signature.differentiable = options.boolean("differentiable", true);
  LuaFunctions functions{read_functions(L, options, "prepare", signature.modalities),
                         read_functions(L, options, "encode", signature.modalities), options.callback("fuse")};
  options.require("fuse");
  auto parameters = read_parameters(L, options);
  options.done();
  return push<Model>(L, std::make_shared<LuaModel>(std::move(signature), std::move(functions), std::move(parameters)));
}

int cnn_lstm_sa(lua_State* L) {
  Options options(L, 1);
  CnnLstmSaOptions out;
  constexpr Range positive = {.min = 1, .max = 65536};
  out.name = options.string("name", out.name);
  out.width = options.integer("width", out.width, positive);
  out.height = options.integer("height", out.height, positive);
  out.channels = options.integers("channels").value_or(out.channels);
  out.strides = options.integers("strides").value_or(out.strides);
  out.keys = options.integer("keys", out.keys, positive);
  out.embedding = options.integer("embedding", out.embedding, positive);
  out.hidden = options.integer("hidden", out.hidden, positive);
  out.hops = options.integer("hops", out.hops, positive);
  out.glimpses = options.integer("glimpses", out.glimpses, positive);
  out.features = options.integer("features", out.features, positive);
  out.image = options.string("image", out.image);
  out.question = options.string("question", out.question);
  out.labels = options.strings("labels").value_or(std::vector<std::string>{});
  out.vocabulary = options.strings("vocabulary").value_or(std::vector<std::string>{});
  out.seed = options.seed();
  options.done();
  auto model = std::make_shared<CnnLstmSa>(std::move(out));
  model->to(script_device(L));
  return push<Model>(L, model);
}

int vocabulary_of(lua_State* L) {
  auto& data = arg<DatasetPtr>(L, 1, "data");
  Options options(L, 2);
  auto limit = options.integer("limit", 20000, {.min = 1});
  auto modality = options.string("modality");
  options.done();
  const auto& modalities = data->modalities();
  size_t index = 0;
  if (modality)
    index = modality_index(modalities, *modality);
  else
    while (index < modalities.size() && modalities[index].kind != ModalityKind::text) ++index;
  check(index < modalities.size() && modalities[index].kind == ModalityKind::text,
        "{} has no text of that name: give modality the name of a text", data->name());
  std::vector<std::string> texts;
  Progress progress("vocabulary", data->size());
  for (int64_t i = 0; i < data->size(); ++i) {
    throw_if_cancelled();
    texts.push_back(std::get<Text>(data->get(i).values[index]).string);
    progress.advance();
  }
  return push(L, vocabulary(texts, static_cast<size_t>(limit)));
}

}  // namespace

void register_define_model(Binder& binder) {
  binder.function(
      "models.define",
      "mv.models.define{modalities=, labels=, fuse=, encode={}, prepare={}, features=, parameters={}, taps={}, "
      "task=, name=, differentiable=true} -> model",
      "A model of your own: prepare[m](values) -> leaf, encode[m](leaf, mask, tap) -> tensors, "
      "fuse(encodings..., tap) -> logits, features. Values are pixels uint8 [H, W, 3], strings, frames or "
      "columns; what is left out has a default but for text's prepare.",
      define);
  binder.function("models.cnn_lstm_sa",
                  "mv.models.cnn_lstm_sa{labels=, vocabulary=, width=128, height=96, hidden=256, hops=4, ...} -> model",
                  "CLEVR's CNN+LSTM+SA baseline with new weights, drawn with seed; train it with mv.train.",
                  cnn_lstm_sa);
  binder.function("vocabulary", "mv.vocabulary(data, {limit=20000, modality=}) -> words",
                  "The different words of a data set's texts, lower-cased, most frequent first.", vocabulary_of);
}

}  // namespace multiviz::script
