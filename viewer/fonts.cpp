#include "viewer/fonts.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>

namespace multiviz {
namespace {

constexpr float text_size = 15, heading_size = 18;

// ImGui keeps the pointer: static.
constexpr ImWchar alphabets[] = {0x20,   0x24F,  0x2B0,  0x36F,  0x370,  0x52F,  0x1E00, 0x1FFF, 0x2000, 0x206F,
                                 0x2070, 0x209F, 0x20A0, 0x20BF, 0x2100, 0x218F, 0x2190, 0x21FF, 0x2200, 0x22FF,
                                 0x2500, 0x257F, 0x25A0, 0x25FF, 0x2700, 0x27BF, 0xFFFD, 0xFFFD, 0};

std::string first_of(std::initializer_list<const char*> paths) {
  for (const char* path : paths)
    if (path && *path && std::filesystem::exists(path)) return path;
  return "";
}

void add_cjk(ImFontAtlas& atlas, const std::string& file, float size) {
  ImFontConfig config;
  config.MergeMode = true;
  config.OversampleH = 1;
  atlas.AddFontFromFileTTF(file.c_str(), size, &config, atlas.GetGlyphRangesJapanese());
  atlas.AddFontFromFileTTF(file.c_str(), size, &config, atlas.GetGlyphRangesChineseSimplifiedCommon());
  atlas.AddFontFromFileTTF(file.c_str(), size, &config, atlas.GetGlyphRangesKorean());
}

void fill(ImFontAtlas& atlas, float scale) {
  auto file = text_font();
  if (file.empty()) {
    ImFontConfig config;
    config.SizePixels = std::round(13 * scale);
    atlas.AddFontDefault(&config);
    atlas.AddFontDefault(&config);
    return;
  }
  ImFontConfig config;
  config.OversampleH = 2;
  auto pixels = [&](float size) { return std::round(size * scale); };
  atlas.AddFontFromFileTTF(file.c_str(), pixels(text_size), &config, alphabets);
  auto cjk = cjk_font();
  if (!cjk.empty()) add_cjk(atlas, cjk, pixels(text_size));
  atlas.AddFontFromFileTTF(file.c_str(), pixels(heading_size), &config, alphabets);
}

}  // namespace

std::string text_font() {
  return first_of({std::getenv("MULTIVIZ_FONT"), "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
                   "/usr/share/fonts/TTF/DejaVuSans.ttf", "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
                   "/usr/share/fonts/truetype/liberation2/LiberationSans-Regular.ttf",
                   "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
                   "/usr/share/fonts/truetype/freefont/FreeSans.ttf"});
}

std::string cjk_font() {
  return first_of({"/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
                   "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc", "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
                   "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf"});
}

ImFontAtlas* FontLibrary::atlas(float scale) {
  auto& slot = atlases_[static_cast<int>(std::lround(scale * 100))];
  if (!slot) {
    auto fresh = std::make_unique<ImFontAtlas>();
    fill(*fresh, scale);
    fresh->Build();
    slot = std::move(fresh);
  }
  return slot.get();
}

}  // namespace multiviz
