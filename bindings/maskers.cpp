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

}  // namespace

MaskerOptions read_masker(lua_State* L, Options& options) {
  constexpr Range many = {.min = 1, .max = 100'000};
  MaskerOptions out;
  out.segmentation = options.string("segmentation", out.segmentation);
  out.segments = options.integer("segments", out.segments, many);
  out.compactness = options.number("compactness", out.compactness);
  out.rows = options.integer("rows", out.rows, many);
  out.columns = options.integer("columns", out.columns, many);
  out.boxes = read_boxes(L, options);
  out.hide = options.string("hide", out.hide);
  if (auto color = options.integers("color")) {
    check(color->size() == 3, "color must be {{red, green, blue}} from 0 to 255");
    std::copy(color->begin(), color->end(), out.color.begin());
  }
  out.blur = options.number("blur", out.blur);
  out.words = options.string("words", out.words);
  out.mask_word = options.string("mask_word", out.mask_word);
  out.parts = options.string("parts", out.parts);
  out.frames = options.integer("frames", out.frames, many);
  out.fill = options.string("fill", out.fill);
  if (auto baseline = options.tensor("baseline")) out.baseline = *baseline;
  return out;
}

}  // namespace multiviz::script
