#pragma once
#include <imgui/imgui.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace multiviz {

// The first of these that exists: $MULTIVIZ_FONT, DejaVu Sans, Noto Sans, Liberation Sans, ...; "" when none does.
// Throws Error when $MULTIVIZ_FONT is no font.
std::string text_font();
// A font with Chinese, Japanese and Korean, or "".
std::string cjk_font();

// Glyphs by pixel size, made once and shared by all windows: Latin, Greek, Cyrillic, arrows and mathematical signs, and
// CJK in common use where a font has it; any other character is drawn as a sign of its own. Fonts[0] is for text, Fonts[1] for headings.
class FontLibrary {
 public:
  ImFontAtlas* atlas(float scale);

 private:
  std::map<int, std::unique_ptr<ImFontAtlas>> atlases_;  // by percent
};

}  // namespace multiviz
