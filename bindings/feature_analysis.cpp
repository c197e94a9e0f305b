#include <ATen/ATen.h>

#include <algorithm>

#include "bindings/data.h"
#include "bindings/explanation.h"
#include "bindings/features.h"
#include "bindings/register.h"
#include "bindings/target.h"
#include "representation/analysis.h"

namespace multiviz::script {
namespace {

TargetSpec to_spec(const Target& target) {
  TargetSpec spec{target.kind, {}, target.index + 1, target.tap, target.position};
  for (int64_t& position : spec.position) ++position;
  return spec;
}

// The options of local_feature and global_feature: those that are ours, and those that go on to the method.
struct Request {
  std::shared_ptr<Callback> method;
  bool built_in = false;  // the method is C++: its errors do not say where
  FeaturesPtr features;
  int64_t examples = 3;
  int options = 0;  // stack index of the table for the method
};

// Pushes the option, nil when there is none, and its name is not one of the method's.
int take(lua_State* L, int options, const char* name) {
  if (!lua_istable(L, options)) return lua_pushnil(L), LUA_TNIL;
  return lua_getfield(L, options, name);
}

void push_default_method(lua_State* L) {
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, "multiviz.core");
  lua_getfield(L, -1, "lime");
  lua_replace(L, -3);
  lua_pop(L, 1);
}

Request read_request(lua_State* L, int options, bool global) {
  if (!absent(L, options) && !lua_istable(L, options)) wrong_argument(L, options, "options", "a table of options");
  Request request;
  if (take(L, options, "method") == LUA_TNIL) {
    lua_pop(L, 1);
    push_default_method(L);
  }
  check(lua_isfunction(L, -1), "{}: option 'method' must be a function such as mv.lime, got {}", function_name(L),
        given(L, -1));
  request.built_in = to_function(L, lua_gettop(L)) != nullptr;
  request.method = std::make_shared<Callback>(L, lua_gettop(L), "method");
  lua_pop(L, 1);
  std::vector<std::string> ours = {"method", global ? "examples" : "features", "target"};
  if (take(L, options, ours[1].c_str()) != LUA_TNIL) {
    if (global)
      request.examples = arg_integer(L, lua_gettop(L), "examples", {.min = 1});
    else
      request.features = arg<FeaturesPtr>(L, lua_gettop(L), "features");
  }
  lua_pop(L, 1);
  check(take(L, options, "target") == LUA_TNIL, "the target is the feature: leave out the option 'target'");
  lua_pop(L, 1);
  lua_newtable(L);
  request.options = lua_gettop(L);
  if (!lua_istable(L, options)) return request;
  lua_pushnil(L);
  while (lua_next(L, options)) {
    bool mine = lua_type(L, -2) == LUA_TSTRING && std::count(ours.begin(), ours.end(), lua_tostring(L, -2)) > 0;
    if (mine) {
      lua_pop(L, 1);
      continue;
    }
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_settable(L, request.options);
  }
  return request;
}

void collect(lua_State* L, int index, std::vector<Explanation>& out) {
  if (auto* one = test<ExplanationPtr>(L, index)) return out.push_back(**one);
  check(lua_istable(L, index), "the method must return an explanation or a table of them, got {}", type_name(L, index));
  for (lua_Integer i = 1; lua_rawgeti(L, index, i) != LUA_TNIL; ++i) {
    auto* one = test<ExplanationPtr>(L, -1);
    check(one != nullptr, "the method must return explanations, got {}", type_name(L, -1));
    out.push_back(**one);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

// method(model, x, options with target = the feature)
std::vector<Explanation> call_method(lua_State* L, const Request& request, const ModelPtr& model,
                                     const DatapointHandle& x, const Target& target) {
  lua_pushvalue(L, request.options);
  push_object(L, to_spec(target));
  lua_setfield(L, -2, "target");
  std::vector<Explanation> result;
  int table = lua_gettop(L);
  request.method->call(
      [&](lua_State* thread) {
        push(thread, model);
        push(thread, x);
        lua_pushvalue(L, table);
        if (thread != L) lua_xmove(L, thread, 1);
        return 3;
      },
      1, [&](lua_State* thread) { collect(thread, 1, result); });
  lua_settop(L, table - 1);
  return result;
}

std::vector<Explanation> explain(lua_State* L, const Request& request, const ModelPtr& model, const DatapointHandle& x,
                                 const Target& target) {
  if (!request.built_in) return call_method(L, request, model, x, target);
  try {
    return call_method(L, request, model, x, target);
  } catch (const ScriptError& error) {
    throw Error(error.what());
  }
}

int local(lua_State* L) {
  ModelPtr model = arg<ModelPtr>(L, 1, "model");
  DatapointHandle x = arg<DatapointHandle>(L, 2, "x");
  lua_settop(L, 4);
  Request request = read_request(L, 4, false);
  int64_t width = request.features ? request.features->width() : model->signature().features;
  int64_t f = arg_feature(L, 3, "f", width);
  Method method = [&](const Datapoint&, const Target& target) { return explain(L, request, model, x, target); };
  Datapoint datapoint = for_model(*model, x);
  FeatureEntry entry = request.features ? local_feature(*model, *request.features, datapoint, f, method)
                                        : local_feature(*model, datapoint, f, method);
  return push(L, std::make_shared<const FeatureEntry>(std::move(entry)));
}

int global(lua_State* L) {
  ModelPtr model = arg<ModelPtr>(L, 1, "model");
  DatasetPtr data = arg<DatasetPtr>(L, 2, "data");
  FeaturesPtr features = arg<FeaturesPtr>(L, 3, "z");
  lua_settop(L, 5);
  int64_t f = arg_feature(L, 4, "f", features->width());
  Request request = read_request(L, 5, true);
  Method method = [&](const Datapoint& datapoint, const Target& target) {
    int64_t row = features->find(datapoint.id);
    auto x = std::make_shared<const Example>(Example{data, data->get(row)});
    return explain(L, request, model, x, target);
  };
  FeatureEntry entry = global_feature(*model, *data, *features, f, request.examples, method);
  return push(L, std::make_shared<const FeatureEntry>(std::move(entry)));
}

std::string text(FeatureEntryPtr& self) {
  std::string out = fmt::format("feature {}{}", self->feature + 1, self->tap.empty() ? "" : " of " + self->tap);
  if (!self->datapoint.empty()) out += fmt::format(", {:.4g} on {}", self->activation, self->datapoint);
  for (const Explanation& one : self->local) out += "\n" + summary(one);
  if (!self->examples.empty()) out += fmt::format("\nstrongest in {}:", self->dataset);
  for (const GlobalExample& one : self->examples)
    out += fmt::format("\n  {:.4g} on {}", one.activation, one.example.datapoint.id);
  return out;
}

std::vector<ExplanationPtr> shared(const std::vector<Explanation>& all) {
  std::vector<ExplanationPtr> out;
  for (const Explanation& one : all) out.push_back(std::make_shared<Explanation>(one));
  return out;
}

int examples(lua_State* L, FeatureEntryPtr& self) {
  lua_createtable(L, static_cast<int>(self->examples.size()), 0);
  for (size_t i = 0; i < self->examples.size(); ++i) {
    lua_createtable(L, 0, 3);
    set_field(L, "id", self->examples[i].example.datapoint.id);
    set_field(L, "activation", self->examples[i].activation);
    set_field(L, "explanations", shared(self->examples[i].explanations));
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
  return 1;
}

}  // namespace

void register_feature_analysis(Binder& binder) {
  auto type = binder.type<FeatureEntryPtr>("feature analysis",
                                           "What a feature stands for, locally or globally; page:add takes it.");
  type.property("feature", "Its number.",
                [](lua_State* L, FeatureEntryPtr& self) { return push(L, self->feature + 1); });
  type.property("activation", "Its value on the datapoint (local analysis).",
                [](lua_State* L, FeatureEntryPtr& self) { return push(L, self->activation); });
  type.property("explanations", "Of the datapoint, towards the feature (local analysis).",
                [](lua_State* L, FeatureEntryPtr& self) { return push(L, shared(self->local)); });
  type.property("examples",
                "id, activation and explanations of the datapoints that activate it most (global analysis).", examples);
  type.tostring(text);
  binder.function("local_feature",
                  "mv.local_feature(model, x, f, {method=mv.lime, features=, ...}) -> feature analysis",
                  "What in x makes feature f (a number, or one of selection:top). Any method of stages U and C; other "
                  "options go to "
                  "it. `features` when f is a unit of the tap that those were taken at.",
                  local);
  binder.function(
      "global_feature", "mv.global_feature(model, data, z, f, {examples=3, method=mv.lime, ...}) -> feature analysis",
      "The datapoints of data that activate feature f most (z holds the features of data), each analysed locally.",
      global);
}

}  // namespace multiviz::script
