#include "viewer/fonts.h"

#include <cstdlib>
#include <fstream>

#include "scratch.h"

using namespace multiviz;

namespace {

bool draws(const ImFont& font, std::initializer_list<ImWchar> characters) {
  return std::all_of(characters.begin(), characters.end(), [&](ImWchar c) { return font.FindGlyphNoFallback(c); });
}

}  // namespace

TEST_CASE("viewer: text and headings have Latin, Greek and Cyrillic, and CJK where a font has it") {
  FontLibrary fonts;
  auto* atlas = fonts.atlas(1);
  REQUIRE(atlas->Fonts.Size == 2);
  for (const auto* font : atlas->Fonts) {
    if (!text_font().empty()) CHECK(draws(*font, {U'é', U'Ω', U'я', U'→', U'≤'}));
    if (!text_font().empty() && !cjk_font().empty())
      CHECK(draws(*font, {U'图', U'圖', U'體', U'立', U'い', U'カ', U'빨', U'수'}));
    // Thai: a sign in its place.
    CHECK_FALSE(font->FindGlyphNoFallback(0x0E01));
    REQUIRE(font->FindGlyph(0x0E01));
    CHECK(font->FindGlyph(0x0E01)->Visible);
  }
  CHECK(fonts.atlas(1) == atlas);
}

TEST_CASE("viewer: a font that is none is refused") {
  Scratch scratch;
  std::ofstream(scratch / "no.ttf") << "this is no font";
  const char* before = std::getenv("MULTIVIZ_FONT");
  std::string kept = before ? before : "";
  for (const auto& file : {scratch / "no.ttf", scratch / "missing.ttf"}) {
    setenv("MULTIVIZ_FONT", file.c_str(), 1);
    CHECK(error_of([] { FontLibrary().atlas(1); }) == has(file + "' is no TrueType"));
  }
  before ? setenv("MULTIVIZ_FONT", kept.c_str(), 1) : unsetenv("MULTIVIZ_FONT");
}
