#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multiviz {

// A text, or a pair of texts, as a model reads it: N tokens.
struct Tokens {
  std::vector<int64_t> ids;
  std::vector<int64_t> types;  // token_type_ids: which segment of a BERT-like pair
  std::vector<int64_t> texts;  // 0 for the first text, 1 for the second, -1 for a token that the tokenizer put there
  std::vector<std::pair<size_t, size_t>> spans;  // bytes [begin, end) of its text that a token stands for
  std::vector<int64_t> words;  // the word of its text (0-based, of words() in data/value.h) that it covers most, or -1

  size_t size() const { return ids.size(); }
};

enum class Truncation { longest_first, only_first, only_second };

struct EncodeOptions {
  bool special_tokens = true;  // those around the texts: [CLS], [SEP]
  int64_t max_length = 0;      // tokens in all, special ones counted; 0: as many as there are
  Truncation truncation = Truncation::longest_first;
  int64_t pad_to = 0;  // encode_batch: at least so many columns; 0: those of the longest row
};

// B encoded texts, padded to the longest, on the CPU.
struct TokenBatch {
  at::Tensor ids, types;  // int64 [B, T]
  at::Tensor mask;        // bool [B, T], true where a token is, special ones too: the attention mask
  at::Tensor words;       // int64 [B, T], Tokens::words of the first text, -1 elsewhere: Leaf::atoms
};

// Turns text into the token numbers of a pretrained model, equal to those of Hugging Face's `tokenizers` for any UTF-8
// string: WordPiece (BERT), byte-level BPE (GPT-2, RoBERTa) and CLIP's BPE. Bytes that are not UTF-8 count as U+FFFD.
// Const functions may be called from several threads.
class Tokenizer {
 public:
  struct Pipeline;  // text/pipeline.h
  explicit Tokenizer(std::unique_ptr<const Pipeline> pipeline);
  ~Tokenizer();

  // Throws Error when max_length leaves no room for the special tokens, or when only_first or only_second would have to
  // take more than that text has.
  Tokens encode(const std::string& text, const EncodeOptions& options = {}) const;
  Tokens encode(const std::string& text, const std::string& pair, const EncodeOptions& options = {}) const;
  // `pairs` is empty or has one text for each of `texts`.
  TokenBatch encode_batch(std::span<const std::string> texts, std::span<const std::string> pairs = {},
                          const EncodeOptions& options = {}) const;

  int64_t size() const;                        // the largest number + 1
  int64_t id(const std::string& token) const;  // -1 for none
  const std::string& token(int64_t id) const;  // throws Error for a number that no token has
  int64_t pad() const;                         // 0 when the files name no padding token
  int64_t max_length() const;                  // the model's, from tokenizer_config.json; 0 when not given
  // "mask" -> "[MASK]", "unk", "cls", "sep", "bos", "eos", "pad": the special tokens that the files name.
  const std::map<std::string, std::string>& special_tokens() const;

 private:
  std::unique_ptr<const Pipeline> pipeline_;
};

using TokenizerPtr = std::shared_ptr<const Tokenizer>;

// From a folder: tokenizer.json when it is there, else the slow files, vocab.txt (WordPiece) or vocab.json + merges.txt
// (BPE; CLIP's when tokenizer_config.json says so or its start token is in the vocabulary); tokenizer_config.json,
// special_tokens_map.json and added_tokens.json are read when they are there. The files are untrusted. Throws Error
// naming the file: when there is none of them, when one is broken, and for a part that is none of these families'.
TokenizerPtr load_tokenizer(const std::string& folder);

// The same from the text of a tokenizer.json; `name` is the file, for errors.
TokenizerPtr parse_tokenizer(std::string_view json, const std::string& name);

}  // namespace multiviz
