#include <ATen/ATen.h>

#include <algorithm>

#include "bindings/data.h"
#include "bindings/register.h"
#include "core/suggest.h"

namespace multiviz::script {
namespace {

std::vector<std::string> modality_names(const Dataset& data) {
  std::vector<std::string> names;
  for (const Modality& modality : data.modalities()) names.push_back(modality.name);
  return names;
}

std::vector<std::string> labels_of(const Example& x) {
  std::vector<std::string> names;
  for (int64_t label : x.datapoint.labels) names.push_back(x.data->labels().at(static_cast<size_t>(label)));
  return names;
}

int label(lua_State* L, DatapointHandle& self) {
  const auto names = labels_of(*self);
  if (names.empty()) return lua_pushnil(L), 1;
  return push(L, names[0]);
}

int value(lua_State* L, DatapointHandle& self) {
  if (!self->datapoint.value) return lua_pushnil(L), 1;
  return push(L, *self->datapoint.value);
}

int regions(lua_State* L, DatapointHandle& self) {
  lua_createtable(L, static_cast<int>(self->datapoint.regions.size()), 0);
  for (size_t i = 0; i < self->datapoint.regions.size(); ++i) {
    const Region& region = self->datapoint.regions[i];
    lua_createtable(L, 0, 4);
    set_field(L, "name", region.name);
    set_field(L, "box", std::vector<double>{region.box.x0, region.box.y0, region.box.x1, region.box.y1});
    set_field(L, "referred", region.referred);
    push(L, region.mask);
    lua_setfield(L, -2, "mask");
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
  return 1;
}

// x.image, x.question: whatever the data set calls its modalities.
int modality(lua_State* L, DatapointHandle& self) {
  if (lua_type(L, 2) != LUA_TSTRING) return 0;
  const std::string key = lua_tostring(L, 2);
  auto names = modality_names(*self->data);
  const auto found = std::find(names.begin(), names.end(), key);
  if (found != names.end()) return push(L, self->datapoint.values[static_cast<size_t>(found - names.begin())]);
  for (const char* name : {"id", "label", "labels", "value", "regions", "annotations", "with"})
    names.emplace_back(name);
  fail("a datapoint of {} has no field '{}'{}", self->data->name(), key, suggestion(key, names));
}

int64_t label_index(const Dataset& data, const std::string& name) {
  const auto& labels = data.labels();
  const auto found = std::find(labels.begin(), labels.end(), name);
  if (found == labels.end())
    fail("datapoint:with: '{}' is not a label of {}{}", name, data.name(), suggestion(name, labels));
  return found - labels.begin();
}

bool same_size(const Value& a, const Value& b) {
  return std::get<Image>(a).pixels.sizes() == std::get<Image>(b).pixels.sizes();
}

// Regions belong to the first image: they stay when a picture of the same size takes its place.
void replace(Datapoint& datapoint, size_t position, Value next) {
  Value& current = datapoint.values[position];
  const auto first = std::find_if(datapoint.values.begin(), datapoint.values.end(),
                                  [](const Value& value) { return kind_of(value) == ModalityKind::image; });
  if (first == datapoint.values.begin() + static_cast<std::ptrdiff_t>(position) && !same_size(current, next))
    datapoint.regions.clear();
  if (auto* frames = std::get_if<TimeSeries>(&next)) {
    const auto& old = std::get<TimeSeries>(current);
    check(frames->frames.size(1) == old.frames.size(1), "datapoint:with: a frame must have {} numbers, not {}",
          old.frames.size(1), frames->frames.size(1));
    frames->channels = old.channels;
    frames->groups = old.groups;
    if (frames->frames.size(0) == old.frames.size(0)) frames->frame_names = old.frame_names;
  }
  if (auto* table = std::get_if<Table>(&next)) {
    const auto& old = std::get<Table>(current);
    check(table->columns.size(0) == old.columns.size(0), "datapoint:with: there must be {} columns, not {}",
          old.columns.size(0), table->columns.size(0));
    table->names = old.names;
  }
  current = std::move(next);
}

int with(lua_State* L, DatapointHandle& self) {
  Options options(L, 2);
  auto copy = std::make_shared<Example>(*self);
  const std::string& id = self->datapoint.id;
  constexpr std::string_view mark = " (edited)";
  const auto& modalities = self->data->modalities();
  for (size_t i = 0; i < modalities.size(); ++i) {
    const char* name = modalities[i].name.c_str();
    if (options.raw(name) != LUA_TNIL)
      replace(copy->datapoint, i, to_value(L, -1, modalities[i], fmt::format("datapoint:with: '{}'", name)));
    lua_pop(L, 1);
  }
  copy->datapoint.id = options.string("id", id.ends_with(mark) ? id : id + std::string(mark));
  if (auto names = options.strings("label")) {
    copy->datapoint.labels.clear();
    for (const auto& name : *names) copy->datapoint.labels.push_back(label_index(*self->data, name));
  }
  options.done();
  return push(L, DatapointHandle(std::move(copy)));
}

std::string print(DatapointHandle& self) {
  const Datapoint& x = self->datapoint;
  size_t width = 7;
  for (const Modality& modality : self->data->modalities()) width = std::max(width, modality.name.size());
  std::string text = fmt::format("datapoint {}", x.id);
  auto line = [&](const std::string& name, const std::string& what) {
    text += fmt::format("\n  {:<{}}  {}", name, width, what);
  };
  for (size_t i = 0; i < x.values.size(); ++i) line(self->data->modalities()[i].name, describe(x.values[i]));
  if (!x.labels.empty())
    line(x.labels.size() > 1 ? "labels" : "label", fmt::format("{}", fmt::join(labels_of(*self), ", ")));
  if (x.value) line("value", fmt::format("{:.6g}", *x.value));
  std::vector<std::string> names;
  for (const Region& region : x.regions)
    names.push_back(region.referred ? region.name + " (referred to)" : region.name);
  if (!names.empty()) line("regions", fmt::format("{}", fmt::join(names, ", ")));
  return text;
}

}  // namespace

void register_datapoint(Binder& binder) {
  auto type = binder.type<DatapointHandle>(
      "datapoint", "One example of a data set; its modalities are fields by their names (x.image, x.question).");
  type.property("id", "The data set's name for it, stable across runs.",
                [](lua_State* L, auto& self) { return push(L, self->datapoint.id); });
  type.property("label", "The name of its (first) label, nil when it has none.", label);
  type.property("labels", "The names of its labels.",
                [](lua_State* L, auto& self) { return push(L, labels_of(*self)); });
  type.property("value", "The number to predict, for regression, else nil.", value);
  type.property("regions",
                "Parts of the image that the data set knows: { name, box = {x0, y0, x1, y1}, referred, mask }.",
                regions);
  type.property("annotations", "What else the data set knows about it, as a table.",
                [](lua_State* L, auto& self) { return push(L, self->datapoint.annotations); });
  type.property("dataset", "The data set it comes from.", [](lua_State* L, auto& self) { return push(L, self->data); });
  type.index(modality);
  type.method("with", "x:with{ question = \"...\" } -> datapoint",
              "A copy with other values for some modalities, for its label or its id.", with);
  type.tostring(print);
}

}  // namespace multiviz::script
