#include "data/flickr30k/entities.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <pugixml.hpp>

#include "core/error.h"

namespace multiviz::flickr30k {
namespace {

constexpr std::string_view blank = " \t\r\n";

// Splits "/EN#id/type/type".
Phrase open_phrase(std::string_view mark, const std::string& where) {
  check(mark.starts_with("/EN#"), "{}: a phrase must begin with [/EN#id/type, not '[{}'", where, mark);
  Phrase phrase;
  mark.remove_prefix(4);
  size_t slash = mark.find('/');
  phrase.id = mark.substr(0, slash);
  check(!phrase.id.empty(), "{}: a phrase has no id", where);
  while (slash != std::string_view::npos) {
    mark.remove_prefix(slash + 1);
    slash = mark.find('/');
    if (slash != 0 && !mark.empty()) phrase.types.emplace_back(mark.substr(0, slash));
  }
  return phrase;
}

double pixel(const pugi::xml_node& box, const char* name, const std::string& where) {
  const char* text = box.child_value(name);
  int64_t value = 0;
  const char* end = text + std::strlen(text);
  while (text < end && blank.find(*text) != std::string_view::npos) ++text;
  while (end > text && blank.find(end[-1]) != std::string_view::npos) --end;
  const auto [stop, error] = std::from_chars(text, end, value);
  check(error == std::errc() && stop == end && text != end && value >= 0 && value <= 1'000'000,
        "{}: '{}' of a box must be a number of pixels, not '{}'", where, name, std::string_view(text, end));
  return static_cast<double>(value);
}

bool flag(const pugi::xml_node& object, const char* name) { return std::strcmp(object.child_value(name), "1") == 0; }

}  // namespace

Caption parse_caption(std::string_view line, const std::string& where) {
  Caption caption;
  size_t words = 0;
  bool inside = false;
  for (size_t at = line.find_first_not_of(blank); at != std::string_view::npos;
       at = line.find_first_not_of(blank, at)) {
    const size_t end = std::min(line.find_first_of(blank, at), line.size());
    std::string_view token = line.substr(at, end - at);
    at = end;
    if (!inside && token.front() == '[') {
      inside = true;
      caption.phrases.push_back(open_phrase(token.substr(1), where));
      caption.phrases.back().first_word = words;
      continue;
    }
    const bool closes = inside && token.back() == ']';
    if (closes) token.remove_suffix(1);
    if (!token.empty()) {
      caption.text.append(words++ > 0 ? " " : "").append(token);
      if (inside) {
        std::string& text = caption.phrases.back().text;
        text.append(text.empty() ? "" : " ").append(token);
      }
    }
    if (!closes) continue;
    inside = false;
    check(!caption.phrases.back().text.empty(), "{}: a phrase has no words", where);
  }
  check(!inside, "{}: a phrase is not closed: its ']' is missing", where);
  check(words > 0, "{}: the caption is empty", where);
  return caption;
}

Objects parse_objects(const std::string& xml, const std::string& where) {
  pugi::xml_document document;
  const pugi::xml_parse_result parsed = document.load_buffer(xml.data(), xml.size());
  check(static_cast<bool>(parsed), "{}: byte {}: not valid XML: {}", where, parsed.offset, parsed.description());
  const pugi::xml_node root = document.child("annotation");
  check(static_cast<bool>(root), "{}: its outermost element must be <annotation>", where);
  Objects objects;
  for (const pugi::xml_node& object : root.children("object")) {
    const pugi::xml_node box = object.child("bndbox");
    check(static_cast<bool>(object.child("name")), "{}: an <object> has no <name>", where);
    for (const pugi::xml_node& name : object.children("name")) {
      const std::string id = name.child_value();
      check(!id.empty(), "{}: the <name> of an <object> is empty", where);
      if (box) {
        const Box pixels = {pixel(box, "xmin", where) - 1, pixel(box, "ymin", where) - 1, pixel(box, "xmax", where),
                            pixel(box, "ymax", where)};
        check(pixels.x0 < pixels.x1 && pixels.y0 < pixels.y1, "{}: the box of '{}' is empty", where, id);
        objects.boxes[id].push_back(pixels);
      }
      if (flag(object, "nobndbox")) objects.no_box.insert(id);
      if (flag(object, "scene")) objects.scene.insert(id);
    }
  }
  return objects;
}

}  // namespace multiviz::flickr30k
