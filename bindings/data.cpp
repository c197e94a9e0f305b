#include "bindings/data.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/suggest.h"
#include "io/image.h"

namespace multiviz::script {
namespace {

// ": this, film, works"
std::string first_names(const std::vector<std::string>& names) {
  constexpr size_t shown = 8;
  if (names.empty()) return "";
  const auto last = names.begin() + static_cast<std::ptrdiff_t>(std::min(shown, names.size()));
  return fmt::format(": {}{}", fmt::join(names.begin(), last, ", "), names.size() > shown ? ", ..." : "");
}

// The tensor at this index as finite float32 of so many dimensions.
at::Tensor to_numbers(lua_State* L, int index, int64_t dimensions, const std::string& where) {
  auto tensor = to_tensor(L, index, where);
  check(tensor.has_value(), "{} must be a tensor or nested tables of numbers, not {}", where, type_name(L, index));
  check(tensor->dim() == dimensions, "{} must have {} dimensions, not {}", where, dimensions, tensor->dim());
  check(!tensor->is_complex(), "{} must hold real numbers", where);
  check(tensor->numel() > 0, "{} is empty", where);
  at::Tensor numbers = tensor->detach().cpu().to(at::kFloat).contiguous();
  check(at::isfinite(numbers).all().item<bool>(), "{} holds a number that is not finite", where);
  return numbers;
}

Image read_image(lua_State* L, int index, const std::string& where) {
  if (auto* image = test<Image>(L, index)) return *image;
  if (lua_type(L, index) == LUA_TSTRING) {
    try {
      return {load_image(lua_tostring(L, index))};
    } catch (const Error& error) {
      fail("{}: {}", where, error.what());
    }
  }
  auto tensor = to_tensor(L, index, where);
  check(tensor.has_value(), "{} must be an image, a tensor or a file's name, not {}", where, type_name(L, index));
  return to_image(*tensor, where);
}

// A field of the modality description on top of the stack.
std::optional<std::string> text_field(lua_State* L, const char* name) {
  lua_getfield(L, -1, name);
  std::optional<std::string> text;
  if (lua_type(L, -1) == LUA_TSTRING) text = lua_tostring(L, -1);
  check(text || lua_isnil(L, -1), "{}: '{}' of a modality must be a string, not {}", function_name(L), name,
        type_name(L, -1));
  lua_pop(L, 1);
  return text;
}

std::vector<std::string> strings_field(lua_State* L, const char* key, const std::string& modality) {
  lua_getfield(L, -1, key);
  std::vector<std::string> strings;
  if (!lua_isnil(L, -1)) {
    auto given = to_strings(L, -1);
    check(given.has_value(), "{}: '{}' of modality '{}' must be a table of strings", function_name(L), key, modality);
    strings = std::move(*given);
  }
  lua_pop(L, 1);
  return strings;
}

void check_field_names(lua_State* L) {
  static const std::vector<std::string> known = {"name", "kind", "field", "names", "columns"};
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    const std::string key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : type_name(L, -2);
    if (std::find(known.begin(), known.end(), key) == known.end())
      fail("{}: a modality has no option '{}'{}", function_name(L), key, suggestion(key, known));
  }
}

// One entry of `modalities`, on top of the stack; `name` is empty in a sequence, where a kind is the name too.
Field read_field(lua_State* L, std::string name) {
  if (lua_type(L, -1) == LUA_TSTRING) {
    const std::string kind = lua_tostring(L, -1);
    if (name.empty()) name = kind;
    return {{name, parse_kind(kind)}, name, {}};
  }
  if (!lua_istable(L, -1))
    fail("{}: {} must be a kind (\"image\", \"text\", \"time_series\", \"tabular\") or a table, not {}",
         function_name(L), name.empty() ? "a modality" : fmt::format("modality '{}'", name), type_name(L, -1));
  check_field_names(L);
  if (auto given = text_field(L, "name")) name = *given;
  check(!name.empty(), "{}: a modality in a sequence needs a name: {{ name = \"image\", kind = \"image\" }}",
        function_name(L));
  auto kind = text_field(L, "kind");
  check(kind.has_value(), "{}: modality '{}' needs a kind", function_name(L), name);
  Field field{{name, parse_kind(*kind)}, text_field(L, "field").value_or(name), {}};
  field.names = strings_field(L, "names", name);
  field.columns = strings_field(L, "columns", name);
  return field;
}

size_t bytes_of(const Value& value) {
  switch (kind_of(value)) {
    case ModalityKind::image:
      return std::get<Image>(value).pixels.nbytes();
    case ModalityKind::text:
      return std::get<Text>(value).string.size();
    case ModalityKind::time_series:
      return std::get<TimeSeries>(value).frames.nbytes();
    case ModalityKind::tabular:
      break;
  }
  return std::get<Table>(value).columns.nbytes();
}

}  // namespace

