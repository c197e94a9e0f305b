#include "bindings/page.h"

#include <filesystem>

#include "bindings/data.h"
#include "bindings/explanation.h"
#include "bindings/features.h"
#include "bindings/register.h"
#include "bindings/sparse_path.h"
#include "bindings/target.h"

namespace multiviz::script {
namespace {

int make(lua_State* L) {
  auto& model = arg<ModelPtr>(L, 1, "model");
  auto& x = arg<DatapointHandle>(L, 2, "x");
  auto datapoint = for_model(*model, x);
  Options options(L, 3);
  auto target = target_option(L, options, *model, datapoint);
  auto labels = options.integer("labels", 5, {.min = 1});
  options.done();
  auto page = std::make_shared<Page>(make_page(*model, std::move(datapoint), target, labels));
  page->example.truth.clear();  // the data set's names, since the model may not have all of its labels
  const auto& names = x->data->labels();
  for (int64_t label : x->datapoint.labels)
    if (label >= 0 && label < std::ssize(names)) page->example.truth.push_back(names[static_cast<size_t>(label)]);
  return push(L, page);
}

void add_one(lua_State* L, Page& page, int index) {
  if (auto* explanation = test<ExplanationPtr>(L, index)) return page.add(**explanation);
  if (auto* feature = test<FeatureEntryPtr>(L, index)) return page.add(**feature);
  if (auto* selection = test<SelectionPtr>(L, index)) return page.add((*selection)->entry(page));
  wrong_argument(L, index, "analysis", "an explanation, a feature analysis or a selection of a sparse path");
}

int add(lua_State* L, PagePtr& self) {
  int last = std::max(2, lua_gettop(L));
  for (int index = 2; index <= last; ++index) add_one(L, *self, index);
  lua_settop(L, 1);
  return 1;
}

std::string arg_folder(lua_State* L, int index) {
  auto folder = arg_string(L, index, "folder");
  check(!folder.empty(), "{}: 'folder' is empty: give its name, \".\" for this one", function_name(L));
  return folder;
}

int report(lua_State* L, PagePtr& self) {
  auto folder = arg_folder(L, 2);
  write_report(*self, folder);
  return push(L, (std::filesystem::path(folder) / "index.html").string());
}

int save_to(lua_State* L, PagePtr& self) {
  auto folder = arg_folder(L, 2);
  save(*self, folder);
  return push(L, folder);
}

int load(lua_State* L) { return push(L, std::make_shared<Page>(load_page(arg_string(L, 1, "folder")))); }

int push_explanations(lua_State* L, PagePtr& self) {
  std::vector<ExplanationPtr> list;
  for (const auto& explanation : self->explanations) list.push_back(std::make_shared<Explanation>(explanation));
  return push(L, list);
}

int push_features(lua_State* L, PagePtr& self) {
  std::vector<int64_t> list;
  for (const auto& entry : self->features) list.push_back(entry.feature + 1);
  return push(L, list);
}

int push_prediction(lua_State* L, PagePtr& self) {
  const auto& prediction = self->example.prediction;
  if (prediction.task == Task::regression) return push(L, prediction.value);
  if (prediction.top.empty()) return lua_pushnil(L), 1;
  return push(L, prediction.top.front().name);
}

}  // namespace

void register_page(Binder& binder) {
  auto type = binder.type<PagePtr>("page", "The analysis of one datapoint: what goes into a report and can be saved.");
  type.method("add", "page:add(analysis, ...) -> page",
              "Adds explanations (stages U and C), analyses of features (R) and selections of a sparse path (P). What is "
              "about another model or datapoint is refused.",
              add);
  type.method("report", "page:report(folder) -> path of index.html",
              "Writes the page as HTML: one folder that opens from disk in any browser, without a network.", report);
  type.method("save", "page:save(folder) -> folder", "Saves the page; mv.load_page(folder) reads it.", save_to);
  type.property("model", "The model's name.", [](lua_State* L, auto& self) { return push(L, self->model); });
  type.property("datapoint", "The datapoint's id.",
                [](lua_State* L, auto& self) { return push(L, self->example.datapoint.id); });
  type.property("target", "What is explained: \"logit of red\".",
                [](lua_State* L, auto& self) { return push(L, self->target); });
  type.property("prediction", "The label that the model predicts, or the number.", push_prediction);
  type.property("truth", "The names of the true labels.",
                [](lua_State* L, auto& self) { return push(L, self->example.truth); });
  type.property("explanations", "The explanations of stages U and C, in the order added.", push_explanations);
  type.property("features", "The features that have been analysed, counted from 1.", push_features);
  type.tostring([](auto& self) { return summary(*self); });
  binder.function("page", "mv.page(model, x, {target=, labels=5}) -> page",
                  "A page for datapoint x: runs the model on it once and keeps the `labels` likeliest labels. `target` "
                  "(a label, or mv.target...) is what the page explains, by default the predicted label's logit.",
                  make);
  binder.function("load_page", "mv.load_page(folder) -> page", "Reads a page that page:save wrote.", load);
}

}  // namespace multiviz::script
