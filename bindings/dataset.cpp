#include "data/dataset.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "bindings/data.h"
#include "bindings/register.h"
#include "core/cancel.h"
#include "core/progress.h"
#include "data/prefetch.h"
#include "data/resize_images.h"
#include "text/tokenizer.h"

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

int split(lua_State* L, DatasetPtr& self) {
  const std::vector<double> shares = arg_numbers(L, 2, "shares");
  Options options(L, 3);
  const uint64_t seed = options.seed();
  options.done();
  const double whole = std::accumulate(shares.begin(), shares.end(), 0.0);
  check(!shares.empty() && *std::min_element(shares.begin(), shares.end()) > 0 && whole < 1 + 1e-9,
        "shares must be positive fractions that add up to 1 at most: {{ 0.8, 0.2 }}");
  const DatasetPtr shuffled = sample(self, self->size(), seed);
  double end = 0;
  int64_t first = 0;
  for (double share : shares) {
    end += share;
    const auto last =
        std::min(self->size(), static_cast<int64_t>(std::llround(end * static_cast<double>(self->size()))));
    std::vector<int64_t> indices(static_cast<size_t>(last - first));
    std::iota(indices.begin(), indices.end(), first);
    push(L, subset(shuffled, std::move(indices)));
    first = last;
  }
  return static_cast<int>(shares.size());
}

// The text modalities of the data, encoded one after the other.
Prefetch::Tokenize tokenize_with(TokenizerPtr tokenizer, const Dataset& data, int64_t max_length) {
  std::vector<size_t> texts;
  for (size_t i = 0; i < data.modalities().size(); ++i)
    if (data.modalities()[i].kind == ModalityKind::text) texts.push_back(i);
  check(!texts.empty(), "'{}' has no texts for a tokenizer", data.name());
  return [tokenizer, texts, max_length](std::span<const Datapoint> batch) {
    std::vector<TokenBatch> tokens;
    for (size_t text : texts) {
      std::vector<std::string> strings;
      for (const Datapoint& x : batch) strings.push_back(std::get<Text>(x.values[text]).string);
      EncodeOptions options;
      options.max_length = max_length;
      tokens.push_back(tokenizer->encode_batch(strings, {}, options));
    }
    return tokens;
  };
}

// {question = {input_ids=, token_type_ids=, attention_mask=}}
void push_tokens(lua_State* L, const Dataset& data, const std::vector<TokenBatch>& tokens) {
  lua_newtable(L);
  auto next = tokens.begin();
  for (const Modality& modality : data.modalities()) {
    if (modality.kind != ModalityKind::text) continue;
    lua_newtable(L);
    set_field(L, "input_ids", next->ids);
    set_field(L, "token_type_ids", next->types);
    set_field(L, "attention_mask", next->mask);
    lua_setfield(L, -2, modality.name.c_str());
    ++next;
  }
}

int batches(lua_State* L, DatasetPtr& self) {
  Options options(L, 2);
  const int64_t size = options.integer("size", 32, {.min = 1}), workers = options.integer("workers", 0, {.min = 1});
  const bool shuffled = options.boolean("shuffle", false);
  const uint64_t seed = options.seed();
  std::function<Datapoint(Datapoint)> transform = [](Datapoint x) { return x; };
  if (const auto sides = options.numbers("resize")) {
    const auto whole = [](double side) { return side >= 1 && side <= 65500 && side == std::floor(side); };
    if (sides->size() != 2 || !whole((*sides)[0]) || !whole((*sides)[1])) options.wrong("resize", "{ width, height }");
    transform = [width = static_cast<int64_t>((*sides)[0]), height = static_cast<int64_t>((*sides)[1])](Datapoint x) {
      return resize_images(std::move(x), height, width);
    };
  }
  Prefetch::Tokenize tokenize;
  const auto longest = options.integer("max_length", 0, {.min = 1});
  if (const auto folder = options.string("tokenizer", ""); !folder.empty())
    tokenize = tokenize_with(load_tokenizer(folder), *self, longest);
  options.done();
  const DatasetPtr data = shuffled ? sample(self, self->size(), seed) : self;
  const int64_t n = data->size(), count = (n + size - 1) / size;
  auto indices = [n, size](int64_t batch) {
    std::vector<int64_t> positions(static_cast<size_t>(std::min(size, n - batch * size)));
    std::iota(positions.begin(), positions.end(), batch * size);
    return positions;
  };
  auto loader = std::make_shared<Prefetch>(data, 0, count, indices, std::move(transform), workers, std::move(tokenize));
  return push_function(L, {"next batch", "", "", [data, loader, left = count](lua_State* L) mutable {
                             throw_if_cancelled();
                             if (left == 0) return lua_pushnil(L), 1;
                             --left;
                             lua_newtable(L);
                             lua_Integer position = 0;
                             auto batch = loader->next();
                             for (Datapoint& x : batch.datapoints) {
                               push(L, DatapointHandle(std::make_shared<Example>(Example{data, std::move(x)})));
                               lua_rawseti(L, -2, ++position);
                             }
                             if (!batch.tokens.empty()) {
                               push_tokens(L, *data, batch.tokens);
                               lua_setfield(L, -2, "tokens");
                             }
                             return 1;
                           }});
}

