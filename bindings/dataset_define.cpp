#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "bindings/data.h"
#include "bindings/register.h"
#include "core/suggest.h"
#include "data/basic_dataset.h"
#include "data/region_frames.h"

namespace multiviz::script {
namespace {

struct Definition {
  std::string name;
  std::vector<Modality> modalities;
  std::vector<std::vector<std::string>> names;  // for each modality those of its channels or columns, or none
  std::vector<std::string> labels;
  bool regression = false;
  int64_t size = 0;
  std::string fingerprint;
  std::shared_ptr<Callback> get;  // 1-based position -> a table of fields
};

void set_names(Value& value, const std::vector<std::string>& names, const std::string& where) {
  if (names.empty()) return;
  auto* series = std::get_if<TimeSeries>(&value);
  const int64_t width = series ? series->frames.size(1) : std::get<Table>(value).columns.size(0);
  check(static_cast<int64_t>(names.size()) == width, "{} has {} columns and {} names were given for them", where, width,
        names.size());
  (series ? series->channels : std::get<Table>(value).names) = names;
}

// Box { x0, y0, x1, y1 } of the region on top of the stack.
Region read_region(lua_State* L, const std::string& where) {
  check(lua_istable(L, -1), "{} must be a table, not {}", where, type_name(L, -1));
  Region region;
  lua_getfield(L, -1, "name");
  if (lua_type(L, -1) == LUA_TSTRING) region.name = lua_tostring(L, -1);
  lua_getfield(L, -2, "box");
  const auto box = to_numbers(L, -1);
  check(box && box->size() == 4 && (*box)[0] < (*box)[2] && (*box)[1] < (*box)[3],
        "{}: its box must be {{ x0, y0, x1, y1 }} in pixels", where);
  region.box = {(*box)[0], (*box)[1], (*box)[2], (*box)[3]};
  lua_getfield(L, -3, "mask");
  if (auto* mask = test<at::Tensor>(L, -1)) region.mask = mask->to(at::kBool);
  lua_getfield(L, -4, "referred");
  region.referred = lua_toboolean(L, -1);
  lua_pop(L, 4);
  return region;
}

// A data set whose datapoints a script's function makes.
class Defined : public Dataset {
 public:
  explicit Defined(Definition definition) : definition_(std::move(definition)), owner_(std::this_thread::get_id()) {}
  const std::string& name() const override { return definition_.name; }
  const std::vector<Modality>& modalities() const override { return definition_.modalities; }
  const std::vector<std::string>& labels() const override { return definition_.labels; }
  int64_t size() const override { return definition_.size; }
  std::string fingerprint() const override { return definition_.fingerprint; }
  bool concurrent() const override { return false; }

  Datapoint get(int64_t index) const override {
    check_index(*this, index);
    check(std::this_thread::get_id() == owner_, "{} is made by a script and can be read on the script's thread only",
          name());
    const std::string where = fmt::format("{}[{}]", name(), index + 1);
    Datapoint datapoint;
    definition_.get->call([&](lua_State* L) { return push(L, index + 1); }, 1,
                          [&](lua_State* L) { datapoint = read(L, index, where); });
    return datapoint;
  }

 private:
  Datapoint read(lua_State* L, int64_t index, const std::string& where) const {
    check(lua_istable(L, 1), "{}: get must return a table of fields, not {}", where, type_name(L, 1));
    check_fields(L, where);
    Datapoint datapoint;
    for (size_t m = 0; m < definition_.modalities.size(); ++m) {
      const Modality& modality = definition_.modalities[m];
      const std::string what = fmt::format("{}: '{}'", where, modality.name);
      if (lua_getfield(L, 1, modality.name.c_str()) == LUA_TNIL) fail("{} is missing", what);
      datapoint.values.push_back(to_value(L, -1, modality, what));
      set_names(datapoint.values.back(), definition_.names[m], what);
      lua_pop(L, 1);
    }
    read_label(L, datapoint, where);
    datapoint.id = fmt::format("{}:{}", name(), index + 1);
    if (lua_getfield(L, 1, "id") != LUA_TNIL) {
      check(lua_isstring(L, -1), "{}: 'id' must be a string, not {}", where, type_name(L, -1));
      lua_pushvalue(L, -1);  // lua_tostring changes a number in place
      datapoint.id = lua_tostring(L, -1);
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
    if (lua_getfield(L, 1, "annotations") == LUA_TTABLE) datapoint.annotations = to_json(L, -1, "annotations");
    lua_pop(L, 1);
    if (lua_getfield(L, 1, "regions") == LUA_TTABLE)
      for (lua_Integer i = 1, n = static_cast<lua_Integer>(lua_rawlen(L, -1)); i <= n; ++i) {
        lua_rawgeti(L, -1, i);
        datapoint.regions.push_back(read_region(L, fmt::format("{}: region {}", where, i)));
        lua_pop(L, 1);
      }
    lua_pop(L, 1);
    name_region_frames(datapoint);
    return datapoint;
  }

  void check_fields(lua_State* L, const std::string& where) const {
    std::vector<std::string> known;
    for (const Modality& modality : definition_.modalities) known.push_back(modality.name);
    for (const char* name : {"label", "id", "annotations", "regions"}) known.emplace_back(name);
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
      const std::string key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : type_name(L, -2);
      if (std::find(known.begin(), known.end(), key) == known.end())
        fail("{}: unknown field '{}'{}", where, key, suggestion(key, known));
    }
  }

