#include <algorithm>
#include <optional>
#include <set>

#include "core/error.h"
#include "io/json.h"
#include "text/pipeline.h"

namespace multiviz {
namespace {

using nlohmann::json;

constexpr const char* kinds[] = {"bos", "eos", "unk", "sep", "pad", "cls", "mask"};

// A special token as these files write it: a string, or an object with "content".
AddedToken read_special(const json& item, const std::string& where) {
  if (item.is_object()) return read_added_token(item, true, where);
  AddedToken token{as<std::string>(item, where)};
  token.special = true;
  return token;
}

// What the settings say of the key, null for nothing; `where` becomes the place.
const json& look_up(const TokenizerSettings& settings, const std::string& key, std::string& where) {
  static const json nothing;
  for (const auto& [file, name] :
       {std::pair{&settings.special, &settings.special_name}, std::pair{&settings.config, &settings.config_name}})
    if (auto found = file->find(key); found != file->end()) {
      where = *name + ": " + key;
      return *found;
    }
  where.clear();
  return nothing;
}

// "added_tokens_decoder": {"5": {"content": "<mask>", "lstrip": true, ...}}.
void add_decoder(Tokenizer::Pipeline& pipeline, const json& decoder, const std::string& where) {
  check(decoder.is_object(), "{} must be an object of numbers and tokens", where);
  std::map<int64_t, AddedToken> tokens;
  for (const auto& [key, item] : decoder.items()) {
    bool digits = !key.empty() && key.size() < 10 &&
                  std::all_of(key.begin(), key.end(), [](char c) { return c >= '0' && c <= '9'; });
    check(digits, "{}: '{}' is not the number of a token", where, key);
    tokens[std::stoll(key)] = read_added_token(item, get_or(item, "special", false, where), where);
  }
  for (auto& [id, token] : tokens) pipeline.add(std::move(token), true);
}

// added_tokens.json: {"<mask>": 5}.
void add_listed(Tokenizer::Pipeline& pipeline, const TokenizerSettings& settings,
                const std::set<std::string>& special) {
  std::map<int64_t, AddedToken> tokens;
  for (const auto& [content, id] : settings.added.items()) {
    AddedToken token{content};
    token.special = special.contains(content);
    token.normalized = !token.special;
    tokens[as<int64_t>(id, settings.added_name)] = std::move(token);
  }
  for (auto& [id, token] : tokens) pipeline.add(std::move(token));
}

// Special tokens of other kinds: those that a model calls its own ("image_token"), and lists of more.
std::vector<AddedToken> other_special(const TokenizerSettings& settings) {
  auto usual = [](const std::string& key) {
    return std::any_of(std::begin(kinds), std::end(kinds),
                       [&](const char* kind) { return key == kind + std::string("_token"); });
  };
  std::vector<AddedToken> named, listed;
  for (const auto& [file, name] :
       {std::pair{&settings.config, &settings.config_name}, std::pair{&settings.special, &settings.special_name}}) {
    for (const auto& [key, value] : file->items())
      if (key.ends_with("_token") && value.is_string() && !usual(key)) named.push_back(read_special(value, *name));
    for (const char* key : {"additional_special_tokens", "extra_special_tokens"}) {
      auto found = file->find(key);
      if (found == file->end() || found->is_null()) continue;
      auto where = *name + ": " + key;
      check(found->is_array() || found->is_object(), "{} must be a list of tokens", where);
      for (const auto& item : *found) (found->is_array() ? listed : named).push_back(read_special(item, where));
    }
  }
  named.insert(named.end(), listed.begin(), listed.end());
  return named;
}

}  // namespace

int64_t Tokenizer::Pipeline::id(const std::string& token) const {
  int64_t number = vocabulary.id(token);
  return number >= 0 ? number : extra.id(token);
}

void Tokenizer::Pipeline::add(AddedToken token, bool replace) {
  if (token.content.empty()) return;
  if (auto [place, fresh] = places_.emplace(token.content, added.size()); !fresh) {
    token.id = added[place->second].id;
    if (replace) added[place->second] = std::move(token);
    return;
  }
  token.id = vocabulary.id(token.content);
  if (token.id < 0) {
    token.id = std::max(vocabulary.count(), largest_added_ + 1);
    extra.add(token.content, token.id, "added tokens");
  }
  largest_added_ = std::max(largest_added_, token.id);
  added.push_back(std::move(token));
}

AddedToken read_added_token(const json& item, bool special, const std::string& where) {
  AddedToken token{require<std::string>(item, "content", where)};
  token.single_word = get_or(item, "single_word", false, where);
  token.lstrip = get_or(item, "lstrip", false, where);
  token.rstrip = get_or(item, "rstrip", false, where);
  token.normalized = get_or(item, "normalized", !special, where);
  token.special = special;
  return token;
}

void add_tokens_of_settings(Tokenizer::Pipeline& pipeline, const TokenizerSettings& settings,
                            const std::map<std::string, std::string>& usual) {
  std::vector<AddedToken> special;
  std::set<std::string> named;
  std::string where;
  for (const std::string kind : kinds) {
    const auto& given = look_up(settings, kind + "_token", where);
    auto otherwise = usual.find(kind);
    if (given.is_null() && (!where.empty() || otherwise == usual.end())) continue;
    special.push_back(read_special(given.is_null() ? json(otherwise->second) : given, where));
    pipeline.special[kind] = special.back().content;
    if (!given.is_null()) named.insert(special.back().content);
  }
  for (auto& token : other_special(settings)) {
    named.insert(token.content);
    special.push_back(std::move(token));
  }
  if (auto decoder = settings.config.find("added_tokens_decoder");
      decoder != settings.config.end() && !decoder->is_null())
    add_decoder(pipeline, *decoder, settings.config_name + ": added_tokens_decoder");
  add_listed(pipeline, settings, named);
  // What is listed has its flags there; of what is only named, the last counts.
  std::set<std::string> listed;
  for (const auto& token : pipeline.added) listed.insert(token.content);
  for (auto& token : special)
    if (!listed.contains(token.content)) pipeline.add(std::move(token), true);
}

}  // namespace multiviz