int skipped(lua_State* L, DatasetPtr& self) {
  lua_createtable(L, 0, 2);
  set_field(L, "count", self->skipped().count);
  set_field(L, "messages", self->skipped().messages);
  return 1;
}

int join(lua_State* L) {
  if (!lua_istable(L, 1)) wrong_argument(L, 1, "parts", "a table of data sets");
  std::vector<DatasetPtr> parts;
  for (lua_Integer i = 1, n = luaL_len(L, 1); i <= n; ++i) {
    lua_rawgeti(L, 1, i);
    parts.push_back(arg<DatasetPtr>(L, -1, "parts"));
    lua_pop(L, 1);
  }
  return push(L, concat(std::move(parts)));
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

// A method as a function of mv.datasets, beside concat.
template <int (*method)(lua_State*, DatasetPtr&)>
int as_function(lua_State* L) {
  return method(L, arg<DatasetPtr>(L, 1, "data"));
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
  if (self->skipped().count > 0)
    text += fmt::format("\n  {} damaged records were left out, see data.skipped", self->skipped().count);
  if (labels.empty()) return text;
  const size_t shown = std::min<size_t>(labels.size(), 12);
  text += fmt::format("\n  {} labels: {}", labels.size(),
                      fmt::join(labels.begin(), labels.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  return shown < labels.size() ? text + ", ..." : text;
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
  type.method("split", "data:split({0.8, 0.2}, {seed=0}) -> dataset, dataset",
              "Random parts with these shares of the datapoints, none of them in two.", split);
  type.method("readable", "data:readable() -> dataset",
              "The datapoints that can be loaded: tries every one. What could not be is in its `skipped`.",
              [](lua_State* L, auto& self) { return push(L, readable(self)); });
  type.method("in_memory", "data:in_memory() -> dataset",
              "The same datapoints, loaded now and kept: for a context that several methods read.",
              [](lua_State* L, auto& self) { return push(L, in_memory(self)); });
  type.method("batches",
              "for batch in data:batches{size=32, shuffle=false, seed=0, workers=, resize={width, height}, tokenizer=, "
              "max_length=} do",
              "Goes through the datapoints, a sequence of them at a time, loaded ahead on several threads, which bring "
              "the images to one size and tokenize the texts when asked: with tokenizer, a folder with its files, "
              "batch.tokens[modality] has input_ids, token_type_ids and attention_mask as forward_raw takes them, "
              "[size, tokens]. The order depends on the seed alone.",
              batches);
  type.property("skipped", "What on_error = \"skip\" left out: { count, messages }.", skipped);
  type.index(at_position);
  type.meta("__len", [](lua_State* L, auto& self) { return push(L, self->size()); });
  type.meta("__pairs", pairs);
  type.tostring(print);
  binder.function("datasets.split", "mv.datasets.split(data, {0.8, 0.2}, {seed=0}) -> dataset, dataset",
                  "As data:split.", as_function<split>);
  binder.function("datasets.filter", "mv.datasets.filter(data, function(x) ... end) -> dataset", "As data:filter.",
                  as_function<filter>);
  binder.function("datasets.shuffle", "mv.datasets.shuffle(data, {seed=0}) -> dataset", "As data:shuffle.",
                  as_function<shuffle>);
  binder.function("datasets.concat", "mv.datasets.concat{data, more, ...} -> dataset",
                  "Data sets of the same modalities, one after the other; their labels are joined.", join);
}

}  // namespace multiviz::script
