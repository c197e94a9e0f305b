#include "text/tokenizer.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/error.h"
#include "data/value.h"
#include "text/byte_level.h"
#include "text/pipeline.h"

namespace multiviz {
namespace {

// A token before the template: what it is, where it is, and how many blanks it has at either end.
struct Part {
  int64_t id;
  size_t begin, end;         // bytes of the text
  size_t leading, trailing;  // blanks, in characters
};

bool is_blank(const Char& c) { return c.code == blank_char || is_space(c.code); }

Part make_part(int64_t id, const Chars& chars, size_t begin, size_t end) {
  Part part{id, 0, 0, 0, 0};
  if (begin >= end) return part;
  part.begin = chars[begin].begin;
  part.end = std::max(part.begin, chars[end - 1].end);
  while (begin + part.leading < end && is_blank(chars[begin + part.leading])) ++part.leading;
  while (part.trailing < end - begin && is_blank(chars[end - 1 - part.trailing])) ++part.trailing;
  return part;
}

std::vector<Part> cut(const Tokenizer::Pipeline& pipeline, const std::string& text) {
  std::vector<Part> parts;
  for (auto& piece : pipeline.finder.split(text, pipeline.normalizer)) {
    if (piece.token >= 0) {
      parts.push_back(make_part(piece.token, piece.chars, 0, piece.chars.size()));
      continue;
    }
    std::vector<Chars> words;
    words.push_back(std::move(piece.chars));
    if (pipeline.pre_tokenizer) pipeline.pre_tokenizer(words);
    for (const auto& word : words)
      for (const auto& token : pipeline.model->tokenize(word))
        parts.push_back(make_part(token.id, word, token.begin, token.end));
  }
  return parts;
}

size_t forward(const std::string& text, size_t at, size_t end, size_t characters) {
  for (; characters > 0 && at < end; --characters) do
      ++at;
    while (at < end && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80);
  return at;
}

size_t backward(const std::string& text, size_t at, size_t begin, size_t characters) {
  for (; characters > 0 && at > begin; --characters) do
      --at;
    while (at > begin && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80);
  return at;
}

void trim(std::vector<Part>& parts, const std::string& text, bool add_prefix_space) {
  for (size_t i = 0; i < parts.size(); ++i) {
    auto& part = parts[i];
    bool put_there = add_prefix_space && part.leading == 1 && (i == 0 || part.begin == 0);
    if (!put_there) part.begin = forward(text, part.begin, part.end, part.leading);
    part.end = backward(text, part.end, part.begin, part.trailing);
  }
}

void shorten(std::vector<Part>& parts, size_t length, bool left) {
  if (parts.size() <= length) return;
  if (left)
    parts.erase(parts.begin(), parts.end() - static_cast<ptrdiff_t>(length));
  else
    parts.erase(parts.begin() + static_cast<ptrdiff_t>(length), parts.end());
}

// So that both have at most `room` tokens together, as the `tokenizers` package shares it out.
void truncate(std::vector<std::vector<Part>>& texts, size_t room, Truncation strategy, bool left) {
  size_t total = 0;
  for (const auto& parts : texts) total += parts.size();
  if (total <= room) return;
  if (strategy == Truncation::longest_first || room == 0) {
    if (texts.size() == 1 || room == 0) {
      for (auto& parts : texts) shorten(parts, room, left);
      return;
    }
    auto &small = texts[0].size() > texts[1].size() ? texts[1] : texts[0],
         &large = &small == &texts[0] ? texts[1] : texts[0];
    size_t a = small.size(), b = a > room ? a : std::max(a, room - a);
    if (a + b > room) {
      a = room / 2;
      b = a + room % 2;
    }
    shorten(small, a, left);
    shorten(large, b, left);
    return;
  }
  size_t which = strategy == Truncation::only_first ? 0 : 1;
  check(which < texts.size(), "there is no second text to truncate: use longest_first");
  check(texts[which].size() > total - room,
        "truncating the {} text alone cannot make {} tokens fit into {}: use longest_first", which ? "second" : "first",
        total, room);
  shorten(texts[which], texts[which].size() - (total - room), left);
}

// The word that shares most bytes with [begin, end), the first of several; -1 for none.
int64_t word_at(const std::vector<std::pair<size_t, size_t>>& words, size_t begin, size_t end) {
  auto word = std::partition_point(words.begin(), words.end(), [&](const auto& w) { return w.second <= begin; });
  int64_t best = -1;
  size_t most = 0;
  for (; word != words.end() && word->first < end; ++word) {
    size_t shared = std::min(end, word->second) - std::max(begin, word->first);
    if (shared <= most) continue;
    most = shared;
    best = word - words.begin();
  }
  return best;
}

void append_text(Tokens& out, const std::vector<Part>& parts, const std::string& text, int64_t number, int64_t type) {
  auto spans = words(text);
  for (const auto& part : parts) {
    out.ids.push_back(part.id);
    out.types.push_back(type);
    out.texts.push_back(number);
    out.spans.emplace_back(part.begin, part.end);
    out.words.push_back(word_at(spans, part.begin, part.end));
  }
}

void append_special(Tokens& out, const TokenTemplate::Item& item) {
  for (auto id : item.ids) {
    out.ids.push_back(id);
    out.types.push_back(item.type);
    out.texts.push_back(-1);
    out.spans.emplace_back(0, 0);
    out.words.push_back(-1);
  }
}

Tokens encode_texts(const Tokenizer::Pipeline& pipeline, const std::vector<const std::string*>& texts,
                    const EncodeOptions& options) {
  const auto& around = pipeline.around;
  const auto& items = texts.size() == 2 ? around.pair : around.single;
  std::vector<std::vector<Part>> parts;
  for (const auto* text : texts) parts.push_back(cut(pipeline, *text));
  if (options.max_length > 0) {
    size_t special = 0, longest = static_cast<size_t>(options.max_length);
    for (const auto& item : items) special += options.special_tokens ? item.ids.size() : 0;
    check(longest >= special, "max_length = {} leaves no room for the {} special tokens: give {} or more", longest,
          special, special + 1);
    truncate(parts, longest - special, options.truncation, pipeline.truncate_left);
  }
  if (around.trim_spans)
    for (size_t i = 0; i < texts.size(); ++i) trim(parts[i], *texts[i], around.add_prefix_space);
  Tokens out;
  for (const auto& item : items) {
    if (item.text >= 0) {
      auto number = static_cast<size_t>(item.text);
      bool bare = around.bare_types && !options.special_tokens;
      append_text(out, parts[number], *texts[number], item.text, bare ? item.text : item.type);
    } else if (options.special_tokens) {
      append_special(out, item);
    }
  }
  return out;
}

}  // namespace

Tokenizer::Tokenizer(std::unique_ptr<const Pipeline> pipeline) : pipeline_(std::move(pipeline)) {}
Tokenizer::~Tokenizer() = default;

Tokens Tokenizer::encode(const std::string& text, const EncodeOptions& options) const {
  return encode_texts(*pipeline_, {&text}, options);
}

Tokens Tokenizer::encode(const std::string& text, const std::string& pair, const EncodeOptions& options) const {
  return encode_texts(*pipeline_, {&text, &pair}, options);
}

TokenBatch Tokenizer::encode_batch(std::span<const std::string> texts, std::span<const std::string> pairs,
                                   const EncodeOptions& options) const {
  check(pairs.empty() || pairs.size() == texts.size(), "{} texts have {} second texts: give one for each", texts.size(),
        pairs.size());
  std::vector<Tokens> rows;
  size_t longest = static_cast<size_t>(std::max<int64_t>(options.pad_to, 0));
  for (size_t i = 0; i < texts.size(); ++i) {
    rows.push_back(pairs.empty() ? encode(texts[i], options) : encode(texts[i], pairs[i], options));
    longest = std::max(longest, rows.back().size());
  }
  std::vector<int64_t> shape = {static_cast<int64_t>(rows.size()), static_cast<int64_t>(longest)};
  TokenBatch batch{at::full(shape, pipeline_->pad, at::kLong), at::zeros(shape, at::kLong), at::zeros(shape, at::kBool),
                   at::full(shape, -1, at::kLong)};
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto& row = rows[i];
    size_t at = i * longest + (pipeline_->pad_left ? longest - row.size() : 0);
    std::copy(row.ids.begin(), row.ids.end(), batch.ids.data_ptr<int64_t>() + at);
    std::copy(row.types.begin(), row.types.end(), batch.types.data_ptr<int64_t>() + at);
    std::fill_n(batch.mask.data_ptr<bool>() + at, row.size(), true);
    for (size_t t = 0; t < row.size(); ++t)
      if (row.texts[t] == 0) batch.words.data_ptr<int64_t>()[at + t] = row.words[t];
  }
  return batch;
}

int64_t Tokenizer::size() const { return std::max(pipeline_->vocabulary.size(), pipeline_->extra.size()); }

int64_t Tokenizer::id(const std::string& token) const { return pipeline_->id(token); }

const std::string& Tokenizer::token(int64_t id) const {
  const auto* token = pipeline_->extra.token(id);
  if (!token) token = pipeline_->vocabulary.token(id);
  check(token != nullptr, "no token has the number {}: the vocabulary ends at {}", id, size() - 1);
  return *token;
}

int64_t Tokenizer::pad() const { return pipeline_->pad; }
int64_t Tokenizer::max_length() const { return pipeline_->max_length; }
const std::map<std::string, std::string>& Tokenizer::special_tokens() const { return pipeline_->special; }

}  // namespace multiviz
