#pragma once
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
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
  Vocabulary vocabulary;  // of the model and the added tokens
  std::vector<AddedToken> added;
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
};

using PipelinePtr = std::unique_ptr<Tokenizer::Pipeline>;

// Settings of tokenizer_config.json and special_tokens_map.json; an object without entries when the file is not there.
struct TokenizerSettings {
  nlohmann::json config = nlohmann::json::object(), special = nlohmann::json::object();
  std::string config_name, special_name;
};

// tokenizer.json.
PipelinePtr read_tokenizer_json(std::string_view json, const std::string& name);
// vocab.txt, or vocab.json and merges.txt.
PipelinePtr read_word_piece_files(const std::string& folder, const TokenizerSettings& settings);
PipelinePtr read_bpe_files(const std::string& folder, const TokenizerSettings& settings);

// The content of a special token as these files write it (a string, or an object with "content"), "" for none.
std::string special_token(const TokenizerSettings& settings, const std::string& key);

}  // namespace multiviz
