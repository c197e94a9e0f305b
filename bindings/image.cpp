#include "io/image.h"

#include <ATen/ATen.h>

#include "bindings/data.h"
#include "bindings/register.h"
#include "present/heatmap.h"

namespace multiviz::script {
namespace {

constexpr Range side = {.min = 1, .max = 65'500};

int make(lua_State* L) {
  const Value image = to_value(L, 1, {"source", ModalityKind::image}, "mv.image: 'source'");
  return push(L, std::get<Image>(image));
}

int pixels(lua_State* L, Image& self) { return push(L, self.pixels.clone()); }

int save(lua_State* L, Image& self) {
  const std::string path = arg_string(L, 2, "path");
  check(path.ends_with(".png"), "image:save: '{}' must end in .png", path);
  save_png(path, self.pixels);
  return 0;
}

int resized(lua_State* L, Image& self) {
  const int64_t width = arg_integer(L, 2, "width", side), height = arg_integer(L, 3, "height", side);
  return push(L, Image{resize(self.pixels, height, width, true).contiguous()});
}

int crop(lua_State* L, Image& self) {
  const auto width = static_cast<double>(self.pixels.size(1)), height = static_cast<double>(self.pixels.size(0));
  const int64_t x0 = arg_integer(L, 2, "x0", {0, width - 1}), y0 = arg_integer(L, 3, "y0", {0, height - 1});
  const int64_t x1 = arg_integer(L, 4, "x1", {static_cast<double>(x0) + 1, width});
  const int64_t y1 = arg_integer(L, 5, "y1", {static_cast<double>(y0) + 1, height});
  return push(L, Image{self.pixels.slice(0, y0, y1).slice(1, x0, x1).contiguous()});
}

int equal(lua_State* L) {
  auto *a = test<Image>(L, 1), *b = test<Image>(L, 2);
  return push(L, a && b && a->pixels.equal(b->pixels));
}

}  // namespace

void register_image(Binder& binder) {
  auto type = binder.type<Image>("image", "A picture: 8-bit red, green and blue.");
  type.property("width", "Pixels.", [](lua_State* L, Image& self) { return push(L, self.pixels.size(1)); });
  type.property("height", "Pixels.", [](lua_State* L, Image& self) { return push(L, self.pixels.size(0)); });
  type.method("tensor", "i:tensor() -> tensor", "The pixels, uint8 [H, W, 3]; a copy.", pixels);
  type.method("save", "i:save(path)", "Writes a PNG file.", save);
  type.method("resize", "i:resize(width, height) -> image", "Scaled, with antialiasing.", resized);
  type.method("crop", "i:crop(x0, y0, x1, y1) -> image",
              "The pixels from column x0 to before x1 and row y0 to before y1, counted from 0 as in a region's box.",
              crop);
  type.meta_raw("__eq", equal);
  type.tostring([](Image& self) { return fmt::format("image {} x {}", self.pixels.size(1), self.pixels.size(0)); });
  binder.function("image", "mv.image(source) -> image",
                  "A picture from a file (PNG, JPEG, BMP, GIF, PNM, TGA) or a tensor [H, W, 3], uint8 or floats from 0 "
                  "to 1.",
                  make);
}

}  // namespace multiviz::script
