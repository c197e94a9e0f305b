#pragma once
#include <span>
#include <string>
#include <string_view>

namespace multiviz {

// The candidate nearest to `word` in edit distance, or "" when none is near enough to be a typo of it.
std::string nearest(std::string_view word, std::span<const std::string> candidates);

// "; did you mean 'x'?" when there is a near candidate, else "; known: a, b, c" (at most `most` of them).
std::string suggestion(std::string_view word, std::span<const std::string> candidates, size_t most = 12);

}  // namespace multiviz
