#include "bindings/explanation.h"
#include "bindings/gradients.h"
#include "bindings/maskers.h"
#include "bindings/method.h"
#include "bindings/register.h"
#include "core/suggest.h"
#include "crossmodal/dime.h"
#include "crossmodal/emap.h"
#include "crossmodal/second_order_gradient.h"

namespace multiviz::script {
namespace {

// words = "red", 3, or a table of words, phrases and 1-based positions.
std::vector<WordChoice> read_words(lua_State* L, Options& options) {
  constexpr const char* expected = "a word, a position, or a table of them";
  std::vector<WordChoice> out;
  auto add = [&] {
    if (lua_isinteger(L, -1))
      out.emplace_back(lua_tointeger(L, -1) - 1);
    else if (lua_type(L, -1) == LUA_TSTRING)
      out.emplace_back(std::string(lua_tostring(L, -1)));
    else
      options.wrong("words", expected);
  };
  auto type = options.raw("words");
  if (type == LUA_TTABLE) {
    auto count = static_cast<lua_Integer>(lua_rawlen(L, -1));
    if (count == 0) options.wrong("words", expected);
    for (lua_Integer i = 1; i <= count; ++i) {
      lua_rawgeti(L, -1, i);
      add();
      lua_pop(L, 1);
    }
  } else if (type != LUA_TNIL) {
    add();
  }
  lua_pop(L, 1);
  return out;
}

// region = {x0, y0, x1, y1}, the name of one of the datapoint's regions, or one of them (a table with a box).
std::optional<Box> read_region(lua_State* L, Options& options, const Datapoint& x) {
  auto type = options.raw("region");
  std::optional<Box> out;
  if (type == LUA_TSTRING) {
    std::vector<std::string> names;
    for (const auto& region : x.regions) {
      names.push_back(region.name);
      if (!out && region.name == lua_tostring(L, -1)) out = region.box;
    }
    if (!out) fail("the datapoint has no region '{}'{}", lua_tostring(L, -1), suggestion(lua_tostring(L, -1), names));
  } else if (type != LUA_TNIL) {
    bool has_box = type == LUA_TTABLE && lua_getfield(L, -1, "box") == LUA_TTABLE;
    if (type == LUA_TTABLE && !has_box) lua_pop(L, 1);
    auto corners = to_numbers(L, lua_gettop(L));
    if (!corners || corners->size() != 4)
      options.wrong("region", "a box {x0, y0, x1, y1} in pixels, or the name of one of x.regions");
    if (has_box) lua_pop(L, 1);
    out = Box{(*corners)[0], (*corners)[1], (*corners)[2], (*corners)[3]};
  }
  lua_pop(L, 1);
  return out;
}

int call_second_order_gradient(lua_State* L) {
  MethodCall call(L);
  auto& options = call.options;
  SecondOrderOptions settings;
  settings.words = read_words(L, options);
  settings.region = read_region(L, options, call.x);
  for (auto atom : options.integers("atoms").value_or(std::vector<int64_t>{})) settings.atoms.push_back(atom - 1);
  settings.from = options.string("from", "");
  settings.to = options.strings("to").value_or(std::vector<std::string>{});
  settings.through = options.choice("through", {"abs", "abs_dot"}, settings.through);
  settings.players = read_players(options);
  return push(L, second_order_gradient(*call.model, call.x, call.targets(), settings));
}

EmapOptions read_emap(Options& options) {
  EmapOptions settings;
  settings.modalities = options.strings("modalities").value_or(std::vector<std::string>{});
  settings.batch = options.integer("batch", 0, {.min = 1});
  settings.chunk = options.integer("chunk", 0, {.min = 1});
  return settings;
}

int push_emap_result(lua_State* L, const EmapResult& result) {
  lua_newtable(L);
  push(L, result.logits);
  lua_setfield(L, -2, "logits");
  push(L, result.projected);
  lua_setfield(L, -2, "projected");
  if (result.before) {
    set_field(L, "metric", result.metric);
    set_field(L, "before", *result.before);
    set_field(L, "after", *result.after);
  }
  lua_newtable(L);
  set_field(L, result.modalities[0].c_str(), result.first);
  set_field(L, result.modalities[1].c_str(), result.second);
  set_field(L, "interaction", result.interaction);
  lua_setfield(L, -2, "variance");
  push(L, result.cost);
  lua_setfield(L, -2, "cost");
  return 1;
}

DatasetPtr read_context(Options& options) {
  options.require("context");
  return *options.object<DatasetPtr>("context");
}

int call_emap(lua_State* L) {
  if (auto* data = test<DatasetPtr>(L, 2)) {
    auto& model = arg<ModelPtr>(L, 1, "model");
    Options options(L, 3);
    auto settings = read_emap(options);
    options.done();
    return push_emap_result(L, emap(*model, **data, settings));
  }
  if (!test<DatapointHandle>(L, 2)) wrong_argument(L, 2, "x", "a datapoint or a data set");
  MethodCall call(L);
  auto settings = read_emap(call.options);
  auto context = read_context(call.options);
  return push(L, emap(*call.model, call.x, *context, call.targets(), settings));
}

int call_dime(lua_State* L) {
  MethodCall call(L);
  auto& options = call.options;
  auto context = read_context(options);
  DimeOptions settings;
  settings.modalities = options.strings("modalities").value_or(std::vector<std::string>{});
  settings.samples = options.integer("samples", settings.samples, {.min = 2});
  settings.kernel_width = options.number("kernel_width", settings.kernel_width);
  settings.alpha = options.number("alpha", settings.alpha, {.min = 0});
  settings.seed = options.seed();
  settings.batch = call.batch();
  settings.chunk = options.integer("chunk", 0, {.min = 1});
  settings.masker = read_maskers(L, options, call.model->signature().modalities);
  return push(L, dime(call.model, call.x, *context, call.targets(), settings));
}

}  // namespace

void register_crossmodal(Binder& binder) {
  binder.function("dime",
                  "mv.dime(model, x, {context=data, target=, samples=100, modalities=, seed=, kernel_width=, alpha=1, ...}) "
                  "-> explanation",
                  std::string("LIME on the unimodal and the multimodal part of the target, for both modalities, the parts "
                              "being measured in a context of other datapoints (component \"unimodal\" or "
                              "\"multimodal\"). ") .append(masker_help).c_str(),
                  call_dime);
  binder.function("second_order_gradient",
                  "mv.second_order_gradient(model, x, {words= | region= | from=, atoms=; target=, to=, through=\"abs\", "
                  "reduction=, grid=8, ...}) -> explanation",
                  "What in the other modality matters because of these words (or pixels, frames, columns): the gradient of "
                  "the size of the target's gradient at them. words: a word or phrase wherever it occurs, a position, or "
                  "a table of these; with from, names of frames, channels, groups or columns of that modality. "
                  "region: {x0, y0, x1, y1} or the name of one of x.regions. atoms: positions of the "
                  "players of modality from. through: \"abs\", the sum of |gradient|, or \"abs_dot\", of |input . gradient|. "
                  "Other options as for mv.gradient.",
                  call_second_order_gradient);
  binder.function("emap",
                  "mv.emap(model, x, {context=data, target=, modalities=, batch=, chunk=}) -> explanation | "
                  "mv.emap(model, data, {modalities=, batch=, chunk=}) -> table",
                  "The closest additive model of two modalities. Of a datapoint in a context: fit has the value, its "
                  "projection, the interaction and each modality's own part. Of a data set: logits and projected logits "
                  "[N, C], accuracy before and after (fields metric, before, after), and which part of the logits' variance "
                  "is due to each modality and to their interaction.",
                  call_emap);
}

}  // namespace multiviz::script
