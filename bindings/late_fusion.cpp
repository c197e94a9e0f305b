#include "models/late_fusion.h"

#include "bindings/data.h"
#include "bindings/model.h"
#include "bindings/register.h"
#include "bindings/session.h"
#include "core/suggest.h"
#include "models/mult.h"

namespace multiviz::script {
namespace {

constexpr Range positive = {.min = 1, .max = 1 << 20};

// encoders = { audio = { hidden = 64, outputs = 32, frames = 0 }, ... }, each of which may be left out.
void read_encoders(lua_State* L, Options& options, LateFusionOptions& made) {
  const int type = options.raw("encoders");
  if (type != LUA_TNIL && type != LUA_TTABLE) options.wrong("encoders", "a table of settings by modality");
  std::vector<std::string> names;
  for (const auto& modality : made.modalities) names.push_back(modality.name);
  if (type == LUA_TTABLE) {
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
      const std::string name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : type_name(L, -2);
      const auto found = std::find(names.begin(), names.end(), name);
      if (found == names.end())
        fail("mv.models.late_fusion: encoders has no modality '{}'{}", name, suggestion(name, names));
      const auto m = static_cast<size_t>(found - names.begin());
      if (!lua_istable(L, -1)) options.wrong("encoders", "a table of settings by modality");
      Options encoder(L, lua_gettop(L));
      made.hidden[m] = encoder.integer("hidden", made.hidden[m], positive);
      made.outputs[m] = encoder.integer("outputs", made.outputs[m], {.min = 0, .max = 1 << 20});
      made.frames[m] = encoder.integer("frames", made.frames[m], {.min = 0, .max = 1 << 20});
      encoder.done();
    }
  }
  lua_pop(L, 1);
}

void read_inputs(const Dataset& data, LateFusionOptions& made) {
  check(data.size() > 0, "mv.models.late_fusion: {} is empty", data.name());
  const Datapoint first = data.get(0);
  made.modalities = data.modalities();
  for (const Value& value : first.values) {
    const bool table = kind_of(value) == ModalityKind::tabular;
    check(table || kind_of(value) == ModalityKind::time_series,
          "mv.models.late_fusion takes time series and tables, {} has {}", data.name(), kind_name(kind_of(value)));
    made.inputs.push_back(table ? std::get<Table>(value).columns.size(0) : std::get<TimeSeries>(value).frames.size(1));
    made.hidden.push_back(table ? 10 : 30);
    made.outputs.push_back(table ? 10 : 0);
    made.frames.push_back(0);
  }
}

int late_fusion(lua_State* L) {
  Options options(L, 1);
  options.require("data");
  const auto& data = *options.object<DatasetPtr>("data");
  LateFusionOptions made;
  read_inputs(*data, made);
  made.labels = options.strings("labels").value_or(data->labels());
  made.name = options.string("name", made.name);
  read_encoders(L, options, made);
  made.fusion = options.choice("fusion", {"concat", "low_rank"}, made.fusion);
  made.rank = options.integer("rank", made.rank, positive);
  made.fused = options.integer("fused", made.fused, positive);
  made.features = options.integer("features", made.features, positive);
  const auto task = options.choice("task", {"classification", "multilabel", "regression"},
                                   made.labels.empty() ? "regression" : "classification");
  made.task = task == "regression" ? Task::regression : task == "multilabel" ? Task::multilabel : Task::classification;
  made.seed = options.seed();
  options.done();
  auto model = std::make_shared<LateFusion>(std::move(made));
  model->to(script_device(L));
  return push<Model>(L, model);
}

int mult(lua_State* L) {
  Options options(L, 1);
  options.require("data");
  const auto& data = *options.object<DatasetPtr>("data");
  MultOptions made;
  check(data->size() > 0, "mv.models.mult: {} is empty", data->name());
  const Datapoint first = data->get(0);
  for (size_t m = 0; m < first.values.size(); ++m) {
    const auto* series = std::get_if<TimeSeries>(&first.values[m]);
    check(series != nullptr, "mv.models.mult takes time series, {} has {}", data->name(),
          kind_name(kind_of(first.values[m])));
    made.modalities.push_back(data->modalities()[m].name);
    made.inputs.push_back(series->frames.size(1));
  }
  made.labels = options.strings("labels").value_or(data->labels());
  made.name = options.string("name", made.name);
  made.frames = options.integer("frames", made.frames, positive);
  made.width = options.integer("width", made.width, positive);
  made.heads = options.integer("heads", made.heads, positive);
  made.layers = options.integer("layers", made.layers, positive);
  made.causal = options.boolean("causal", made.causal);
  made.seed = options.seed();
  options.done();
  auto model = std::make_shared<MulT>(std::move(made));
  model->to(script_device(L));
  return push<Model>(L, model);
}

}  // namespace

void register_late_fusion(Binder& binder) {
  binder.function(
      "models.late_fusion",
      "mv.models.late_fusion{data=, encoders={audio={hidden=30, outputs=0, frames=0}, ...}, "
      "fusion=\"concat\"|\"low_rank\", rank=40, fused=100, features=40, task=, labels=, name=} -> model",
      "MultiBench's late fusion (LF) and low-rank tensor fusion (LRTF) of time series (GRU) and tables (MLP), "
      "shaped for the data set, with new weights drawn with seed; train it with mv.train. frames = T keeps "
      "the GRU's states at all of T frames, 0 the last.",
      late_fusion);
  binder.function("models.mult",
                  "mv.models.mult{data=, frames=50, width=40, heads=8, layers=4, causal=true, labels=, name=} -> model",
                  "The multimodal transformer (MulT) of MultiBench over time series, shaped for the data set, with new "
                  "weights drawn with seed; train it with mv.train.",
                  mult);
}

}  // namespace multiviz::script
