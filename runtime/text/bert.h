#pragma once
#include <vector>

#include "text/unicode.h"

namespace multiviz {

// BERT's cleaning of a text (its BasicTokenizer): control characters go, white space becomes a blank, Chinese
// characters get blanks around them, accents go, letters become small.
struct BertNormalizer {
  bool clean_text = true;
  bool chinese = true;
  bool strip_accents = true;
  bool lower = true;

  void operator()(Chars& chars) const;
};

// At white space, which goes, and around every punctuation mark.
void split_bert(std::vector<Chars>& pieces);

}  // namespace multiviz
