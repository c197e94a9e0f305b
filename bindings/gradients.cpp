#include "bindings/gradients.h"

#include "bindings/explanation.h"
#include "bindings/method.h"
#include "bindings/register.h"
#include "core/suggest.h"
#include "unimodal/gradient.h"
#include "unimodal/integrated_gradients.h"
#include "unimodal/smooth_grad.h"

namespace multiviz::script {
namespace {

using Plain = Explanation (*)(const Model&, const Datapoint&, std::span<const Target>, const GradientOptions&);

int plain_gradient(lua_State* L, Plain method) {
  MethodCall call(L);
  GradientOptions settings{call.modalities(), read_players(call.options)};
  return push(L, method(*call.model, call.x, call.targets(), settings));
}

// "zero", "mean", "blur", or a datapoint whose value is meant.
Baseline read_baseline(lua_State* L, Options& options, const Model& model, size_t modality) {
  if (auto* x = test<DatapointHandle>(L, -1)) return {Baseline::Kind::given, for_model(model, *x).values[modality]};
  std::vector<std::string> known = {"zero", "mean", "blur"};
  if (lua_type(L, -1) != LUA_TSTRING) options.wrong("baseline", "\"zero\", \"mean\", \"blur\", a datapoint, or a table of them by modality");
  auto found = std::find(known.begin(), known.end(), lua_tostring(L, -1));
  if (found == known.end()) fail("unknown baseline '{}'{}", lua_tostring(L, -1), suggestion(lua_tostring(L, -1), known));
  return {static_cast<Baseline::Kind>(found - known.begin()), std::nullopt};
}

std::map<std::string, Baseline> read_baselines(lua_State* L, Options& options, const Model& model,
                                               const std::vector<std::string>& chosen) {
  std::map<std::string, Baseline> out;
  const auto& all = model.signature().modalities;
  auto type = options.raw("baseline");
  if (type == LUA_TTABLE) {
    lua_pushnil(L);
    while (lua_next(L, -2)) {
      if (lua_type(L, -2) != LUA_TSTRING) fail("baseline must name its modalities: baseline = {{ {} = \"zero\" }}", all[0].name);
      std::string name = lua_tostring(L, -2);
      out[name] = read_baseline(L, options, model, modality_index(all, name));
      lua_pop(L, 1);
    }
  } else if (type != LUA_TNIL) {
    for (size_t m = 0; m < all.size(); ++m)
      if (chosen.empty() || std::find(chosen.begin(), chosen.end(), all[m].name) != chosen.end())
        out[all[m].name] = read_baseline(L, options, model, m);
  }
  lua_pop(L, 1);
  return out;
}

int call_integrated_gradients(lua_State* L) {
  MethodCall call(L);
  IntegratedGradientsOptions settings;
  settings.modalities = call.modalities();
  settings.players = read_players(call.options);
  settings.steps = call.options.integer("steps", settings.steps, {.min = 1});
  settings.rule = call.options.choice("rule", {"gauss_legendre", "riemann_middle"}, settings.rule);
  settings.baselines = read_baselines(L, call.options, *call.model, settings.modalities);
  settings.blur = call.options.number("blur", settings.blur, {.min = 0});
  settings.batch = call.batch();
  return push(L, integrated_gradients(*call.model, call.x, call.targets(), settings));
}

int call_smooth_grad(lua_State* L) {
  MethodCall call(L);
  SmoothGradOptions settings;
  settings.modalities = call.modalities();
  settings.players = read_players(call.options);
  settings.samples = call.options.integer("samples", settings.samples, {.min = 1});
  settings.noise = call.options.number("noise", settings.noise, {.min = 0});
  settings.seed = call.options.seed();
  settings.batch = call.batch();
  return push(L, smooth_grad(*call.model, call.x, call.targets(), settings));
}

}  // namespace

PlayerOptions read_players(Options& options) {
  PlayerOptions players;
  if (auto reduction = options.string("reduction")) players.reduction = parse_reduction(*reduction);
  players.grid = options.integer("grid", players.grid, {.min = 1, .max = 1024});
  players.regions = options.boolean("regions", players.regions);
  players.parts = options.choice("parts", {"frames", "channels", "groups"}, players.parts);
  return players;
}

void register_gradients(Binder& binder) {
  binder.function("gradient",
                  "mv.gradient(model, x, {target=, modality=, reduction=, grid=8, regions=true, parts=\"frames\"}) -> "
                  "explanation",
                  "The target's gradient with respect to pixels, word embeddings, frames or columns; by default of every "
                  "modality. target: a label, mv.target..., or a table of them (default: the predicted label). reduction "
                  "over colours, embedding or channels: \"max\", \"sum\", \"norm\" or \"signed\" (default: max for images, "
                  "norm for text and time series). An image's players are the data set's regions and the background, or "
                  "a grid x grid of cells; a time series' are its parts: \"frames\", \"channels\" or \"groups\".",
                  [](lua_State* L) { return plain_gradient(L, gradient); });
  binder.function("gradient_x_input",
                  "mv.gradient_x_input(model, x, {target=, modality=, ...}) -> explanation",
                  "The gradient times the input, summed over colours and embeddings: each part's contribution to first "
                  "order. Options as for mv.gradient.",
                  [](lua_State* L) { return plain_gradient(L, gradient_x_input); });
  binder.function("integrated_gradients",
                  "mv.integrated_gradients(model, x, {target=, modality=, steps=50, baseline=\"zero\", "
                  "rule=\"gauss_legendre\", blur=8, batch=, ...}) -> explanation",
                  "Integrated gradients from a baseline to the input; weights add up to the change of the target, and "
                  "fit.completeness_gap says how nearly. baseline: \"zero\", \"mean\", \"blur\" (images), a datapoint, or a "
                  "table of these by modality. rule: \"gauss_legendre\" or \"riemann_middle\". Other options as for "
                  "mv.gradient.",
                  call_integrated_gradients);
  binder.function("smooth_grad",
                  "mv.smooth_grad(model, x, {target=, modality=, samples=50, noise=0.15, seed=, batch=, ...}) -> explanation",
                  "The gradient averaged over noisy inputs; noise is a part of the input's range. Other options as for "
                  "mv.gradient.",
                  call_smooth_grad);
}

}  // namespace multiviz::script