  void read_label(lua_State* L, Datapoint& datapoint, const std::string& where) const {
    lua_getfield(L, 1, "label");
    if (definition_.regression) {
      check(lua_type(L, -1) == LUA_TNUMBER, "{}: 'label' must be a number, not {}", where, type_name(L, -1));
      datapoint.value = lua_tonumber(L, -1);
    } else {
      const auto& labels = definition_.labels;
      for (const auto& label : label_names(to_json(L, -1, "label"), fmt::format("{}: 'label'", where))) {
        const auto found = std::find(labels.begin(), labels.end(), label);
        if (found == labels.end())
          fail("{}: 'label' is '{}', which is not among the labels{}", where, label, suggestion(label, labels));
        datapoint.labels.push_back(found - labels.begin());
      }
    }
    lua_pop(L, 1);
  }

  Definition definition_;
  std::thread::id owner_;
};

// A function that gives items[i], on top of the stack, from the table there.
void push_reader(lua_State* L) {
  lua_pushcclosure(
      L,
      [](lua_State* L) {
        lua_geti(L, lua_upvalueindex(1), lua_tointeger(L, 1));
        return 1;
      },
      1);
}

// Every label that the items on top of the stack have, sorted.
std::vector<std::string> collect_labels(lua_State* L, int64_t size) {
  std::vector<std::string> labels;
  for (int64_t i = 1; i <= size; ++i) {
    lua_geti(L, -1, i);
    if (lua_istable(L, -1)) {
      lua_getfield(L, -1, "label");
      for (auto& name : label_names(to_json(L, -1, "label"), fmt::format("item {}: 'label'", i)))
        labels.push_back(std::move(name));
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
  }
  sort_labels(labels);
  labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
  return labels;
}

int define(lua_State* L) {
  static std::atomic<uint64_t> counter{0};
  Options options(L, 1);
  Definition made;
  made.name = options.string("name", "defined");
  for (const Field& field : modalities_option(options, L)) {
    static const std::vector<std::string> taken = {"id", "label", "annotations", "regions"};
    check(std::find(taken.begin(), taken.end(), field.modality.name) == taken.end(),
          "mv.datasets.define: a modality cannot be called '{}': the name has a meaning of its own",
          field.modality.name);
    const bool numbers =
        field.modality.kind == ModalityKind::time_series || field.modality.kind == ModalityKind::tabular;
    check(field.names.empty() || numbers, "mv.datasets.define: modality '{}' has no channels or columns to name",
          field.modality.name);
    check(field.columns.empty(),
          "mv.datasets.define: 'columns' are those of a csv file: give 'names' for modality '{}'", field.modality.name);
    made.modalities.push_back(field.modality);
    made.names.push_back(field.names);
  }
  check(!made.modalities.empty(), "mv.datasets.define: a data set needs at least one modality");
  made.regression = options.boolean("regression", false);
  const auto labels = options.strings("labels");
  if (labels) made.labels = *labels;
  made.get = options.callback("get");
  made.size = options.integer("size", 0, {.min = 1});
  const auto now = static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  made.fingerprint = options.string("fingerprint", fmt::format("{}-{:x}-{}", made.name, now, counter++));
  if (options.raw("items") == LUA_TTABLE) {
    check(!made.get && made.size == 0, "mv.datasets.define: give items, or size and get, not both");
    made.size = luaL_len(L, -1);
    check(made.size > 0, "mv.datasets.define: items is empty");
    if (!labels && !made.regression) made.labels = collect_labels(L, made.size);
    push_reader(L);
    made.get = std::make_shared<Callback>(L, lua_gettop(L), "items");
  } else if (!lua_isnil(L, -1)) {
    options.wrong("items", "a table of datapoints");
  }
  lua_settop(L, 1);
  options.done();
  check(made.get && made.size > 0,
        "mv.datasets.define: give items = {{...}}, or size = n and get = function(i) ... end");
  return push(L, DatasetPtr(std::make_shared<Defined>(std::move(made))));
}

}  // namespace

void register_dataset_define(Binder& binder) {
  binder.function(
      "datasets.define",
      "mv.datasets.define{name=, modalities={image=\"image\", question=\"text\"}, size=n, get=function(i) ... end | "
      "items={...}, labels=, regression=false, fingerprint=} -> dataset",
      "Your own data from a function or a table. A datapoint is a table with a field for each modality and, if you "
      "like, label, id, regions and annotations. A modality { kind = \"time_series\", names = {...} } names its "
      "channels, one of kind \"tabular\" its columns. Frames that end with the regions' boxes, as LXMERT reads them, "
      "are called as the regions. `fingerprint` names the content, so that features stored for it are found again by "
      "another run.",
      define);
}

}  // namespace multiviz::script
