#include <ATen/ATen.h>

#include "bindings/data.h"
#include "bindings/register.h"
#include "bindings/sparse_path.h"
#include "core/suggest.h"

namespace multiviz::script {
namespace {

// A class at this stack index, by name or 1-based number.
int64_t arg_class(lua_State* L, int index, const FittedSelection& self) {
  const auto& names = self.selection.path->names;
  if (lua_type(L, index) != LUA_TSTRING)
    return to_zero_based(arg_integer(L, index, "label"), std::ssize(names), "label " + given(L, index));
  std::string label = lua_tostring(L, index);
  auto found = std::find(names.begin(), names.end(), label);
  check(found != names.end(), "the sparse path has no label '{}'{}", label, suggestion(label, names));
  return found - names.begin();
}

// One datapoint's features: a tensor, or a datapoint among those that the path was fitted to.
at::Tensor arg_row(lua_State* L, int index, const FittedSelection& self) {
  auto* x = test<DatapointHandle>(L, index);
  if (!x) {
    auto row = arg_tensor(L, index, "row");
    check(at::isfinite(row).all().item<bool>(), "{}: 'row' holds a number that is not finite", function_name(L));
    return row;
  }
  check(self.features != nullptr, "this path was read from a file: give mv.load_sparse_path(file, z) its features");
  return self.features->z[self.features->find((*x)->datapoint.id)];
}

// Features, or a tensor of them.
at::Tensor arg_features(lua_State* L, int index) {
  auto* features = test<FeaturesPtr>(L, index);
  return features ? (*features)->z : arg_tensor(L, index, "z");
}

int top(lua_State* L, SelectionPtr& self) {
  int64_t label = arg_class(L, 2, *self);
  bool by_weight = lua_isinteger(L, 3) || absent(L, 3);
  int count_at = by_weight ? 3 : 4;
  int64_t most = std::min<int64_t>(5, self->selection.path->features);
  int64_t n = absent(L, count_at) ? most : arg_integer(L, count_at, "n");
  auto all = by_weight ? self->selection.top(label, n) : self->selection.top(label, arg_row(L, 3, *self), n);
  lua_createtable(L, static_cast<int>(all.size()), 0);
  for (size_t i = 0; i < all.size(); ++i) {
    lua_createtable(L, 0, 4);
    set_field(L, "feature", all[i].feature + 1);
    set_field(L, "weight", all[i].weight);
    if (!by_weight) {
      set_field(L, "value", all[i].value);
      set_field(L, "contribution", all[i].contribution);
    }
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
  return 1;
}

int contributions(lua_State* L, SelectionPtr& self) {
  return push(L, self->selection.contributions(arg_class(L, 2, *self), arg_row(L, 3, *self)));
}

int scores(lua_State* L, SelectionPtr& self) { return push(L, self->selection.scores(arg_features(L, 2))); }

int predict(lua_State* L, SelectionPtr& self) {
  at::Tensor features = arg_features(L, 2);
  at::Tensor classes = self->selection.predict(features);
  std::vector<std::string> names;
  for (int64_t i = 0; i < classes.size(0); ++i)
    names.push_back(self->selection.path->names[static_cast<size_t>(classes[i].item<int64_t>())]);
  return features.dim() == 1 ? push(L, names.front()) : push(L, names);
}

int accuracy(lua_State* L, SelectionPtr& self) {
  auto& features = arg<FeaturesPtr>(L, 2, "z");
  return push(L, self->selection.accuracy(features->z, response_of(*features).labels));
}

}  // namespace

void register_selection(Binder& binder) {
  auto type =
      binder.type<SelectionPtr>("selection", "The sparse linear model at one lambda of a path; page:add takes it.");
  type.method("top", "s:top(label, row, [n]) -> {{feature=, weight=, value=, contribution=}, ...}",
              "The n features (5) that add most to the label's score of a datapoint, given as z[x.id] or x; "
              "s:top(label, n) is by "
              "weight alone. Fewer when fewer have a coefficient.",
              top);
  type.method("contributions", "s:contributions(label, row) -> tensor", "Weight times value of every feature.",
              contributions);
  type.method("scores", "s:scores(z) -> tensor", "The linear model's outputs, [datapoints, labels].", scores);
  type.method("predict", "s:predict(z) -> label or table of labels", "The label of the largest score.", predict);
  type.method("accuracy", "s:accuracy(z) -> number", "Share of the datapoints whose label is predicted.", accuracy);
  type.property("lambda", "The penalty's weight.",
                [](lua_State* L, SelectionPtr& self) { return push(L, self->selection.lambda()); });
  type.property("index", "Which lambda of the path it is.",
                [](lua_State* L, SelectionPtr& self) { return push(L, self->selection.index + 1); });
  type.property("nonzeros_per_class", "Mean number of features that a class uses.",
                [](lua_State* L, SelectionPtr& self) { return push(L, self->selection.nonzeros_per_class()); });
  type.property("score", "Accuracy (R^2 for targets), held out where rows were held out.",
                [](lua_State* L, SelectionPtr& self) {
                  return push(L, self->selection.path->score()[static_cast<size_t>(self->selection.index)]);
                });
  type.tostring([](SelectionPtr& self) { return summary(self->selection); });
}

}  // namespace multiviz::script
