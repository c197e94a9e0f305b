#include "bindings/sparse_path.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "bindings/register.h"
#include "core/suggest.h"

namespace multiviz::script {
namespace {

FittedPathPtr fitted(SparsePath path, FeaturesPtr features) {
  return std::make_shared<const FittedPath>(
      FittedPath{std::make_shared<const SparsePath>(std::move(path)), std::move(features)});
}

// path:curve(): one table per lambda.
int curve(lua_State* L, FittedPathPtr& self) {
  const SparsePath& path = *self->path;
  lua_createtable(L, static_cast<int>(path.size()), 0);
  for (int64_t l = 0; l < path.size(); ++l) {
    auto at = static_cast<size_t>(l);
    lua_createtable(L, 0, 6);
    set_field(L, "lambda", path.lambdas[at]);
    set_field(L, "nonzeros_per_class", Selection{self->path, l}.nonzeros_per_class());
    set_field(L, "fit", path.train[at]);
    if (!path.heldout.empty()) set_field(L, "heldout", path.heldout[at]);
    set_field(L, "deviance", path.deviance[at]);
    set_field(L, "gap", path.gap[at]);
    lua_rawseti(L, -2, l + 1);
  }
  return 1;
}

int select_at(lua_State* L, FittedPathPtr& self) {
  Options options(L, 2);
  auto nonzeros = options.number("nonzeros_per_class"), drop = options.number("drop"),
       lambda = options.number("lambda");
  options.done();
  check(nonzeros.has_value() + drop.has_value() + lambda.has_value() == 1,
        "path:at takes one of nonzeros_per_class, drop and lambda: say how to choose the model");
  Selection selection = nonzeros ? at_nonzeros(self->path, *nonzeros)
                        : drop   ? at_drop(self->path, *drop)
                                 : at_lambda(self->path, *lambda);
  return push(L, std::make_shared<const FittedSelection>(FittedSelection{selection, self->features}));
}

int save_path(lua_State* L, FittedPathPtr& self) {
  save(*self->path, arg_string(L, 2, "file"));
  return 0;
}

int load_path(lua_State* L) {
  auto* features = absent(L, 2) ? nullptr : &arg<FeaturesPtr>(L, 2, "z");
  SparsePath path = load_sparse_path(arg_string(L, 1, "file"));
  check(!features || (*features)->width() == path.features, "the path is over {} features and z has {}", path.features,
        features ? (*features)->width() : 0);
  return push(L, fitted(std::move(path), features ? *features : nullptr));
}

}  // namespace

PredictionEntry FittedSelection::entry(const Page& page) const {
  check(features != nullptr, "this path was read from a file: give mv.load_sparse_path(file, z) its features");
  constexpr size_t likeliest = 3;
  const auto& names = selection.path->names;
  std::vector<int64_t> also;
  for (const auto& score : page.example.prediction.top) {
    if (also.size() == likeliest) break;
    const auto found = std::find(names.begin(), names.end(), score.name);
    if (found != names.end()) also.push_back(found - names.begin());
  }
  return prediction_entry(selection, *features, page.example.datapoint.id, also);
}

void register_sparse_path(Binder& binder) {
  auto type = binder.type<FittedPathPtr>("sparse path",
                                         "Linear models of the features for a grid of lambda, from sparse to dense.");
  type.method("curve", "path:curve() -> table",
              "lambda, nonzeros_per_class, fit and heldout accuracy, deviance and duality gap of each model.", curve);
  type.method("at", "path:at{nonzeros_per_class=|drop=|lambda=} -> selection",
              "The densest model with so many nonzeros per class on average, the sparsest within a drop of the best "
              "accuracy, or the nearest lambda.",
              select_at);
  type.method("save", "path:save(file)", "Writes a .safetensors file; mv.load_sparse_path reads it.", save_path);
  type.meta("__len", [](lua_State* L, FittedPathPtr& self) { return push(L, self->path->size()); });
  type.property("lambdas", "The grid, falling.",
                [](lua_State* L, FittedPathPtr& self) { return push(L, self->path->lambdas); });
  type.property("labels", "What is predicted.",
                [](lua_State* L, FittedPathPtr& self) { return push(L, self->path->names); });
  type.property("family", "\"gaussian\" or \"multinomial\".",
                [](lua_State* L, FittedPathPtr& self) { return push(L, family_name(self->path->family)); });
  type.property("seconds", "What the fit took.",
                [](lua_State* L, FittedPathPtr& self) { return push(L, self->path->seconds); });
  type.tostring([](FittedPathPtr& self) { return summary(*self->path); });
  binder.function(
      "load_sparse_path", "mv.load_sparse_path(file, [z]) -> path",
      "Reads what path:save wrote. With the features z that it was fitted to, its selections can go on a page.",
      load_path);
}

}  // namespace multiviz::script
