#include "data/dataset.h"

#include <numeric>

#include "bindings/data.h"
#include "bindings/register.h"
#include "core/cancel.h"
#include "core/progress.h"
#include "data/blocks/blocks.h"
#include "data/jsonl.h"

namespace multiviz::script {
namespace {

int load(lua_State* L, const DatasetPtr& data, int64_t index) {
  return push(L, DatapointHandle(std::make_shared<Example>(Example{data, data->get(index)})));
}

int at_position(lua_State* L, DatasetPtr& self) {
  if (lua_type(L, 2) != LUA_TNUMBER) return 0;
  int valid = 0;
  const int64_t position = lua_tointegerx(L, 2, &valid);
  check(valid != 0, "a datapoint's position must be an integer, not {}", lua_tonumber(L, 2));
  return load(L, self,
              to_zero_based(position, self->size(), fmt::format("datapoint {} of {}", position, self->name())));
}

// for i, x in pairs(data) do
int pairs(lua_State* L, DatasetPtr& self) {
  push_function(L, {"next", "", "", [](lua_State* L) {
                      auto& data = arg<DatasetPtr>(L, 1, "data");
                      const int64_t next = lua_tointeger(L, 2);
                      if (next >= data->size()) return lua_pushnil(L), 1;
                      lua_pushinteger(L, next + 1);
                      load(L, data, next);
                      return 2;
                    }});
  push(L, self);
  lua_pushinteger(L, 0);
  return 3;
}

int draw(lua_State* L, DatasetPtr& self) {
  const int64_t n = arg_integer(L, 2, "n", {.min = 1, .max = static_cast<double>(self->size())});
  Options options(L, 3);
  const uint64_t seed = options.seed();
  options.done();
  return push(L, sample(self, n, seed));
}

int shuffle(lua_State* L, DatasetPtr& self) {
  Options options(L, 2);
  const uint64_t seed = options.seed();
  options.done();
  return push(L, sample(self, self->size(), seed));
}

int choose(lua_State* L, DatasetPtr& self) {
  std::vector<int64_t> indices = arg_integers(L, 2, "positions");
  for (int64_t& index : indices)
    index = to_zero_based(index, self->size(), fmt::format("datapoint {} of {}", index, self->name()));
  return push(L, subset(self, std::move(indices)));
}

int slice(lua_State* L, DatasetPtr& self) {
  const auto size = static_cast<double>(self->size());
  const int64_t first = arg_integer(L, 2, "first", {1, size});
  const int64_t last = absent(L, 3) ? self->size() : arg_integer(L, 3, "last", {static_cast<double>(first), size});
  std::vector<int64_t> indices(static_cast<size_t>(last - first + 1));
  std::iota(indices.begin(), indices.end(), first - 1);
  return push(L, subset(self, std::move(indices)));
}

int filter(lua_State* L, DatasetPtr& self) {
  Callback keep(L, 2, "keep");
  std::vector<int64_t> indices;
  Progress progress("filter", self->size());
  for (int64_t i = 0; i < self->size(); ++i) {
    throw_if_cancelled();
    keep.call([&](lua_State* L) { return load(L, self, i); }, 1,
              [&](lua_State* L) {
                if (lua_toboolean(L, 1)) indices.push_back(i);
              });
    progress.advance();
  }
  return push(L, subset(self, std::move(indices)));
}

int modalities(lua_State* L, DatasetPtr& self) {
  lua_newtable(L);
  for (size_t i = 0; i < self->modalities().size(); ++i) {
    const Modality& modality = self->modalities()[i];
    lua_createtable(L, 0, 2);
    set_field(L, "name", modality.name);
    set_field(L, "kind", kind_name(modality.kind));
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
  return 1;
}

std::string print(DatasetPtr& self) {
  std::vector<std::string> inputs;
  for (const Modality& modality : self->modalities()) {
    const std::string kind = kind_name(modality.kind);
    inputs.push_back(kind == modality.name ? kind : fmt::format("{} ({})", modality.name, kind));
  }
  std::string text =
      fmt::format("dataset {}: {} datapoints of {}", self->name(), self->size(), fmt::join(inputs, ", "));
  const auto& labels = self->labels();
  if (labels.empty()) return text;
  const size_t shown = std::min<size_t>(labels.size(), 12);
  text += fmt::format("\n  {} labels: {}", labels.size(),
                      fmt::join(labels.begin(), labels.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  return shown < labels.size() ? text + ", ..." : text;
}

int make_blocks(lua_State* L) {
  Options options(L, 1);
  BlocksOptions made;
  made.split = options.choice("split", {"train", "val", "test"}, made.split);
  if (auto size = options.integer("size")) {
    check(*size >= 1, "mv.datasets.blocks: option 'size' must be an integer >= 1, got {}", *size);
    made.size = *size;
  }
  made.seed = options.has("seed") ? options.seed() : made.seed;
  made.width = options.integer("width", made.width, {16, 2048});
  made.height = options.integer("height", made.height, {16, 2048});
  made.questions = options.integer("questions", made.questions, {.min = 1});
  options.done();
  return push(L, blocks(made));
}

int make_jsonl(lua_State* L) {
  Options options(L, 1);
  JsonlOptions made;
  options.require("path");
  made.path = options.string("path", "");
  made.root = options.string("root", "");
  made.fields = modalities_option(options, L);
  made.label = options.string("label", "");
  made.regression = options.boolean("regression", false);
  made.id = options.string("id", "");
  if (auto labels = options.strings("labels")) made.labels = *labels;
  options.done();
  return push(L, open_jsonl(std::move(made)));
}

}  // namespace

void register_dataset(Binder& binder) {
  auto type =
      binder.type<DatasetPtr>("dataset", "A sequence of datapoints: #data, data[i] from 1, `for i, x in pairs(data)`.");
  type.property("name", "Its name.", [](lua_State* L, auto& self) { return push(L, self->name()); });
  type.property("labels", "The names of its labels, in order.",
                [](lua_State* L, auto& self) { return push(L, self->labels()); });
  type.property("modalities", "Its inputs: a sequence of { name, kind }.", modalities);
  type.method("sample", "data:sample(n, {seed=0}) -> dataset", "n different datapoints drawn at random.", draw);
  type.method("shuffle", "data:shuffle{seed=0} -> dataset", "All of them in random order.", shuffle);
  type.method("subset", "data:subset{3, 1, 4} -> dataset", "The datapoints at these positions, in this order.", choose);
  type.method("slice", "data:slice(first, [last]) -> dataset", "The datapoints from `first` to `last`, both included.",
              slice);
  type.method("filter", "data:filter(function(x) ... end) -> dataset",
              "The datapoints for which the function returns true. Loads every one.", filter);
  type.index(at_position);
  type.meta("__len", [](lua_State* L, auto& self) { return push(L, self->size()); });
  type.meta("__pairs", pairs);
  type.tostring(print);
  binder.function(
      "datasets.blocks",
      "mv.datasets.blocks{split=\"train\", size=, seed=0, width=128, height=96, questions=1} -> dataset",
      "Pictures of simple objects with questions about them, made on the fly after CLEVR; the same on every "
      "machine. Splits: train, val, test.",
      make_blocks);
  binder.function("datasets.jsonl",
                  "mv.datasets.jsonl{path=, root=, modalities={image=\"image\", question=\"text\"}, label=, id=, "
                  "labels=, regression=false} -> dataset",
                  "Your own data: a file with one JSON object a line. Each modality is a field of it: the name of an "
                  "image file below root, a text, a list of frames or of numbers, or the name of an .npy file.",
                  make_jsonl);
}

}  // namespace multiviz::script
