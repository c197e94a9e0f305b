#include "bindings/target.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "bindings/register.h"
#include "core/suggest.h"

namespace multiviz::script {
namespace {

int64_t label_index(const std::string& label, const Signature& signature) {
  auto found = std::find(signature.labels.begin(), signature.labels.end(), label);
  if (found == signature.labels.end())
    fail("{} has no label '{}'{}", signature.name, label, suggestion(label, signature.labels));
  return found - signature.labels.begin();
}

TargetSpec label_spec(lua_State* L, Target::Kind kind) {
  TargetSpec spec{kind, {}, 0, {}, {}};
  if (lua_type(L, 1) == LUA_TSTRING)
    spec.label = arg_string(L, 1, "label");
  else
    spec.index = arg_integer(L, 1, "label", {.min = 1});
  return spec;
}

// The target or label on top of the stack, or nothing when it is neither.
std::optional<TargetSpec> to_spec(lua_State* L) {
  if (auto* spec = test<TargetSpec>(L, -1)) return *spec;
  if (lua_type(L, -1) == LUA_TSTRING) return TargetSpec{Target::Kind::logit, lua_tostring(L, -1), 0, {}, {}};
  if (lua_isinteger(L, -1)) return TargetSpec{Target::Kind::logit, {}, lua_tointeger(L, -1), {}, {}};
  return std::nullopt;
}

constexpr const char* expected = "a label (name or number) or a target such as mv.target.feature(3)";

Target predicted(const Model& model, const Datapoint& datapoint) {
  if (model.signature().task == Task::regression) return Target::regression();
  at::NoGradGuard no_grad;
  return Target::logit(model.forward(datapoint).logits.argmax(1).item<int64_t>());
}

int logit(lua_State* L) { return push_object(L, label_spec(L, Target::Kind::logit)); }
int probability(lua_State* L) { return push_object(L, label_spec(L, Target::Kind::probability)); }

int feature(lua_State* L) {
  return push_object(L, TargetSpec{Target::Kind::feature, {}, arg_integer(L, 1, "k", {.min = 1}), {}, {}});
}

int regression(lua_State* L) { return push_object(L, TargetSpec{Target::Kind::regression, {}, 0, {}, {}}); }

int unit(lua_State* L) {
  return push_object(L, TargetSpec{Target::Kind::unit, {}, 0, arg_string(L, 1, "tap"), arg_integers(L, 2, "position")});
}

std::string label_text(const TargetSpec& self) {
  return self.label.empty() ? fmt::format("label {}", self.index) : self.label;
}

std::string text(TargetSpec& self) {
  switch (self.kind) {
    case Target::Kind::logit:
      return "logit of " + label_text(self);
    case Target::Kind::probability:
      return "probability of " + label_text(self);
    case Target::Kind::feature:
      return fmt::format("feature {}", self.index);
    case Target::Kind::unit:
      return fmt::format("unit {}[{}]", self.tap, fmt::join(self.position, ", "));
    case Target::Kind::regression:
      return "the output";
  }
  return "target";
}

}  // namespace

Target resolve(const TargetSpec& spec, const Signature& signature) {
  Target target{spec.kind, 0, spec.tap, {}};
  if (spec.kind == Target::Kind::logit || spec.kind == Target::Kind::probability)
    target.index = spec.label.empty() ? to_zero_based(spec.index, signature.outputs(), fmt::format("label {}", spec.index))
                                      : label_index(spec.label, signature);
  else if (spec.kind == Target::Kind::feature)
    target.index = to_zero_based(spec.index, signature.features, fmt::format("feature {}", spec.index));
  for (auto position : spec.position) {
    check(position >= 1, "a position in '{}' is {}: positions count from 1", spec.tap, position);
    target.position.push_back(position - 1);
  }
  target.validate(signature);
  return target;
}

int64_t arg_label(lua_State* L, int index, const char* name, const Signature& signature) {
  if (lua_type(L, index) == LUA_TSTRING) return label_index(arg_string(L, index, name), signature);
  int64_t label = arg_integer(L, index, name);
  return to_zero_based(label, signature.outputs(), fmt::format("label {}", label));
}

Target target_option(lua_State* L, Options& options, const Model& model, const Datapoint& datapoint, const char* name) {
  auto type = options.raw(name);
  auto spec = to_spec(L);
  if (!spec && type != LUA_TNIL) options.wrong(name, expected);
  lua_pop(L, 1);
  return spec ? resolve(*spec, model.signature()) : predicted(model, datapoint);
}

std::vector<Target> targets_option(lua_State* L, Options& options, const Model& model, const Datapoint& datapoint,
                                   const char* name) {
  if (options.raw(name) != LUA_TTABLE) {
    lua_pop(L, 1);
    return {target_option(L, options, model, datapoint, name)};
  }
  std::vector<Target> targets;
  auto count = static_cast<lua_Integer>(lua_rawlen(L, -1));
  if (count == 0) options.wrong(name, "one target or a table of at least one");
  for (lua_Integer i = 1; i <= count; ++i) {
    lua_rawgeti(L, -1, i);
    auto spec = to_spec(L);
    if (!spec) options.wrong(name, expected);
    lua_pop(L, 1);
    targets.push_back(resolve(*spec, model.signature()));
  }
  lua_pop(L, 1);
  return targets;
}

void register_target(Binder& binder) {
  auto type = binder.type<TargetSpec>("target", "The scalar that a method explains.");
  type.tostring(text);
  binder.function("target.logit", "mv.target.logit(label) -> target",
                  "The logit of a label (name or number); a plain label as a target means the same.", logit);
  binder.function("target.probability", "mv.target.probability(label) -> target",
                  "The probability of a label: softmax over the labels, sigmoid for a multi-label model.", probability);
  binder.function("target.feature", "mv.target.feature(k) -> target",
                  "Penultimate feature k, counting from 1: what local representation analysis explains.", feature);
  binder.function("target.unit", "mv.target.unit(tap, position) -> target",
                  "One number of a named activation (see model.taps); position counts from 1, without the batch.",
                  unit);
  binder.function("target.regression", "mv.target.regression() -> target", "The output of a regression model.",
                  regression);
}

}  // namespace multiviz::script
