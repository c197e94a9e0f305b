#include "bindings/data.h"
#include "bindings/lua_model.h"
#include "bindings/page.h"
#include "bindings/register.h"
#include "bindings/session.h"
#include "bindings/window.h"
#include "viewer/explorer.h"

namespace multiviz::script {
namespace {

int explore(lua_State* L) {
  auto& model = arg<ModelPtr>(L, 1, "model");
  auto& data = arg<DatasetPtr>(L, 2, "data");
  Options options(L, 3);
  auto wanted = window_options(options, "MultiViz · " + model->signature().name);
  if (!options.has("width")) wanted.width = 1280;
  if (!options.has("height")) wanted.height = 800;
  ExplorerOptions explorer;
  explorer.first = options.integer("datapoint", 1, {.min = 1}) - 1;
  explorer.context = options.integer("context", explorer.context, {.min = 2});
  explorer.datapoints = options.integer("datapoints", explorer.datapoints, {.min = 2});
  explorer.examples = options.integer("examples", explorer.examples, {.min = 1});
  explorer.nonzeros_per_class = options.number("nonzeros_per_class", explorer.nonzeros_per_class, {.min = 1});
  explorer.tap = options.string("tap", "");
  explorer.folder = options.string("folder", explorer.folder);
  explorer.seed = options.seed();
  options.done();
  // What runs a script's functions stays on the script's thread.
  explorer.main_thread = std::dynamic_pointer_cast<LuaModel>(model) != nullptr || !data->concurrent();
  auto made = std::make_shared<Explorer>(model, data, explorer, desktop(L));
  if (!wanted.visible) made->finish();
  return push_window(L, wanted, [made](Window& window) { made->draw(window); });
}

}  // namespace

void register_explore(Binder& binder) {
  binder.function(
      "explore",
      "mv.explore(model, data, {datapoint=1, context=64, datapoints=1000, examples=3, nonzeros_per_class=20, "
      "tap=, folder=\"out/explorer\", seed=, title=, width=1280, height=800, theme=, scale=, visible=}) -> window",
      "The whole tool in a window: choose datapoints, compute every stage, click words, draw boxes, hide parts "
      "of the input. `context` datapoints are what DIME averages over, at most `datapoints` give the features "
      "of stages R and P. Work runs beside the window and can be cancelled.",
      explore);
}

}  // namespace multiviz::script