Image to_image(const at::Tensor& tensor, const std::string& where) {
  at::Tensor pixels = tensor.detach().cpu();
  if (pixels.dim() == 2) pixels = pixels.unsqueeze(2).expand({-1, -1, 3});
  check(pixels.dim() == 3 && pixels.size(2) == 3, "{} must be a tensor [H, W, 3] or [H, W], not [{}]", where,
        fmt::join(tensor.sizes(), ", "));
  check(pixels.numel() > 0, "{} has no pixels", where);
  if (pixels.scalar_type() == at::kByte) return {pixels.contiguous()};
  check(at::isFloatingType(pixels.scalar_type()), "{} must hold uint8 or floats from 0 to 1, not {}", where,
        dtype_name(pixels.scalar_type()));
  pixels = pixels.to(at::kFloat);
  check(pixels.ge(0).logical_and(pixels.le(1)).all().item<bool>(),
        "{} holds floats outside 0 to 1: divide by 255, or give uint8", where);
  return {pixels.mul(255).round().to(at::kByte).contiguous()};
}

int push(lua_State* L, DatapointHandle x) {
  size_t bytes = sizeof(Example);
  for (const Value& value : x->datapoint.values) bytes += bytes_of(value);
  for (const Region& region : x->datapoint.regions) bytes += region.mask.defined() ? region.mask.nbytes() : 0;
  account(L, bytes);
  return push_object(L, std::move(x));
}

int push(lua_State* L, const Value& value) {
  switch (kind_of(value)) {
    case ModalityKind::image:
      return push(L, std::get<Image>(value));
    case ModalityKind::text:
      return push(L, std::get<Text>(value).string);
    case ModalityKind::time_series:
      return push(L, std::get<TimeSeries>(value).frames);
    case ModalityKind::tabular:
      break;
  }
  return push(L, std::get<Table>(value).columns);
}

Value to_value(lua_State* L, int index, const Modality& modality, const std::string& where) {
  index = lua_absindex(L, index);
  switch (modality.kind) {
    case ModalityKind::image:
      return read_image(L, index, where);
    case ModalityKind::text: {
      check(lua_type(L, index) == LUA_TSTRING, "{} must be a string, not {}", where, type_name(L, index));
      std::string text(lua_tostring(L, index), lua_rawlen(L, index));
      check(text.find_first_not_of(" \t\r\n") != std::string::npos, "{} is empty: give the text", where);
      return Text{std::move(text)};
    }
    case ModalityKind::time_series:
      return TimeSeries{to_numbers(L, index, 2, where), {}, {}, {}};
    case ModalityKind::tabular:
      break;
  }
  return Table{to_numbers(L, index, 1, where), {}};
}

std::vector<Field> modalities_option(Options& options, lua_State* L) {
  options.require("modalities");
  if (options.raw("modalities") != LUA_TTABLE) options.wrong("modalities", "a table: { image = \"image\", ... }");
  std::vector<Field> fields;
  const auto count = static_cast<lua_Integer>(lua_rawlen(L, -1));
  for (lua_Integer i = 1; i <= count; ++i) {
    lua_rawgeti(L, -1, i);
    fields.push_back(read_field(L, ""));
    lua_pop(L, 1);
  }
  const auto ordered = static_cast<std::ptrdiff_t>(fields.size());
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
    if (lua_type(L, -2) == LUA_TSTRING) fields.push_back(read_field(L, lua_tostring(L, -2)));
  std::sort(fields.begin() + ordered, fields.end(), [](const Field& a, const Field& b) {
    return std::tie(a.modality.kind, a.modality.name) < std::tie(b.modality.kind, b.modality.name);
  });
  lua_pop(L, 1);
  for (size_t i = 0; i < fields.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      check(fields[i].modality.name != fields[j].modality.name, "{}: there are two modalities '{}': name them apart",
            function_name(L), fields[i].modality.name);
  return fields;
}

OnError on_error_option(Options& options) {
  return options.choice("on_error", {"fail", "skip"}, "fail") == "skip" ? OnError::skip : OnError::fail;
}

std::string describe(const Value& value) {
  switch (kind_of(value)) {
    case ModalityKind::image: {
      const auto& pixels = std::get<Image>(value).pixels;
      return fmt::format("{} x {} pixels", pixels.size(1), pixels.size(0));
    }
    case ModalityKind::text:
      return '"' + std::get<Text>(value).string + '"';
    case ModalityKind::time_series: {
      const auto& series = std::get<TimeSeries>(value);
      return fmt::format("{} frames of {}{}", series.frames.size(0), series.frames.size(1),
                         first_names(series.frame_names));
    }
    case ModalityKind::tabular:
      break;
  }
  const auto& table = std::get<Table>(value);
  return fmt::format("{} columns{}", table.columns.size(0), first_names(table.names));
}

}  // namespace multiviz::script
