#include "text/bpe.h"

#include <fmt/format.h>

#include <optional>
#include <queue>

#include "core/error.h"

namespace multiviz {
namespace {

uint64_t pair_key(int64_t left, int64_t right) {
  return static_cast<uint64_t>(left) << 32 | static_cast<uint64_t>(right);
}

}  // namespace

struct Bpe::Symbol {
  int64_t id;
  size_t begin, end;
  ptrdiff_t previous, next;  // -1: none
  bool gone = false;         // joined to the one before
};

Bpe::Bpe(const Vocabulary& vocabulary, const Merges& merges, BpeOptions options, const std::string& where)
    : vocabulary_(vocabulary), options_(std::move(options)), where_(where) {
  auto number = [&](const std::string& token, const auto& merge) {
    int64_t id = vocabulary_.id(token);
    check(id >= 0, "{}: the merge of '{}' and '{}' needs '{}', which is not in the vocabulary", where, merge.first,
          merge.second, token);
    return id;
  };
  unknown_ = vocabulary_.id(options_.unknown);
  merges_.reserve(merges.size());
  int64_t rank = 0;
  for (const auto& merge : merges) {
    const auto& [left, right] = merge;
    check(right.starts_with(options_.continuation), "{}: the merge of '{}' and '{}' lacks the prefix '{}'", where, left,
          right, options_.continuation);
    Merge joined{rank++, number(left + right.substr(options_.continuation.size()), merge)};
    merges_.insert_or_assign(pair_key(number(left, merge), number(right, merge)), joined);
  }
}

const Bpe::Merge* Bpe::merge(int64_t left, int64_t right) const {
  auto found = merges_.find(pair_key(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

std::vector<int64_t> Bpe::bytes_of(const std::string& token) const {
  std::vector<int64_t> ids;
  for (char byte : token) {
    ids.push_back(vocabulary_.id(fmt::format("<0x{:02X}>", static_cast<unsigned char>(byte))));
    if (ids.back() < 0) return {};
  }
  return ids;
}

std::vector<Bpe::Symbol> Bpe::symbols(const Chars& piece) const {
  std::vector<Symbol> out;
  out.reserve(piece.size());
  auto append = [&](int64_t id, size_t begin, size_t end) {
    auto here = static_cast<ptrdiff_t>(out.size());
    if (here > 0) out.back().next = here;
    out.push_back({id, begin, end, here - 1, -1});
  };
  // An unknown token waits for the next one, or the next known character: the bytes of others go before it, as they do
  // in the `tokenizers` package.
  std::optional<std::pair<size_t, size_t>> waiting;
  auto flush = [&] {
    if (waiting) append(unknown_, waiting->first, waiting->second);
    waiting.reset();
  };
  for (size_t i = 0; i < piece.size(); ++i) {
    std::string token = i > 0 ? options_.continuation : "";
    append_utf8(token, piece[i].code);
    if (i + 1 == piece.size()) token += options_.end_of_word;
    if (int64_t id = vocabulary_.id(token); id >= 0) {
      flush();
      append(id, i, i + 1);
      continue;
    }
    if (auto bytes = options_.byte_fallback ? bytes_of(token) : std::vector<int64_t>(); !bytes.empty()) {
      for (int64_t byte : bytes) append(byte, i, i + 1);
      continue;
    }
    if (options_.unknown.empty()) continue;
    check(unknown_ >= 0, "{}: the unknown token '{}' is not in the vocabulary, and '{}' needs it", where_,
          options_.unknown, token);
    if (!options_.fuse_unknown) flush();
    waiting = {waiting ? waiting->first : i, i + 1};
  }
  flush();
  return out;
}

void Bpe::join(std::vector<Symbol>& symbols) const {
  struct Candidate {
    int64_t rank;
    size_t left;
    int64_t id;
    bool operator<(const Candidate& other) const {  // the top of the queue: lowest rank, then leftmost
      return rank != other.rank ? rank > other.rank : left > other.left;
    }
  };
  std::priority_queue<Candidate> queue;
  auto offer = [&](ptrdiff_t left) {
    if (left < 0 || symbols[left].next < 0) return;
    if (const auto* found = merge(symbols[left].id, symbols[symbols[left].next].id))
      queue.push({found->rank, static_cast<size_t>(left), found->id});
  };
  for (size_t i = 0; i < symbols.size(); ++i) offer(static_cast<ptrdiff_t>(i));
  while (!queue.empty()) {
    auto top = queue.top();
    queue.pop();
    auto& left = symbols[top.left];
    if (left.gone || left.next < 0) continue;
    auto& right = symbols[left.next];
    const auto* found = merge(left.id, right.id);
    if (!found || found->id != top.id) continue;  // what was offered is there no more
    left.id = top.id;
    left.end = right.end;
    left.next = right.next;
    right.gone = true;
    if (left.next >= 0) symbols[left.next].previous = static_cast<ptrdiff_t>(top.left);
    offer(left.previous);
    offer(static_cast<ptrdiff_t>(top.left));
  }
}

std::vector<ModelToken> Bpe::tokenize(const Chars& piece) const {
  if (piece.empty()) return {};
  if (options_.ignore_merges)
    if (int64_t id = vocabulary_.id(encode_utf8(piece)); id >= 0) return {{id, 0, piece.size()}};
  auto parts = symbols(piece);
  join(parts);
  std::vector<ModelToken> tokens;
  for (const auto& part : parts)
    if (!part.gone) tokens.push_back({part.id, part.begin, part.end});
  return tokens;
}

}  // namespace multiviz
