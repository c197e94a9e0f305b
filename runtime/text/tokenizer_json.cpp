#include <algorithm>

#include "core/error.h"
#include "io/json.h"
#include "text/bert.h"
#include "text/bpe.h"
#include "text/byte_level.h"
#include "text/clip.h"
#include "text/pipeline.h"
#include "text/word_piece.h"

namespace multiviz {
namespace {

using nlohmann::json;

constexpr const char* families = "BERT's, GPT-2's, RoBERTa's and CLIP's tokenizers are known";

bool given(const json& object, const char* key) { return object.contains(key) && !object.at(key).is_null(); }

const json& list(const json& object, const char* key, const std::string& where) {
  const auto& items = require(object, key, where);
  check(items.is_array(), "{}: '{}' must be a list", where, key);
  return items;
}

Normalizer read_normalizer(const json& part, const std::string& where) {
  auto type = require<std::string>(part, "type", where);
  auto form = [](NormalForm form) -> Normalizer { return [form](Chars& chars) { normalize(chars, form); }; };
  if (type == "NFC") return form(NormalForm::nfc);
  if (type == "NFD") return form(NormalForm::nfd);
  if (type == "NFKC") return form(NormalForm::nfkc);
  if (type == "NFKD") return form(NormalForm::nfkd);
  if (type == "Lowercase") return lower_case;
  if (type == "BertNormalizer") {
    bool lower = get_or(part, "lowercase", true, where);
    return BertNormalizer{get_or(part, "clean_text", true, where), get_or(part, "handle_chinese_chars", true, where),
                          get_or(part, "strip_accents", lower, where), lower};
  }
  if (type == "Replace") {
    const auto& pattern = require(part, "pattern", where);
    bool collapses = pattern.is_object() && pattern.value("Regex", json()) == "\\s+" &&
                     require<std::string>(part, "content", where) == " ";
    check(collapses, "{}: of replacements only that of \\s+ by a blank is known, not {}", where, part.dump());
    return collapse_spaces;
  }
  if (type == "Sequence") {
    std::vector<Normalizer> steps;
    for (const auto& step : list(part, "normalizers", where)) steps.push_back(read_normalizer(step, where));
    return [steps](Chars& chars) {
      for (const auto& step : steps) step(chars);
    };
  }
  fail("{}: the normalizer '{}' cannot be read: {}", where, type, families);
}

PreTokenizer read_split(const json& part, const std::string& where) {
  const std::string plain = R"('s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+)";
  const std::string with_markers = R"(<\|startoftext\|>|<\|endoftext\|>|)" + plain;
  const auto& pattern = require(part, "pattern", where);
  auto expression = pattern.is_object() ? pattern.value("Regex", json()) : json();
  bool clip = (expression == plain || expression == with_markers) && part.value("behavior", json()) == "Removed" &&
              part.value("invert", json()) == true;
  check(clip, "{}: the split at {} cannot be read: {}", where, pattern.dump(), families);
  bool markers = expression == with_markers;
  return [markers](std::vector<Chars>& pieces) { split_clip(pieces, markers); };
}

PreTokenizer read_pre_tokenizer(const json& part, const std::string& where) {
  auto type = require<std::string>(part, "type", where);
  if (type == "BertPreTokenizer") return split_bert;
  if (type == "ByteLevel")
    return ByteLevel{get_or(part, "add_prefix_space", true, where), get_or(part, "use_regex", true, where)};
  if (type == "Split") return read_split(part, where);
  if (type == "Sequence") {
    std::vector<PreTokenizer> steps;
    for (const auto& step : list(part, "pretokenizers", where)) steps.push_back(read_pre_tokenizer(step, where));
    return [steps](std::vector<Chars>& pieces) {
      for (const auto& step : steps) step(pieces);
    };
  }
  fail("{}: the pre-tokenizer '{}' cannot be read: {}", where, type, families);
}

void read_vocabulary(Vocabulary& vocabulary, const json& model, const std::string& where) {
  const auto& entries = require(model, "vocab", where);
  check(entries.is_object(), "{}: 'vocab' must be an object of tokens and their numbers: {}", where, families);
  for (const auto& [token, id] : entries.items()) vocabulary.add(token, as<int64_t>(id, where), where);
}

Bpe::Merges read_merges(const json& model, const std::string& where) {
  Bpe::Merges merges;
  for (const auto& merge : list(model, "merges", where)) {
    if (merge.is_array()) {
      auto pair = as<std::vector<std::string>>(merge, where);
      check(pair.size() == 2, "{}: a merge has {} parts: it must have two", where, pair.size());
      merges.emplace_back(pair[0], pair[1]);
      continue;
    }
    auto line = as<std::string>(merge, where);
    auto blank = line.find(' ');
    check(blank != std::string::npos && line.find(' ', blank + 1) == std::string::npos,
          "{}: the merge '{}' must be two parts with a blank between them", where, line);
    merges.emplace_back(line.substr(0, blank), line.substr(blank + 1));
  }
  return merges;
}

std::unique_ptr<TokenModel> read_model(const Vocabulary& vocabulary, const json& model, const std::string& where) {
  auto type = get_or<std::string>(model, "type", model.contains("merges") ? "BPE" : "WordPiece", where);
  if (type == "WordPiece") {
    auto longest = get_or<int64_t>(model, "max_input_chars_per_word", 100, where);
    check(longest >= 0, "{}: max_input_chars_per_word is {}", where, longest);
    return std::make_unique<WordPiece>(vocabulary, get_or<std::string>(model, "unk_token", "[UNK]", where),
                                       get_or<std::string>(model, "continuing_subword_prefix", "##", where),
                                       static_cast<size_t>(longest), where);
  }
  check(type == "BPE", "{}: the model '{}' cannot be read: {}", where, type, families);
  check(get_or(model, "dropout", 0.0, where) == 0, "{}: dropout makes encoding random: set it to null", where);
  BpeOptions options{get_or<std::string>(model, "unk_token", "", where),
                     get_or<std::string>(model, "continuing_subword_prefix", "", where),
                     get_or<std::string>(model, "end_of_word_suffix", "", where),
                     get_or(model, "fuse_unk", false, where),
                     get_or(model, "ignore_merges", false, where),
                     get_or(model, "byte_fallback", false, where)};
  return std::make_unique<Bpe>(vocabulary, read_merges(model, where), options, where);
}

std::vector<TokenTemplate::Item> read_template(const json& part, const char* key, const std::string& where) {
  std::vector<TokenTemplate::Item> items;
  const auto& special = require(part, "special_tokens", where);
  bool single = std::string_view(key) == "single";
  for (const auto& piece : list(part, key, where)) {
    check(piece.is_object() && piece.size() == 1, "{}: an item of '{}' must be a SpecialToken or a Sequence", where,
          key);
    const auto& value = piece.begin().value();
    TokenTemplate::Item item;
    item.type = get_or<int64_t>(value, "type_id", 0, where);
    check(item.type >= 0, "{}: '{}' has the type {}: types are numbered from 0", where, key, item.type);
    auto id = require<std::string>(value, "id", where);
    if (piece.begin().key() == "Sequence") {
      check(id == "A" || (id == "B" && !single), "{}: '{}' names the text '{}'", where, key, id);
      item.text = id == "A" ? 0 : 1;
    } else {
      item.ids = require<std::vector<int64_t>>(require(special, id, where), "ids", where);
    }
    items.push_back(std::move(item));
  }
  return items;
}

// RobertaProcessing and BertProcessing: [cls] A [sep], and B [sep] or [sep] B [sep] for a pair.
void read_pair_processing(TokenTemplate& around, const json& part, const std::string& where, bool roberta) {
  auto number = [&](const char* key) {
    const auto& token = list(part, key, where);
    check(token.size() == 2, "{}: '{}' must be a token and its number", where, key);
    return as<int64_t>(token[1], where);
  };
  int64_t cls = number("cls"), sep = number("sep"), second = roberta ? 0 : 1;
  around.single = {{-1, 0, {cls}}, {0, 0, {}}, {-1, 0, {sep}}};
  around.pair = around.single;
  if (roberta) around.pair.push_back({-1, 0, {sep}});
  around.pair.push_back({1, second, {}});
  around.pair.push_back({-1, second, {sep}});
  around.bare_types = !roberta;
}

void read_post_processor(TokenTemplate& around, const json& part, const std::string& where) {
  auto type = require<std::string>(part, "type", where);
  if (type == "TemplateProcessing") {
    around.single = read_template(part, "single", where);
    around.pair = read_template(part, "pair", where);
  } else if (type == "BertProcessing" || type == "RobertaProcessing") {
    read_pair_processing(around, part, where, type == "RobertaProcessing");
  } else if (type == "Sequence") {
    for (const auto& step : list(part, "processors", where)) read_post_processor(around, step, where);
    return;
  } else {
    check(type == "ByteLevel", "{}: the post-processor '{}' cannot be read: {}", where, type, families);
  }
  if (type == "ByteLevel" || type == "RobertaProcessing") {
    around.trim_spans = get_or(part, "trim_offsets", true, where);
    around.add_prefix_space = get_or(part, "add_prefix_space", true, where);
  }
}

// Their numbers follow from their order.
void read_added_tokens(Tokenizer::Pipeline& pipeline, const json& file, const std::string& where) {
  if (!given(file, "added_tokens")) return;
  for (const auto& item : list(file, "added_tokens", where))
    pipeline.add(read_added_token(item, get_or(item, "special", false, where), where), true);
}

// How batches are padded and texts truncated: the sides and the padding token. Lengths are the caller's.
void read_sides(Tokenizer::Pipeline& pipeline, const json& file, const std::string& name) {
  auto left = [&](const char* key) {
    return given(file, key) && get_or<std::string>(file[key], "direction", "Right", name + ": " + key) == "Left";
  };
  pipeline.pad_left = left("padding");
  pipeline.truncate_left = left("truncation");
  if (!given(file, "padding")) return;
  if (auto pad = get_or<std::string>(file["padding"], "pad_token", "", name + ": padding"); !pad.empty())
    pipeline.special["pad"] = pad;
}

// Copies settings into a part of the file, under the file's names for them.
void apply(json& file, const char* part, const char* type, const json& config,
           const std::vector<std::pair<const char*, const char*>>& names) {
  auto found = file.find(part);
  if (found == file.end() || !found->is_object() || found->value("type", json()) != type) return;
  for (const auto& [from, to] : names)
    if (auto setting = config.find(from); setting != config.end()) (*found)[to] = *setting;
}

void apply_settings(json& file, const json& config) {
  auto name = config.value("tokenizer_class", json());
  if (!file.is_object() || name == "PreTrainedTokenizerFast" || name == "TokenizersBackend") return;
  apply(file, "normalizer", "BertNormalizer", config,
        {{"do_lower_case", "lowercase"},
         {"strip_accents", "strip_accents"},
         {"tokenize_chinese_chars", "handle_chinese_chars"}});
  apply(file, "pre_tokenizer", "ByteLevel", config, {{"add_prefix_space", "add_prefix_space"}});
  apply(file, "post_processor", "RobertaProcessing", config,
        {{"add_prefix_space", "add_prefix_space"}, {"trim_offsets", "trim_offsets"}});
}

}  // namespace

PipelinePtr read_tokenizer_json(std::string_view text, const std::string& name, const TokenizerSettings& settings) {
  auto file = parse_json(text, name);
  apply_settings(file, settings.config);
  auto pipeline = std::make_unique<Tokenizer::Pipeline>();
  const auto& model = require(file, "model", name);
  read_vocabulary(pipeline->vocabulary, model, name + ": model");
  pipeline->model = read_model(pipeline->vocabulary, model, name + ": model");
  if (given(file, "normalizer")) pipeline->normalizer = read_normalizer(file["normalizer"], name + ": normalizer");
  if (given(file, "pre_tokenizer"))
    pipeline->pre_tokenizer = read_pre_tokenizer(file["pre_tokenizer"], name + ": pre_tokenizer");
  if (given(file, "post_processor"))
    read_post_processor(pipeline->around, file["post_processor"], name + ": post_processor");
  read_added_tokens(*pipeline, file, name + ": added_tokens");
  read_sides(*pipeline, file, name);
  return pipeline;
}

}  // namespace multiviz
