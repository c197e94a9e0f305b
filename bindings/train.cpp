#include "models/train.h"

#include "bindings/data.h"
#include "bindings/register.h"

namespace multiviz::script {
namespace {

void push_status(lua_State* L, const TrainStatus& status) {
  lua_newtable(L);
  set_field(L, "step", status.step);
  set_field(L, "loss", status.loss);
  set_field(L, "learning_rate", status.learning_rate);
  set_field(L, "seconds", status.seconds);
  if (!status.validated) return;
  set_field(L, "validation_loss", status.validation_loss);
  set_field(L, "validation_accuracy", status.validation_accuracy);
}

int push_result(lua_State* L, const TrainResult& result, bool validated) {
  lua_newtable(L);
  set_field(L, "steps", result.steps);
  if (validated) {
    set_field(L, "best_step", result.best_step);
    set_field(L, "best_accuracy", result.best_accuracy);
  }
  lua_createtable(L, static_cast<int>(result.history.size()), 0);
  for (size_t i = 0; i < result.history.size(); ++i) {
    push_status(L, result.history[i]);
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
  lua_setfield(L, -2, "history");
  return 1;
}

Guide read_guide(lua_State* L, Options& options) {
  Guide guide;
  if (options.raw("guide") != LUA_TNIL) {
    Options fields(L, lua_gettop(L));
    fields.require("taps");
    guide.taps = *fields.strings("taps");
    guide.weight = fields.number("weight", 1, {.min = 0});
    fields.done();
  }
  lua_pop(L, 1);
  return guide;
}

Describe read_describe(lua_State* L, Options& options) {
  Describe describe;
  if (options.raw("describe") != LUA_TNIL) {
    Options fields(L, lua_gettop(L));
    fields.require("tap");
    describe.tap = fields.string("tap", "");
    describe.weight = fields.number("weight", 1, {.min = 0});
    fields.done();
  }
  lua_pop(L, 1);
  return describe;
}

TrainOptions read_options(lua_State* L, Options& options) {
  TrainOptions out;
  out.steps = options.integer("steps", 0, {.min = 1});
  out.epochs = options.number("epochs", out.epochs, {.min = 0});
  out.batch = options.integer("batch", out.batch, {.min = 1});
  out.learning_rate = options.number("learning_rate", out.learning_rate, {.min = 0});
  out.warmup = options.number("warmup", out.warmup, {.min = 0, .max = 1});
  out.weight_decay = options.number("weight_decay", out.weight_decay, {.min = 0});
  out.beta1 = options.number("beta1", out.beta1, {.min = 0, .max = 1});
  out.beta2 = options.number("beta2", out.beta2, {.min = 0, .max = 1});
  out.clip = options.number("clip", out.clip, {.min = 0});
  if (auto only = options.strings("only")) out.only = *only;
  out.guide = read_guide(L, options);
  out.describe = read_describe(L, options);
  out.shuffle = options.boolean("shuffle", out.shuffle);
  out.seed = options.seed();
  if (auto* data = options.object<DatasetPtr>("validation")) out.validation = *data;
  out.validate_every = options.integer("validate_every", 0, {.min = 1});
  out.checkpoint = options.string("checkpoint", "");
  out.checkpoint_every = options.integer("checkpoint_every", 0, {.min = 1});
  out.report_every = options.integer("report_every", out.report_every, {.min = 1});
  if (auto report = options.callback("report"))
    out.report = [report](const TrainStatus& status) {
      report->call([&](lua_State* L) { return push_status(L, status), 1; }, 0, [](lua_State*) {});
    };
  return out;
}

int train_call(lua_State* L) {
  auto& model = arg<ModelPtr>(L, 1, "model");
  auto& data = arg<DatasetPtr>(L, 2, "data");
  Options options(L, 3);
  auto settings = read_options(L, options);
  options.done();
  auto result = train(*model, data, settings);
  return push_result(L, result, settings.validation != nullptr);
}

}  // namespace

void register_train(Binder& binder) {
  binder.function(
      "train",
      "mv.train(model, data, {steps= | epochs=1, batch=64, learning_rate=1e-3, warmup=0.05, weight_decay=0.01, "
      "beta1=0.9, beta2=0.98, clip=1, only=, guide={taps=, weight=}, describe={tap=, weight=}, shuffle=true, seed=, "
      "validation=, validate_every=, checkpoint=, checkpoint_every=, report_every=50, report=}) -> result",
      "Mini-batch AdamW with a cosine schedule. The weights that do best on `validation` stay in the model. only={"
      "\"classifier.*\"} trains these parameters (model:parameters() has the names) and leaves the others. "
      "guide makes attention maps look at the regions that a question refers to, describe makes image "
      "features tell the words of the regions' names. With `checkpoint`, a run that was stopped goes on where it was. "
      "report(status) is called with "
      "{step=, loss=, learning_rate=, seconds=, validation_accuracy=}.",
      train_call);
}

}  // namespace multiviz::script
