#include "bindings/explanation.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "bindings/register.h"
#include "core/suggest.h"

namespace multiviz::script {
namespace {

// The attributions that a call means: options target (1-based), component ("unimodal") and modality.
std::vector<const Attribution*> choose(lua_State* L, int index, const Explanation& self) {
  Options options(L, index);
  auto target = options.integer("target", 1, {.min = 1, .max = static_cast<double>(self.targets.size())});
  auto component = options.string("component");
  auto modality = options.string("modality");
  options.done();
  std::vector<std::string> modalities, components;
  std::vector<const Attribution*> out;
  for (const auto& one : self.attributions) {
    modalities.push_back(one.players.modality);
    if (!one.component.empty()) components.push_back(one.component);
    if (one.target + 1 != static_cast<size_t>(target)) continue;
    if (modality && one.players.modality != *modality) continue;
    if (component ? one.component != *component : !out.empty() && one.component != out.front()->component) continue;
    out.push_back(&one);
  }
  auto known = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (modality && !known(modalities, *modality))
    fail("{} gives no weights to '{}'{}", self.method, *modality, suggestion(*modality, modalities));
  if (component && !known(components, *component))
    fail("{} has no component '{}'{}", self.method, *component, suggestion(*component, components));
  check(!out.empty(), "this {} has no weights of players", self.method);
  return out;
}

// Options at `index`, or a modality's name there that is short for {modality = name}.
std::vector<const Attribution*> chosen(lua_State* L, int index, const Explanation& self) {
  if (lua_type(L, index) != LUA_TSTRING) return choose(L, index, self);
  if (lua_type(L, index + 1) == LUA_TTABLE)
    lua_pushvalue(L, index + 1);
  else
    lua_newtable(L);
  lua_pushvalue(L, index);
  lua_setfield(L, -2, "modality");
  return choose(L, lua_gettop(L), self);
}

int strongest(lua_State* L, ExplanationPtr& self) {
  int64_t n = arg_integer(L, 2, "n", {.min = 1});
  auto attributions = chosen(L, 3, *self);
  std::vector<std::pair<const Attribution*, std::pair<int64_t, double>>> all;
  for (const auto* one : attributions)
    for (const auto& player : top(*one, n)) all.emplace_back(one, player);
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::abs(a.second.second) > std::abs(b.second.second);
  });
  lua_newtable(L);
  for (size_t i = 0; i < all.size() && i < static_cast<size_t>(n); ++i) {
    const auto& [attribution, player] = all[i];
    lua_newtable(L);
    set_field(L, "name", attribution->players.names[static_cast<size_t>(player.first)]);
    set_field(L, "index", player.first + 1);
    set_field(L, "weight", player.second);
    set_field(L, "modality", attribution->players.modality);
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
  return 1;
}

int heatmap(lua_State* L, ExplanationPtr& self) {
  for (const auto* one : chosen(L, 2, *self))
    if (one->players.kind == ModalityKind::image || lua_type(L, 2) == LUA_TSTRING) return push(L, one->pixels());
  fail("this {} has no weights on an image", self->method);
}

int weights(lua_State* L, ExplanationPtr& self) { return push(L, chosen(L, 2, *self).front()->weights.clone()); }

int players(lua_State* L, ExplanationPtr& self) { return push(L, chosen(L, 2, *self).front()->players.names); }

int interaction(lua_State* L, ExplanationPtr& self) {
  check(!self->interactions.empty(), "{} has no interactions: mv.shapley_interactions makes them", self->method);
  int64_t target = arg_integer(L, 2, "target", {.min = 1, .max = static_cast<double>(self->interactions.size())});
  const auto& one = self->interactions[static_cast<size_t>(target - 1)];
  lua_newtable(L);
  push(L, one.values.clone());
  lua_setfield(L, -2, "values");
  set_field(L, "rows", one.rows.names);
  set_field(L, "columns", one.columns.names);
  return 1;
}

}  // namespace

int push(lua_State* L, const Cost& cost) {
  lua_newtable(L);
  set_field(L, "encodes", cost.encodes);
  set_field(L, "fuses", cost.fuses);
  set_field(L, "seconds", cost.seconds);
  return 1;
}

void register_explanation(Binder& binder) {
  auto type = binder.type<ExplanationPtr>("explanation", "Weights of the parts of an input towards a target.");
  type.property("method", "The method's name.", [](lua_State* L, auto& self) { return push(L, self->method); });
  type.property("stage", "\"U\" or \"C\".", [](lua_State* L, auto& self) { return push(L, self->stage); });
  type.property("model", "The model's name.", [](lua_State* L, auto& self) { return push(L, self->model); });
  type.property("datapoint", "The datapoint's id.", [](lua_State* L, auto& self) { return push(L, self->datapoint); });
  type.property("targets", "What was explained, in words.", [](lua_State* L, auto& self) { return push(L, self->targets); });
  type.property("options", "As used, defaults filled in.", [](lua_State* L, auto& self) { return push(L, self->options); });
  type.property("fit", "How good it is: r2, completeness_gap, ...", [](lua_State* L, auto& self) { return push(L, self->fit); });
  type.property("seed", "Of its samples.", [](lua_State* L, auto& self) { return push(L, static_cast<int64_t>(self->seed)); });
  type.property("cost", "{encodes=, fuses=, seconds=}: rows encoded, rows fused.", [](lua_State* L, auto& self) { return push(L, self->cost); });
  type.method("top", "e:top(n, [modality | {modality=, target=1, component=}]) -> {{name=, weight=, modality=, index=}, ...}",
              "The n players with the largest |weight|, strongest first.", strongest);
  type.method("weights", "e:weights([modality | {modality=, target=1, component=}]) -> tensor",
              "The weights of one modality's players, float64.", weights);
  type.method("players", "e:players([modality | {modality=}]) -> names", "The players' names, in the weights' order.", players);
  type.method("heatmap", "e:heatmap([modality | {modality=, target=1, component=}]) -> tensor",
              "float32 [H, W] in the original image's pixels.", heatmap);
  type.method("interaction", "e:interaction(target) -> {values=, rows=, columns=}",
              "Pairwise interactions [rows, columns] of players of two modalities.", interaction);
  type.method("save", "e:save(path)", "Writes it to one file, for mv.load_explanation.", [](lua_State* L, auto& self) {
    save(*self, arg_string(L, 2, "path"));
    return 0;
  });
  type.tostring([](ExplanationPtr& self) { return summary(*self); });
  binder.function("load_explanation", "mv.load_explanation(path) -> explanation", "Reads what e:save wrote.", [](lua_State* L) {
    return push(L, std::make_shared<Explanation>(load_explanation(arg_string(L, 1, "path"))));
  });
}

}  // namespace multiviz::script
