#include "core/suggest.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace multiviz {
namespace {

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t substitute = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
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
