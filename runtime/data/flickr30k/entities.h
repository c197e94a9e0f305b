#pragma once
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "data/datapoint.h"

namespace multiviz::flickr30k {

// A phrase of a caption that Flickr30k Entities annotates.
struct Phrase {
  std::string text;                // "a smiling woman"
  std::string id;                  // of its coreference chain; "0" for phrases that name nothing visual
  std::vector<std::string> types;  // "people", "clothing", ...
  size_t first_word = 0;           // its place among the caption's words, from 0
};

struct Caption {
  std::string text;  // without the marks, words joined by single spaces
  std::vector<Phrase> phrases;
};

// A line of Sentences/ID.txt: words, and phrases as [/EN#id/type/type word word]. Throws Error starting with `where`
// for a mark without id or words, and for brackets that are not closed.
Caption parse_caption(std::string_view line, const std::string& where);

// What Annotations/ID.xml says of the picture.
struct Objects {
  std::map<std::string, std::vector<Box>> boxes;  // by chain; several where several things are meant
  std::set<std::string> no_box;                   // chains that are not in the picture
  std::set<std::string> scene;                    // chains that mean all of it
};

// Boxes are published as inclusive pixels from 1; here as [x0, x1) from 0. No entity but XML's own five is expanded,
// and no document type is read. Throws Error starting with `where`, for broken XML with the byte.
Objects parse_objects(const std::string& xml, const std::string& where);

}  // namespace multiviz::flickr30k
