#include "models/late_fusion.h"

#include "bindings/data.h"
#include "bindings/model.h"
#include "bindings/register.h"
#include "bindings/session.h"
#include "core/suggest.h"
#include "models/encoder.h"
#include "models/load.h"
#include "models/mult.h"

namespace multiviz::script {
namespace {

constexpr Range positive = {.min = 1, .max = 1 << 20};

// What encodes each modality: a model (null: none), or the settings of MultiBench's encoders.
struct Encoders {
  LateFusionOptions made;
  std::vector<ModelPtr> parts;
};

void read_settings(lua_State* L, Encoders& out, size_t m) {
  auto& made = out.made;
  Options encoder(L, lua_gettop(L));
  if (const auto* model = encoder.object<ModelPtr>("model")) {
    out.parts[m] = *model;
    made.encoders[m] = "none";
  }
  const bool series = made.modalities[m].kind == ModalityKind::time_series && !out.parts[m];
  made.encoders[m] = encoder.choice("kind", series ? series_networks() : table_networks(), made.encoders[m]);
  made.hidden[m] = encoder.integer("hidden", made.hidden[m], positive);
  made.outputs[m] = encoder.integer("outputs", made.outputs[m], {.min = 0, .max = 1 << 20});
  made.frames[m] = encoder.integer("frames", made.frames[m], {.min = 0, .max = 1 << 20});
  encoder.done();
}

// encoders = { audio = { kind = "gru", hidden = 64 }, text = model, image = { model = model, kind = "maxout" } }, each
// of which may be left out.
void read_encoders(lua_State* L, Options& options, Encoders& out) {
  constexpr const char* expected = "a table of settings or models by modality";
  const int type = options.raw("encoders");
  if (type != LUA_TNIL && type != LUA_TTABLE) options.wrong("encoders", expected);
  std::vector<std::string> names;
  for (const auto& modality : out.made.modalities) names.push_back(modality.name);
  if (type == LUA_TTABLE) {
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
      const std::string name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : type_name(L, -2);
      const auto found = std::find(names.begin(), names.end(), name);
      if (found == names.end()) fail("encoders has no modality '{}'{}", name, suggestion(name, names));
      const auto m = static_cast<size_t>(found - names.begin());
      if (const auto* model = test<ModelPtr>(L, -1)) {
        out.parts[m] = *model;
        out.made.encoders[m] = "none";
      } else if (lua_istable(L, -1)) {
        read_settings(L, out, m);
      } else {
        options.wrong("encoders", expected);
      }
    }
  }
  lua_pop(L, 1);
}

// Modalities, and the encoders that they have when nobody asks for others.
Encoders read_modalities(lua_State* L, Options& options, const Dataset& data, const char* who) {
  check(data.size() > 0, "{}: {} is empty", who, data.name());
  Encoders out;
  auto& made = out.made;
  made.modalities = data.modalities();
  out.parts.resize(made.modalities.size());
  for (const auto& modality : made.modalities) {
    const bool series = modality.kind == ModalityKind::time_series;
    made.encoders.push_back(series ? "gru" : "mlp");
    made.hidden.push_back(series ? 30 : 10);
    made.outputs.push_back(series ? 0 : 10);
    made.frames.push_back(0);
  }
  read_encoders(L, options, out);
  const Datapoint first = data.get(0);
  for (size_t m = 0; m < made.modalities.size(); ++m) {
    const auto& [name, kind] = made.modalities[m];
    const auto* series = std::get_if<TimeSeries>(&first.values[m]);
    const auto* table = std::get_if<Table>(&first.values[m]);
    check(out.parts[m] || series || table, "{}: '{}' is {}: give encoders a model for it", who, name, kind_name(kind));
    made.inputs.push_back(out.parts[m] ? out.parts[m]->signature().features
                          : series     ? series->frames.size(1)
                                       : table->columns.size(0));
  }
  return out;
}

Task read_task(Options& options, bool labelled) {
  const auto task = options.choice("task", {"classification", "multilabel", "regression"},
                                   labelled ? "classification" : "regression");
  return task == "regression" ? Task::regression : task == "multilabel" ? Task::multilabel : Task::classification;
}

int push_model(lua_State* L, const ModelPtr& model, const std::optional<std::string>& weights) {
  if (weights) load_weights(*model, *weights);
  model->to(script_device(L));
  return push<Model>(L, model);
}

int make_late_fusion(lua_State* L, Options& options, const Dataset& data, const char* who, const std::string& fusion) {
  auto encoders = read_modalities(L, options, data, who);
  auto& made = encoders.made;
  made.labels = options.strings("labels").value_or(data.labels());
  made.name = options.string("name", made.name);
  made.fusion = fusion;
  made.heads = options.integer("heads", made.heads, positive);
  made.layers = options.integer("layers", made.layers, positive);
  made.inner = options.integer("inner", made.inner, positive);
  made.rank = options.integer("rank", made.rank, positive);
  made.fused = options.integer("fused", made.fused, positive);
  made.head = options.choice("head", {"mlp", "linear"}, made.head);
  made.features = options.integer("features", made.features, positive);
  made.task = read_task(options, !made.labels.empty());
  made.seed = options.seed();
  const bool frozen = options.boolean("frozen", false);
  const auto weights = options.string("weights");
  options.done();
  return push_model(L, std::make_shared<LateFusion>(std::move(made), std::move(encoders.parts), frozen), weights);
}

int make_mult(lua_State* L, Options& options, const Dataset& data, const char* who, bool with_parts) {
  MultOptions made;
  std::vector<ModelPtr> parts;
  check(data.size() > 0, "{}: {} is empty", who, data.name());
  if (with_parts) parts = read_modalities(L, options, data, who).parts;
  parts.resize(data.modalities().size());
  const Datapoint first = data.get(0);
  for (size_t m = 0; m < first.values.size(); ++m) {
    const auto* series = std::get_if<TimeSeries>(&first.values[m]);
    const auto* encoder = dynamic_cast<const EncoderModel*>(parts[m].get());
    check(encoder || series, "{} takes time series{}, and '{}' of {} is {}", who,
          with_parts ? ", and what an encoder (BERT, RoBERTa, ViT, ResNet) makes frames of" : "",
          data.modalities()[m].name, data.name(), kind_name(kind_of(first.values[m])));
    made.modalities.push_back(data.modalities()[m].name);
    made.inputs.push_back(encoder ? encoder->states_width() : series->frames.size(1));
  }
  made.labels = options.strings("labels").value_or(data.labels());
  made.name = options.string("name", made.name);
  made.frames = options.integer("frames", made.frames, positive);
  made.width = options.integer("width", made.width, positive);
  made.heads = options.integer("heads", made.heads, positive);
  made.layers = options.integer("layers", made.layers, positive);
  made.causal = options.boolean("causal", made.causal);
  made.self_pairs = options.boolean("self_pairs", made.self_pairs);
  made.seed = options.seed();
  const bool frozen = with_parts && options.boolean("frozen", false);
  const auto weights = options.string("weights");
  options.done();
  return push_model(L, std::make_shared<MulT>(std::move(made), std::move(parts), frozen), weights);
}

const Dataset& data_of(Options& options) {
  options.require("data");
  return **options.object<DatasetPtr>("data");
}

int late_fusion(lua_State* L) {
  Options options(L, 1);
  const auto& data = data_of(options);
  const auto fusion = options.choice("fusion", {"concat", "low_rank"}, "concat");
  return make_late_fusion(L, options, data, "mv.models.late_fusion", fusion);
}

int mult(lua_State* L) {
  Options options(L, 1);
  const auto& data = data_of(options);
  return make_mult(L, options, data, "mv.models.mult", false);
}

int fusion(lua_State* L) {
  Options options(L, 1);
  const auto& data = data_of(options);
  const auto kind = options.choice("fusion", {"concat", "low_rank", "mult"}, "concat");
  return kind == "mult" ? make_mult(L, options, data, "mv.models.fusion", true)
                        : make_late_fusion(L, options, data, "mv.models.fusion", kind);
}

}  // namespace

