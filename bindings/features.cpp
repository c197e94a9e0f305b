#include "bindings/features.h"

#include <ATen/ATen.h>

#include "bindings/data.h"
#include "bindings/register.h"

namespace multiviz::script {
namespace {

int compute(lua_State* L) {
  auto& model = arg<ModelPtr>(L, 1, "model");
  auto& data = arg<DatasetPtr>(L, 2, "data");
  Options options(L, 3);
  FeaturesOptions given;
  given.tap = options.string("tap", "");
  given.path = options.string("path", "");
  given.store = options.boolean("store", true);
  given.batch = options.integer("batch", 0, {.min = 1});
  options.done();
  return push(L, std::make_shared<const Features>(compute_features(*model, *data, given)));
}

// z[3], z["id"], z[x.id]: one datapoint's features.
int row(lua_State* L, FeaturesPtr& self) {
  if (lua_isinteger(L, 2))
    return push(L, self->z[to_zero_based(lua_tointeger(L, 2), self->size(), "datapoint " + given(L, 2))].clone());
  if (lua_type(L, 2) == LUA_TSTRING) return push(L, self->z[self->find(lua_tostring(L, 2))].clone());
  return 0;
}

int top(lua_State* L, FeaturesPtr& self) {
  int64_t f = arg_feature(L, 2, "f", self->width());
  int64_t k = absent(L, 3) ? std::min<int64_t>(5, self->size()) : arg_integer(L, 3, "k", {.min = 1});
  std::vector<int64_t> positions;
  std::vector<double> activations;
  for (auto [position, activation] : top_activating(*self, f, k)) {
    positions.push_back(position + 1);
    activations.push_back(activation);
  }
  push(L, positions);
  push(L, activations);
  return 2;
}

std::string label_name(const Features& features, int64_t label) {
  return label >= 0 && label < std::ssize(features.names) ? features.names[static_cast<size_t>(label)] : "";
}

int labels(lua_State* L, FeaturesPtr& self) {
  std::vector<std::string> names;
  for (const FeatureRow& one : self->rows)
    names.push_back(one.labels.empty() ? "" : label_name(*self, one.labels.front()));
  return push(L, names);
}

int predictions(lua_State* L, FeaturesPtr& self) {
  std::vector<std::string> names;
  for (const FeatureRow& one : self->rows) names.push_back(label_name(*self, one.prediction));
  return push(L, names);
}

int ids(lua_State* L, FeaturesPtr& self) {
  std::vector<std::string> names;
  for (const FeatureRow& one : self->rows) names.push_back(one.id);
  return push(L, names);
}

std::string text(FeaturesPtr& self) {
  return fmt::format("features of {} on {}: {} datapoints x {}{}{}", self->model, self->dataset, self->size(),
                     self->width(), self->tap.empty() ? "" : " at " + self->tap,
                     self->folder.empty() ? ", in memory" : ", stored in " + self->folder);
}

}  // namespace

int64_t arg_feature(lua_State* L, int index, const char* name, int64_t width) {
  if (lua_istable(L, index)) {
    lua_getfield(L, index, "feature");
    if (!lua_isinteger(L, -1))
      wrong_argument(L, index, name, "a feature's number, or a table with the field 'feature'");
    int64_t feature = lua_tointeger(L, -1);
    lua_pop(L, 1);
    return to_zero_based(feature, width, fmt::format("feature {}", feature));
  }
  int64_t feature = arg_integer(L, index, name);
  return to_zero_based(feature, width, fmt::format("feature {}", feature));
}

void register_features(Binder& binder) {
  auto type = binder.type<FeaturesPtr>("features",
                                       "A model's features of every datapoint of a data set: z[i] or z[x.id] is one.");
  type.index(row);
  type.meta("__len", [](lua_State* L, FeaturesPtr& self) { return push(L, self->size()); });
  type.method("tensor", "z:tensor() -> tensor", "All features, [datapoints, features].",
              [](lua_State* L, FeaturesPtr& self) { return push(L, self->z.clone()); });
  type.method("top", "z:top(f, [k]) -> positions, activations",
              "The k datapoints (5 by default) that activate feature f most, strongest first.", top);
  type.method("find", "z:find(id) -> position", "Where the datapoint with this id is.",
              [](lua_State* L, FeaturesPtr& self) { return push(L, self->find(arg_string(L, 2, "id")) + 1); });
  type.property("shape", "{datapoints, features}.", [](lua_State* L, FeaturesPtr& self) {
    return push(L, std::vector<int64_t>{self->size(), self->width()});
  });
  type.property("ids", "The datapoints' ids.", ids);
  type.property("labels", "Each datapoint's (first) label, \"\" where it has none.", labels);
  type.property("predictions", "The label that the model predicts for each datapoint.", predictions);
  type.property("tap", "Where they were taken, \"\" for the penultimate layer.",
                [](lua_State* L, FeaturesPtr& self) { return push(L, self->tap); });
  type.property("path", "The folder that stores them, \"\" when in memory.",
                [](lua_State* L, FeaturesPtr& self) { return push(L, self->folder); });
  type.property("model", "The model's name.", [](lua_State* L, FeaturesPtr& self) { return push(L, self->model); });
  type.property("dataset", "The data set's name.",
                [](lua_State* L, FeaturesPtr& self) { return push(L, self->dataset); });
  type.tostring(text);
  binder.function(
      "features", "mv.features(model, data, {tap=, path=, store=true, batch=}) -> features",
      "Runs the model over the data and keeps its penultimate features (or those of a tap) on disk: in the user's "
      "cache, or the folder `path`. What is stored already is not computed again, also after a kill.",
      compute);
}

}  // namespace multiviz::script
