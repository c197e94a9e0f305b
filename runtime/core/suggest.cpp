#include "core/suggest.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace multiviz {
namespace {

// Insertions, deletions, substitutions and swaps of neighbours that turn a into b.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before, last, row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    before = std::move(last);
    last = row;
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

std::string nearest(std::string_view word, std::span<const std::string> candidates) {
  constexpr size_t longest = 256;  // quadratic cost: a longer "typo" is not one
  if (word.size() > longest) return "";
  size_t best = (word.size() < 4 ? 1 : std::max<size_t>(2, word.size() / 3)) + 1;
  std::string found;
  for (const auto& candidate : candidates) {
    if (candidate.size() > longest) continue;
    size_t distance = edit_distance(word, candidate);
    if (distance < best && distance < word.size()) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

std::string suggestion(std::string_view word, std::span<const std::string> candidates, size_t most) {
  if (auto near = nearest(word, candidates); !near.empty()) return fmt::format("; did you mean '{}'?", near);
  if (candidates.empty()) return "";
  std::string list;
  for (size_t i = 0; i < std::min(most, candidates.size()); ++i) list += (i ? ", " : "") + candidates[i];
  if (candidates.size() > most) list += ", ...";
  return "; known: " + list;
}

}  // namespace multiviz
