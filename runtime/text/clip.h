#pragma once
#include <vector>

#include "text/unicode.h"

namespace multiviz {

// Every run of white space becomes one blank.
void collapse_spaces(Chars& chars);

// CLIP's pre-tokenizer, the matches of
//   <\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+
// of which the first two count only with `markers`; white space goes.
void split_clip(std::vector<Chars>& pieces, bool markers);

}  // namespace multiviz
