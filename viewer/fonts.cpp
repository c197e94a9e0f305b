#include "viewer/fonts.h"

#include <iconv.h>

#include <cmath>
#include <cstdlib>
#include <fstream>

#include "core/error.h"

namespace multiviz {
namespace {

constexpr float text_size = 15, heading_size = 18;

// ImGui keeps the pointer: static.
constexpr ImWchar alphabets[] = {0x20,   0x24F,  0x2B0,  0x36F,  0x370,  0x52F,  0x1E00, 0x1FFF, 0x2000, 0x206F,
                                 0x2070, 0x209F, 0x20A0, 0x20BF, 0x2100, 0x218F, 0x2190, 0x21FF, 0x2200, 0x22FF,
                                 0x2500, 0x257F, 0x25A0, 0x25FF, 0x2700, 0x27BF, 0xFFFD, 0xFFFD, 0};

// The characters of Big5's first level, which are those of traditional Chinese in common use, as UTF-8.
std::string traditional_chinese() {
  std::string big5, utf8(30000, '\0');
  for (int high = 0xA4; high <= 0xC6; ++high)
    for (int low = 0x40; low <= (high == 0xC6 ? 0x7E : 0xFE); ++low)
      if (low <= 0x7E || low >= 0xA1) big5 += {static_cast<char>(high), static_cast<char>(low)};
  auto converter = iconv_open("UTF-8", "BIG5");
  if (converter == reinterpret_cast<iconv_t>(-1)) return "";
  char *from = big5.data(), *to = utf8.data();
  size_t left = big5.size(), room = utf8.size();
  iconv(converter, &from, &left, &to, &room);
  iconv_close(converter);
  utf8.resize(utf8.size() - room);
  return utf8;
}

// ImGui keeps the pointer: static.
const ImWchar* cjk_ranges(ImFontAtlas& atlas) {
  static const auto ranges = [&] {
    ImFontGlyphRangesBuilder builder;
    builder.AddRanges(atlas.GetGlyphRangesJapanese());
    builder.AddRanges(atlas.GetGlyphRangesChineseSimplifiedCommon());
    builder.AddRanges(atlas.GetGlyphRangesKorean());
    builder.AddText(traditional_chinese().c_str());
    ImVector<ImWchar> built;
    builder.BuildRanges(&built);
    return built;
  }();
  return ranges.Data;
}

void add_cjk(ImFontAtlas& atlas, const std::string& file, float size) {
  ImFontConfig config;
  config.MergeMode = true;
  config.OversampleH = 1;
  atlas.AddFontFromFileTTF(file.c_str(), size, &config, cjk_ranges(atlas));
}

void fill(ImFontAtlas& atlas, float scale) {
  atlas.Flags |= ImFontAtlasFlags_NoPowerOfTwoHeight;  // each window has its copy
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

// Headings have the text's glyph where they have none of their own, on the same line: a second set of CJK would double
// the atlas.
void lend_glyphs(const ImFont& text, ImFont& heading) {
  float down = std::round(heading.Ascent - text.Ascent);
  for (const auto& glyph : text.Glyphs) {
    auto code = static_cast<ImWchar>(glyph.Codepoint);
    if (heading.FindGlyphNoFallback(code)) continue;
    heading.AddGlyph(nullptr, code, glyph.X0, glyph.Y0 + down, glyph.X1, glyph.Y1 + down, glyph.U0, glyph.V0, glyph.U1,
                     glyph.V1, glyph.AdvanceX);
  }
  heading.BuildLookupTable();
}

// Whether ImGui can read it: it ends the program where a file is no font.
bool is_font(const char* path) {
  std::ifstream in(path, std::ios::binary);
  std::string magic(4, '\0');
  in.read(magic.data(), 4);
  return in && (magic == std::string("\0\1\0\0", 4) || magic == "true" || magic == "OTTO" || magic == "ttcf");
}

std::string first_of(std::initializer_list<const char*> paths) {
  for (const char* path : paths)
    if (path && *path && is_font(path)) return path;
  return "";
}

}  // namespace

std::string text_font() {
  const char* wanted = std::getenv("MULTIVIZ_FONT");
  check(!wanted || !*wanted || is_font(wanted), "MULTIVIZ_FONT: '{}' is no TrueType or OpenType font that can be read",
        wanted ? wanted : "");
  return first_of({wanted, "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "/usr/share/fonts/TTF/DejaVuSans.ttf",
                   "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
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
    lend_glyphs(*fresh->Fonts[0], *fresh->Fonts[1]);
    slot = std::move(fresh);
  }
  return slot.get();
}

}  // namespace multiviz