void register_late_fusion(Binder& binder) {
  binder.function(
      "models.fusion",
      "mv.models.fusion{data=, encoders={text=model, audio={kind=, hidden=, ...}, ...}, "
      "fusion=\"concat\"|\"low_rank\"|\"mult\", frozen=false, ...} -> model",
      "Encoders of one modality each and a fusion, with new weights; train it with mv.train. An encoder is a model "
      "(mv.models.load of a BERT, RoBERTa, ViT or ResNet folder, or any other of one modality), whose features are "
      "fused (after {model=, kind=\"mlp\" or \"maxout\", hidden=, outputs=}, if given so), or for \"mult\" its states "
      "of all positions, and which trains as well unless frozen; or settings as in "
      "mv.models.late_fusion. The other options are those of mv.models.late_fusion, or of mv.models.mult.",
      fusion);
  binder.function(
      "models.late_fusion",
      "mv.models.late_fusion{data=, encoders={audio={kind=\"gru\", hidden=30, outputs=0, frames=0}, ...}, "
      "fusion=\"concat\"|\"low_rank\", rank=40, fused=100, head=\"mlp\"|\"linear\", features=40, task=, labels=, "
      "weights=, name=} -> model",
      "MultiBench's late fusion (LF) and low-rank tensor fusion (LRTF) of time series (kind gru, lstm, transformer) "
      "and "
      "tables (mlp, maxout, none), shaped for the data set, with new weights drawn with seed; train it with mv.train. "
      "frames = T keeps a GRU's states at all of T frames, 0 the last; a transformer's series are cut or padded to it. "
      "heads=5, layers=5 and inner=2048 are a transformer's. weights is a file of MultiBench's state dict of such a "
      "model, in place of new ones.",
      late_fusion);
  binder.function(
      "models.mult",
      "mv.models.mult{data=, frames=50, width=40, heads=8, layers=4, causal=true, self_pairs=true, labels=, "
      "name=} -> model",
      "The multimodal transformer (MulT) of MultiBench over time series, shaped for the data set, with new "
      "weights drawn with seed; train it with mv.train. Without self_pairs it is the authors' own. weights is a file "
      "of either's state dict.",
      mult);
}

}  // namespace multiviz::script
