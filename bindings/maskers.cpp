#include "bindings/maskers.h"

namespace multiviz::script {
namespace {

std::vector<Region> read_boxes(lua_State* L, Options& options) {
  std::vector<Region> out;
  constexpr const char* expected = "a table of boxes {x0, y0, x1, y1}";
  auto type = options.raw("boxes");
  if (type != LUA_TNIL && type != LUA_TTABLE) options.wrong("boxes", expected);
  auto count = type == LUA_TTABLE ? static_cast<lua_Integer>(lua_rawlen(L, -1)) : 0;
  for (lua_Integer i = 1; i <= count; ++i) {
    lua_rawgeti(L, -1, i);
    auto corners = to_numbers(L, lua_gettop(L));
    if (!corners || corners->size() != 4) options.wrong("boxes", expected);
    out.push_back({fmt::format("box {}", i), {(*corners)[0], (*corners)[1], (*corners)[2], (*corners)[3]}, {}, false});
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return out;
}

constexpr Range many = {.min = 1, .max = 100'000};

void read_image(lua_State* L, Options& options, MaskerOptions& out) {
  out.segmentation = options.string("segmentation", out.segmentation);
  out.segments = options.integer("segments", out.segments, many);
  out.compactness = options.number("compactness", out.compactness);
  auto& quickshift = out.quickshift;
  quickshift.kernel_size = options.number("kernel_size", quickshift.kernel_size);
  quickshift.max_dist = options.number("max_dist", quickshift.max_dist);
  quickshift.ratio = options.number("ratio", quickshift.ratio);
  out.rows = options.integer("rows", out.rows, many);
  out.columns = options.integer("columns", out.columns, many);
  if (options.has("boxes")) out.boxes = read_boxes(L, options);
  out.hide = options.string("hide", out.hide);
  if (auto color = options.integers("color")) {
    check(color->size() == 3, "color must be {{red, green, blue}} from 0 to 255");
    std::copy(color->begin(), color->end(), out.color.begin());
  }
  out.blur = options.number("blur", out.blur);
}

void read_text(Options& options, MaskerOptions& out) {
  out.words = options.string("words", out.words);
  out.mask_word = options.string("mask_word", out.mask_word);
}

void read_numbers(Options& options, MaskerOptions& out) {
  out.fill = options.string("fill", out.fill);
  if (auto baseline = options.tensor("baseline")) out.baseline = *baseline;
}

void read_series(Options& options, MaskerOptions& out) {
  out.parts = options.string("parts", out.parts);
  out.frames = options.integer("frames", out.frames, many);
  read_numbers(options, out);
}

void read_kind(lua_State* L, Options& options, ModalityKind kind, MaskerOptions& out) {
  switch (kind) {
    case ModalityKind::image:
      return read_image(L, options, out);
    case ModalityKind::text:
      return read_text(options, out);
    case ModalityKind::time_series:
      return read_series(options, out);
    case ModalityKind::tabular:
      return read_numbers(options, out);
  }
}

}  // namespace

ModalityMaskers read_maskers(lua_State* L, Options& options, std::span<const Modality> modalities) {
  ModalityMaskers out;
  read_image(L, options, out);
  read_text(options, out);
  read_series(options, out);
  for (const auto& modality : modalities) {
    if (options.asked(modality.name)) continue;
    auto type = options.raw(modality.name.c_str());
    if (type != LUA_TNIL) {
      if (type != LUA_TTABLE) options.wrong(modality.name.c_str(), "a table of options for this modality");
      Options mine(L, -1);
      MaskerOptions settings = out;
      read_kind(L, mine, modality.kind, settings);
      mine.done();
      out.own[modality.name] = std::move(settings);
    }
    lua_pop(L, 1);
  }
  return out;
}

}  // namespace multiviz::script
