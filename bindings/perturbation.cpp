#include "bindings/explanation.h"
#include "bindings/maskers.h"
#include "bindings/method.h"
#include "bindings/register.h"
#include "crossmodal/joint.h"
#include "crossmodal/shapley_interactions.h"
#include "unimodal/occlusion.h"

namespace multiviz::script {
namespace {

using Lime = Explanation (*)(const std::shared_ptr<const Model>&, const Datapoint&, const std::vector<Target>&,
                             const LimeOptions&);
using Shap = Explanation (*)(const std::shared_ptr<const Model>&, const Datapoint&, const std::vector<Target>&,
                             const KernelShapOptions&);

int call_lime(lua_State* L, Lime method) {
  MethodCall call(L);
  LimeOptions settings;
  settings.modalities = call.modalities();
  settings.samples = call.options.integer("samples", settings.samples, {.min = 1});
  if (auto width = call.options.number("kernel_width")) {
    check(*width > 0, "{}: option 'kernel_width' must be a positive number, got {}", function_name(L), *width);
    settings.kernel_width = *width;
  }
  settings.alpha = call.options.number("alpha", settings.alpha, {.min = 0});
  settings.seed = call.options.seed();
  settings.batch = call.batch();
  if (auto coalitions = call.options.tensor("coalitions")) settings.coalitions = coalitions->ne(0);
  settings.masker = read_maskers(L, call.options, call.model->signature().modalities);
  return push(L, method(call.model, call.x, call.targets(), settings));
}

int call_shap(lua_State* L, Shap method) {
  MethodCall call(L);
  KernelShapOptions settings;
  settings.modalities = call.modalities();
  settings.samples = call.options.integer("samples", settings.samples, {.min = 1});
  settings.exact = call.options.integer("exact", settings.exact, {.min = 0, .max = 20});
  settings.seed = call.options.seed();
  settings.batch = call.batch();
  settings.masker = read_maskers(L, call.options, call.model->signature().modalities);
  return push(L, method(call.model, call.x, call.targets(), settings));
}

int call_occlusion(lua_State* L) {
  MethodCall call(L);
  OcclusionOptions settings;
  settings.modalities = call.modalities();
  settings.window = call.options.integer("window", settings.window, {.min = 0});
  settings.stride = call.options.integer("stride", settings.stride, {.min = 0});
  check(settings.stride == 0 || settings.window > 0, "{}: option 'stride' moves a window: give 'window' as well",
        function_name(L));
  settings.batch = call.batch();
  settings.masker = read_maskers(L, call.options, call.model->signature().modalities);
  return push(L, occlusion(call.model, call.x, call.targets(), settings));
}

int call_interactions(lua_State* L) {
  MethodCall call(L);
  ShapleyInteractionOptions settings;
  settings.modalities = call.options.strings("modalities").value_or(std::vector<std::string>{});
  settings.rounds = call.options.integer("rounds", settings.rounds, {.min = 1});
  settings.exact = call.options.integer("exact", settings.exact, {.min = 0, .max = 20});
  settings.seed = call.options.seed();
  settings.batch = call.batch();
  settings.masker = read_maskers(L, call.options, call.model->signature().modalities);
  return push(L, shapley_interactions(call.model, call.x, call.target(), settings));
}

std::string with_masker_help(const char* text) { return std::string(text) + " " + masker_help; }

}  // namespace

void register_perturbation(Binder& binder) {
  binder.function("lime", "mv.lime(model, x, {target=, modality=, samples=1000, kernel_width=, alpha=1, seed=, batch=, ...}) -> explanation",
                  with_masker_help("LIME: hides random parts of one modality at a time and fits a weighted ridge regression, "
                                   "as the lime package does. target: a label, mv.target..., or a table of them (default: "
                                   "the predicted label).").c_str(),
                  [](lua_State* L) { return call_lime(L, lime); });
  binder.function("kernel_shap", "mv.kernel_shap(model, x, {target=, modality=, samples=2048, exact=12, seed=, batch=, ...}) -> explanation",
                  with_masker_help("Shapley values of the parts of one modality at a time: of all coalitions up to `exact` "
                                   "parts, else KernelSHAP. They add up to the change from everything hidden.").c_str(),
                  [](lua_State* L) { return call_shap(L, kernel_shap); });
  binder.function("occlusion", "mv.occlusion(model, x, {target=, modality=, window=, stride=, batch=, ...}) -> explanation",
                  with_masker_help("How much the target falls when one part is hidden. window: an image's parts are the "
                                   "places of a square of so many pixels, every `stride` pixels (default: half of it).").c_str(),
                  call_occlusion);
  binder.function("joint_lime", "mv.joint_lime(model, x, {target=, modality=, samples=1000, seed=, ...}) -> explanation",
                  with_masker_help("LIME over the parts of several modalities at once; fit.share is each modality's part of "
                                   "the sum of |weight|.").c_str(),
                  [](lua_State* L) { return call_lime(L, joint_lime); });
  binder.function("joint_shap", "mv.joint_shap(model, x, {target=, modality=, samples=2048, exact=12, seed=, ...}) -> explanation",
                  with_masker_help("Shapley values over the parts of several modalities at once; fit.share is MM-SHAP: each "
                                   "modality's part of the sum of |weight|.").c_str(),
                  [](lua_State* L) { return call_shap(L, joint_shap); });
  binder.function("shapley_interactions", "mv.shapley_interactions(model, x, {target=, modalities=, rounds=32, exact=12, seed=, ...}) -> explanation",
                  with_masker_help("Pairwise Shapley interaction indices between the parts of two modalities, words and "
                                   "regions say; e:interaction(1) has them. Exact up to `exact` parts in all, else from "
                                   "`rounds` pairs of random orders.").c_str(),
                  call_interactions);
}

}  // namespace multiviz::script
