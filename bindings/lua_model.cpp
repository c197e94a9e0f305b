#include "bindings/lua_model.h"

#include <ATen/ATen.h>

#include "core/suggest.h"

namespace multiviz::script {
namespace {

// A raw value as prepare sees it: pixels uint8 [H, W, 3], a string, frames [T, F] or columns [F].
void push_value(lua_State* L, const Value& value) {
  if (const auto* image = std::get_if<Image>(&value))
    push(L, image->pixels);
  else if (const auto* text = std::get_if<Text>(&value))
    push(L, text->string);
  else if (const auto* series = std::get_if<TimeSeries>(&value))
    push(L, series->frames);
  else
    push(L, std::get<Table>(value).columns);
}

at::Tensor field(lua_State* L, int index, const char* name) {
  lua_getfield(L, index, name);
  auto* tensor = test<at::Tensor>(L, -1);
  check(tensor || lua_isnil(L, -1), "'{}' of a leaf must be a tensor, got {}", name, type_name(L, -1));
  auto out = tensor ? *tensor : at::Tensor();
  lua_pop(L, 1);
  return out;
}

// One tensor, or a table of them.
std::vector<at::Tensor> read_tensors(lua_State* L, int index, const std::string& what) {
  if (auto* tensor = test<at::Tensor>(L, index)) return {*tensor};
  check(lua_type(L, index) == LUA_TTABLE, "{} must return a tensor or a table of tensors, got {}", what,
        type_name(L, index));
  std::vector<at::Tensor> out;
  auto count = static_cast<lua_Integer>(lua_rawlen(L, index));
  for (lua_Integer i = 1; i <= count; ++i) {
    lua_rawgeti(L, index, i);
    auto* tensor = test<at::Tensor>(L, -1);
    check(tensor != nullptr, "{} must return a tensor or a table of tensors, got {} in it", what, type_name(L, -1));
    out.push_back(*tensor);
    lua_pop(L, 1);
  }
  check(!out.empty(), "{} returned an empty table: return a tensor or a table of tensors", what);
  return out;
}

void push_tensors(lua_State* L, const std::vector<at::Tensor>& tensors) {
  if (tensors.size() == 1) {
    push(L, tensors[0]);
    return;
  }
  lua_newtable(L);
  for (size_t i = 0; i < tensors.size(); ++i) {
    push(L, tensors[i]);
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
}

// tap(name, tensor) -> tensor, which works as long as `alive` does: the function may outlive the forward pass.
class TapScope {
 public:
  TapScope(Trace* trace, const Signature& signature) : state_(std::make_shared<State>(State{trace, &signature})) {}
  ~TapScope() { *state_ = {}; }
  TapScope(const TapScope&) = delete;
  TapScope& operator=(const TapScope&) = delete;

  void push(lua_State* L) const {
    push_function(
        L, {"tap", "tap(name, tensor) -> tensor", "Names an activation for traces.", [state = state_](lua_State* L) {
              auto name = arg_string(L, 1, "name");
              auto value = arg<at::Tensor>(L, 2, "tensor");
              if (!state->signature) fail("tap('{}') was called after the forward pass it belongs to", name);
              const auto& taps = state->signature->taps;
              if (std::find(taps.begin(), taps.end(), name) == taps.end())
                fail("the model does not list the tap '{}': add it to its taps{}", name,
                     taps.empty() ? std::string() : suggestion(name, taps));
              return script::push(L, multiviz::tap(state->trace, name, value));
            }});
  }

 private:
  struct State {
    Trace* trace = nullptr;
    const Signature* signature = nullptr;
  };
  std::shared_ptr<State> state_;
};

}  // namespace

LuaModel::LuaModel(Signature signature, LuaFunctions functions, std::map<std::string, at::Tensor> parameters)
    : signature_(std::move(signature)), functions_(std::move(functions)), parameters_(std::move(parameters)) {}

Leaf LuaModel::prepare(size_t modality, std::span<const Value> values) const {
  const auto& name = signature_.modalities.at(modality).name;
  check(!values.empty(), "{}: no value of '{}' was given", signature_.name, name);
  for (const auto& value : values)
    check(kind_of(value) == signature_.modalities[modality].kind, "'{}' takes {}, and was given {}", name,
          kind_name(signature_.modalities[modality].kind), kind_name(kind_of(value)));
  Leaf leaf;
  const auto& function = functions_.prepare[modality];
  if (!function) return default_leaf(modality, values);
  function->call(
      [&](lua_State* L) {
        lua_newtable(L);
        for (size_t i = 0; i < values.size(); ++i) {
          push_value(L, values[i]);
          lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
        }
        return 1;
      },
      1,
      [&](lua_State* L) {
        if (auto* tensor = test<at::Tensor>(L, 1)) {
          leaf.tensor = *tensor;
          return;
        }
        check(lua_type(L, 1) == LUA_TTABLE, "prepare.{} must return a tensor or {{tensor=, mask=, atoms=}}, got {}",
              name, type_name(L, 1));
        leaf = {field(L, 1, "tensor"), field(L, 1, "mask"), field(L, 1, "atoms"), {}};
        if (leaf.atoms.defined()) leaf.atoms = leaf.atoms.to(at::kLong) - 1;
      });
  check(leaf.tensor.defined() && leaf.tensor.dim() > 0 && leaf.tensor.size(0) == static_cast<int64_t>(values.size()),
        "prepare.{} must return a tensor with {} rows, one for each value", name, values.size());
  check(leaf.tensor.is_floating_point(), "prepare.{} must return floating-point numbers, got {}", name,
        c10::toString(leaf.tensor.scalar_type()));
  for (const auto& value : values)
    if (const auto* image = std::get_if<Image>(&value))
      leaf.areas.push_back(
          {0, 0, static_cast<double>(image->pixels.size(1)), static_cast<double>(image->pixels.size(0))});
  return leaf;
}

Leaf LuaModel::default_leaf(size_t modality, std::span<const Value> values) const {
  const auto& name = signature_.modalities[modality].name;
  std::vector<at::Tensor> rows;
  Leaf leaf;
  for (const auto& value : values) {
    if (const auto* image = std::get_if<Image>(&value)) {
      rows.push_back(image->pixels.permute({2, 0, 1}).to(at::kFloat).div(255));
      leaf.areas.push_back(
          {0, 0, static_cast<double>(image->pixels.size(1)), static_cast<double>(image->pixels.size(0))});
    } else if (const auto* series = std::get_if<TimeSeries>(&value)) {
      rows.push_back(series->frames);
    } else if (const auto* table = std::get_if<Table>(&value)) {
      rows.push_back(table->columns);
    } else {
      fail("{} needs prepare.{}: a function from strings to a leaf {{tensor=, mask=, atoms=}}", signature_.name, name);
    }
    check(rows.back().sizes() == rows.front().sizes(),
          "the values of '{}' differ in size: give the model a function prepare.{}", name, name);
  }
  leaf.tensor = at::stack(rows).to(device());
  return leaf;
}

Encoding LuaModel::encode(size_t modality, const Leaf& leaf, Trace* trace) const {
  const auto& function = functions_.encode[modality];
  if (!function) return {{leaf.tensor}};
  Encoding out;
  auto what = "encode." + signature_.modalities[modality].name;
  TapScope taps(trace, signature_);
  function->call(
      [&](lua_State* L) {
        push(L, leaf.tensor);
        if (leaf.mask.defined())
          push(L, leaf.mask);
        else
          lua_pushnil(L);
        taps.push(L);
        return 3;
      },
      1, [&](lua_State* L) { out.tensors = read_tensors(L, 1, what); });
  for (const auto& tensor : out.tensors)
    check(tensor.dim() > 0 && tensor.size(0) == leaf.tensor.size(0), "{} must return tensors with {} rows, got [{}]",
          what, leaf.tensor.size(0), fmt::join(tensor.sizes(), ", "));
  return out;
}

Output LuaModel::fuse(std::span<const Encoding> encodings, Trace* trace) const {
  check(encodings.size() == signature_.modalities.size(), "{} fuses {} encodings, got {}", signature_.name,
        signature_.modalities.size(), encodings.size());
  int64_t batch = 0;
  for (const auto& encoding : encodings) batch = std::max(batch, encoding.batch());
  Output output;
  TapScope taps(trace, signature_);
  functions_.fuse->call(
      [&](lua_State* L) {
        for (const auto& encoding : encodings) push_tensors(L, encoding.tensors);
        taps.push(L);
        return static_cast<int>(encodings.size()) + 1;
      },
      2,
      [&](lua_State* L) {
        auto* logits = test<at::Tensor>(L, 1);
        check(logits != nullptr, "fuse must return logits as a tensor, got {}", type_name(L, 1));
        auto* features = test<at::Tensor>(L, 2);
        check(features || lua_isnil(L, 2), "fuse must return features as a tensor, got {}", type_name(L, 2));
        output = {*logits, features ? *features : *logits};
      });
  check_output(output, batch);
  return output;
}

void LuaModel::check_output(const Output& output, int64_t batch) const {
  check(output.logits.sizes() == at::IntArrayRef({batch, signature_.outputs()}),
        "fuse must return logits [{}, {}], got [{}]", batch, signature_.outputs(),
        fmt::join(output.logits.sizes(), ", "));
  check(output.features.sizes() == at::IntArrayRef({batch, signature_.features}),
        "fuse must return features [{}, {}], got [{}]", batch, signature_.features,
        fmt::join(output.features.sizes(), ", "));
}

std::vector<std::pair<std::string, at::Tensor>> LuaModel::parameters() const {
  return {parameters_.begin(), parameters_.end()};
}

at::Device LuaModel::device() const {
  return parameters_.empty() ? at::Device(at::kCPU) : parameters_.begin()->second.device();
}

void LuaModel::to(at::Device device) {
  check(device == this->device(), "{} is written in Lua and stays on {}: make its tensors on {}", signature_.name,
        this->device().str(), device.str());
}

}  // namespace multiviz::script
