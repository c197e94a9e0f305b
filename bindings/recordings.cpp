#include <ATen/ATen.h>

#include "bindings/data.h"
#include "bindings/register.h"
#include "data/vl_interpret.h"

namespace multiviz::script {
namespace {

using RecordingsPtr = std::shared_ptr<Recordings>;

int push_recording(lua_State* L, Recording recording) {
  lua_newtable(L);
  set_field(L, "id", recording.id);
  push(L, Image{recording.image});
  lua_setfield(L, -2, "image");
  set_field(L, "tokens", recording.tokens);
  set_field(L, "text_length", recording.text_length);
  lua_newtable(L);
  for (size_t i = 0; i < recording.cells.size(); ++i) {
    push(L, std::vector<int64_t>{recording.cells[i].first, recording.cells[i].second});
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
  lua_setfield(L, -2, "cells");
  if (recording.correct) set_field(L, "correct", *recording.correct);
  set_field(L, "attention", recording.attention);
  set_field(L, "hidden_states", recording.hidden_states);
  lua_newtable(L);
  for (const auto& [name, values] : recording.metrics) set_field(L, name.c_str(), values);
  lua_setfield(L, -2, "metrics");
  return 1;
}

int at_position(lua_State* L, RecordingsPtr& self) {
  if (lua_type(L, 2) != LUA_TNUMBER) return 0;
  const int64_t position = arg_integer(L, 2, "position");
  return push_recording(
      L, self->get(to_zero_based(position, self->size(), fmt::format("example {} of {}", position, self->folder()))));
}

std::vector<std::pair<int64_t, int64_t>> read_cells(lua_State* L, Options& options) {
  constexpr const char* expected = "a table of cells {x, y}, counted from 0";
  const int type = options.raw("cells");
  if (type != LUA_TNIL && type != LUA_TTABLE) options.wrong("cells", expected);
  std::vector<std::pair<int64_t, int64_t>> cells;
  const auto count = type == LUA_TTABLE ? static_cast<lua_Integer>(lua_rawlen(L, -1)) : 0;
  for (lua_Integer i = 1; i <= count; ++i) {
    lua_rawgeti(L, -1, i);
    const auto cell = to_numbers(L, lua_gettop(L));
    if (!cell || cell->size() != 2) options.wrong("cells", expected);
    cells.emplace_back(static_cast<int64_t>((*cell)[0]), static_cast<int64_t>((*cell)[1]));
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return cells;
}

std::map<std::string, at::Tensor> read_metrics(lua_State* L, Options& options) {
  constexpr const char* expected = "a table of tensors by name";
  const int type = options.raw("metrics");
  if (type != LUA_TNIL && type != LUA_TTABLE) options.wrong("metrics", expected);
  std::map<std::string, at::Tensor> metrics;
  if (type == LUA_TTABLE)
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
      auto* tensor = test<at::Tensor>(L, -1);
      if (!tensor || lua_type(L, -2) != LUA_TSTRING) options.wrong("metrics", expected);
      metrics[lua_tostring(L, -2)] = tensor->detach();
    }
  lua_pop(L, 1);
  return metrics;
}

// The recording in the table on top of the stack.
Recording read_recording(lua_State* L, int64_t number) {
  Options options(L, lua_gettop(L));
  Recording recording;
  for (const char* name : {"image", "tokens", "text_length", "attention", "hidden_states"}) options.require(name);
  recording.id = options.string("id", std::to_string(number));
  options.raw("image");
  const std::string where = fmt::format("{}: recording {}: 'image'", function_name(L), number + 1);
  recording.image = std::get<Image>(to_value(L, -1, {"image", ModalityKind::image}, where)).pixels;
  lua_pop(L, 1);
  recording.tokens = *options.strings("tokens");
  recording.text_length = options.integer("text_length", 0, {.min = 0});
  recording.cells = read_cells(L, options);
  if (options.has("correct")) recording.correct = options.boolean("correct", false);
  recording.attention = options.tensor("attention")->detach();
  recording.hidden_states = options.tensor("hidden_states")->detach();
  recording.metrics = read_metrics(L, options);
  options.done();
  return recording;
}

int save(lua_State* L) {
  const auto path = arg_string(L, 1, "path");
  if (!lua_istable(L, 2)) wrong_argument(L, 2, "recordings", "a table of recordings");
  std::vector<Recording> recordings;
  for (lua_Integer i = 1, n = static_cast<lua_Integer>(lua_rawlen(L, 2)); i <= n; ++i) {
    lua_rawgeti(L, 2, i);
    check(lua_istable(L, -1), "mv.save_recordings: recording {} must be a table, not {}", i, type_name(L, -1));
    recordings.push_back(read_recording(L, i - 1));
    lua_pop(L, 1);
  }
  save_recordings(path, recordings);
  return 0;
}

int open_dataset(lua_State* L) {
  Options options(L, 1);
  options.require("root");
  const auto root = options.string("root", "");
  const bool skip = on_error_option(options) == OnError::skip;
  options.done();
  DatasetPtr data = open_vl_interpret(root);
  return push(L, skip ? readable(std::move(data)) : std::move(data));
}

}  // namespace

void register_recordings(Binder& binder) {
  auto type = binder.type<RecordingsPtr>(
      "recordings", "Examples with the activations that a transformer had on them: #r, r[i] from 1.");
  type.index(at_position);
  type.meta("__len", [](lua_State* L, auto& self) { return push(L, self->size()); });
  type.tostring([](auto& self) { return fmt::format("{} recordings in {}", self->size(), self->folder()); });
  binder.function(
      "recordings", "mv.recordings(path) -> recordings",
      "The examples of a VL-InterpreT database. Each is a table with image, tokens, text_length (how many are "
      "the text's), cells ({x, y} of each picture token, from 0), correct, attention [L, heads, T, T], "
      "hidden_states [L + 1, T, E] and metrics.",
      [](lua_State* L) { return push(L, std::make_shared<Recordings>(arg_string(L, 1, "path"))); });
  binder.function(
      "save_recordings",
      "mv.save_recordings(path, {{id=, image=, tokens=, text_length=, attention=, "
      "hidden_states=, cells=, correct=, metrics=}, ...})",
      "Writes a new VL-InterpreT database; run its VliLmdb(path, read_only=False).preprocess() before the app.", save);
  binder.function("datasets.vl_interpret", "mv.datasets.vl_interpret{root=, on_error=\"fail\"|\"skip\"} -> dataset",
                  "The pictures and texts of a VL-InterpreT database; mv.recordings has the activations.",
                  open_dataset);
}

}  // namespace multiviz::script
