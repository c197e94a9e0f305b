#pragma once
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "text/added_tokens.h"
#include "text/token_model.h"
#include "text/tokenizer.h"

namespace multiviz {

using PreTokenizer = std::function<void(std::vector<Chars>&)>;

// What is put around one text, or between two.
struct TokenTemplate {
  struct Item {
    int64_t text = -1;  // 0 or 1; -1 for special tokens
    int64_t type = 0;
    std::vector<int64_t> ids;  // special tokens
  };
  std::vector<Item> single = {{0, 0, {}}};
  std::vector<Item> pair = {{0, 0, {}}, {1, 1, {}}};
  bool bare_types = false;        // without special tokens, types are 0 and 1 whatever the template says
  bool trim_spans = false;        // spans leave out the blanks at either end, except
  bool add_prefix_space = false;  // the one that the pre-tokenizer put before the text
};

// A tokenizer taken apart: find added tokens, normalise, cut into words, cut those into tokens, surround.
struct Tokenizer::Pipeline {
  Vocabulary vocabulary;          // of the model
  std::vector<AddedToken> added;  // each one once; numbered by `add`
  Vocabulary extra;               // those of them that the model does not have
  AddedTokens finder;
  Normalizer normalizer;       // may be empty
  PreTokenizer pre_tokenizer;  // may be empty
  std::unique_ptr<TokenModel> model;
  TokenTemplate around;

  // From tokenizer_config.json and special_tokens_map.json.
  std::map<std::string, std::string> special;  // "mask" -> "[MASK]"
  int64_t pad = 0;
  int64_t max_length = 0;
  bool pad_left = false, truncate_left = false;

  int64_t id(const std::string& token) const;  // -1 for none
  // Adds a token under the model's number or, where the model does not have it, the next free one (whatever token.id
  // says), as the `tokenizers` package does. A token that is there stays as it is unless `replace`.
  void add(AddedToken token, bool replace = false);

 private:
  std::unordered_map<std::string, size_t> places_;  // in `added`
  int64_t largest_added_ = -1;
};

using PipelinePtr = std::unique_ptr<Tokenizer::Pipeline>;

// Settings of tokenizer_config.json, special_tokens_map.json and added_tokens.json; an object without entries when the
// file is not there. The last two count only when the first one has no added_tokens_decoder.
struct TokenizerSettings {
  nlohmann::json config = nlohmann::json::object(), special = nlohmann::json::object(),
                 added = nlohmann::json::object();
  std::string config_name, special_name, added_name;
};

// tokenizer.json. Of the settings, those of the normaliser and the pre-tokenizer go before the file's own, as they do
// when one of Hugging Face's tokenizer classes reads it.
PipelinePtr read_tokenizer_json(std::string_view json, const std::string& name, const TokenizerSettings& settings);
// vocab.txt, or vocab.json and merges.txt.
PipelinePtr read_word_piece_files(const std::string& folder, const TokenizerSettings& settings);
PipelinePtr read_bpe_files(const std::string& folder, const TokenizerSettings& settings);

// {"id": 5, "content": "<mask>", "lstrip": true, ...} without its number.
AddedToken read_added_token(const nlohmann::json& item, bool special, const std::string& where);

// Adds the tokens that the settings list and name, in Hugging Face's order, which gives new ones their numbers: those
// of added_tokens_decoder or added_tokens.json, the special ones of each kind, and additional special ones. `usual` has
// the special tokens that the family has where the settings name none: "mask" -> "[MASK]". Fills `special`.
void add_tokens_of_settings(Tokenizer::Pipeline& pipeline, const TokenizerSettings& settings,
                            const std::map<std::string, std::string>& usual);

}  // namespace multiviz
