#include <algorithm>
#include <filesystem>

#include "core/error.h"
#include "io/file.h"
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

std::vector<std::string> read_lines(const std::string& path) {
  std::string text = read_file(path);
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    if (!lines.back().empty() && lines.back().back() == '\r') lines.back().pop_back();
    at = end + 1;
  }
  return lines;
}

int64_t number_of(const Tokenizer::Pipeline& pipeline, const char* kind, const std::string& where) {
  auto token = pipeline.special.find(kind);
  check(token != pipeline.special.end(), "{}: the settings of this tokenizer must name a {}_token", where, kind);
  int64_t id = pipeline.id(token->second);
  check(id >= 0, "{}: the {}_token is empty", where, kind);
  return id;
}

bool trailing_space(const std::string& line) { return !line.empty() && is_space(decode_utf8(line).back().code); }

std::string trim_end(std::string line) {
  while (trailing_space(line)) line.resize(decode_utf8(line).back().begin);
  return line;
}

Bpe::Merges read_merges(const std::string& path) {
  Bpe::Merges merges;
  size_t number = 0;
  for (const auto& line : read_lines(path)) {
    ++number;
    if (line.starts_with("#version") || line.empty()) continue;
    auto blank = line.find(' ');
    check(blank != std::string::npos && line.find(' ', blank + 1) == std::string::npos,
          "{}:{}: '{}' must be two tokens with a blank between them", path, number, line);
    merges.emplace_back(line.substr(0, blank), line.substr(blank + 1));
  }
  return merges;
}

// How a tokenizer of the three families with byte-level BPE goes about it.
enum class Family { gpt2, roberta, clip };

Family family_of(const Vocabulary& vocabulary, const TokenizerSettings& settings) {
  auto name = get_or<std::string>(settings.config, "tokenizer_class", "", settings.config_name);
  auto named = [&](const char* part) { return name.find(part) != std::string::npos; };
  if (named("CLIP")) return Family::clip;
  if (named("Roberta")) return Family::roberta;
  if (named("GPT2")) return Family::gpt2;
  if (vocabulary.id("<|startoftext|>") >= 0) return Family::clip;
  return vocabulary.id("<s>") >= 0 && vocabulary.id("</s>") >= 0 ? Family::roberta : Family::gpt2;
}

void surround(Tokenizer::Pipeline& pipeline, const char* first, const char* last, const std::string& where) {
  int64_t cls = number_of(pipeline, first, where), sep = number_of(pipeline, last, where);
  auto& around = pipeline.around;
  around.single = {{-1, 0, {cls}}, {0, 0, {}}, {-1, 0, {sep}}};
  around.pair = {{-1, 0, {cls}}, {0, 0, {}}, {-1, 0, {sep, sep}}, {1, 0, {}}, {-1, 0, {sep}}};
}

// [bos] A [eos], and [bos] B [eos] for the second text of a pair.
void surround_gpt2(Tokenizer::Pipeline& pipeline, bool bos, bool eos, const std::string& where) {
  auto& around = pipeline.around;
  around.single.clear();
  around.pair.clear();
  for (int64_t text : {0, 1}) {
    std::vector<TokenTemplate::Item> items;
    if (bos) items.push_back({-1, text, {number_of(pipeline, "bos", where)}});
    items.push_back({text, text, {}});
    if (eos) items.push_back({-1, text, {number_of(pipeline, "eos", where)}});
    if (text == 0) around.single = items;
    around.pair.insert(around.pair.end(), items.begin(), items.end());
  }
}

void make_clip(Tokenizer::Pipeline& pipeline, const TokenizerSettings& settings, const std::string& where) {
  const std::string end = "<|endoftext|>";
  add_tokens_of_settings(pipeline, settings, {{"unk", end}, {"bos", "<|startoftext|>"}, {"eos", end}, {"pad", end}});
  pipeline.normalizer = [](Chars& chars) {
    normalize(chars, NormalForm::nfc);
    collapse_spaces(chars);
    lower_case(chars);
  };
  pipeline.pre_tokenizer = [](std::vector<Chars>& pieces) {
    split_clip(pieces, true);
    ByteLevel{}(pieces);
  };
  surround(pipeline, "bos", "eos", where);
}

void make_byte_level(Tokenizer::Pipeline& pipeline, const TokenizerSettings& settings, bool roberta,
                     const std::string& where) {
  bool prefix = get_or(settings.config, "add_prefix_space", false, settings.config_name);
  pipeline.pre_tokenizer = ByteLevel{prefix};
  if (!roberta) {
    const std::string end = "<|endoftext|>";
    add_tokens_of_settings(pipeline, settings, {{"unk", end}, {"bos", end}, {"eos", end}});
    auto asked = [&](const char* key) { return get_or(settings.config, key, false, settings.config_name); };
    surround_gpt2(pipeline, asked("add_bos_token"), asked("add_eos_token"), where);
    return;
  }
  add_tokens_of_settings(pipeline, settings,
                         {{"bos", "<s>"},
                          {"eos", "</s>"},
                          {"unk", "<unk>"},
                          {"sep", "</s>"},
                          {"pad", "<pad>"},
                          {"cls", "<s>"},
                          {"mask", "<mask>"}});
  surround(pipeline, "cls", "sep", where);
  pipeline.around.trim_spans = get_or(settings.config, "trim_offsets", true, settings.config_name);
  pipeline.around.add_prefix_space = prefix;
}

}  // namespace

PipelinePtr read_word_piece_files(const std::string& folder, const TokenizerSettings& settings) {
  auto path = folder + "/vocab.txt";
  auto pipeline = std::make_unique<Tokenizer::Pipeline>();
  int64_t next = 0;
  for (auto& line : read_lines(path)) pipeline->vocabulary.add(trim_end(std::move(line)), next++, path);
  add_tokens_of_settings(*pipeline, settings,
                         {{"unk", "[UNK]"}, {"sep", "[SEP]"}, {"pad", "[PAD]"}, {"cls", "[CLS]"}, {"mask", "[MASK]"}});
  constexpr size_t longest = 100;
  pipeline->model = std::make_unique<WordPiece>(pipeline->vocabulary, pipeline->special["unk"], "##", longest, path);
  const auto& where = settings.config_name;
  bool lower = get_or(settings.config, "do_lower_case", true, where);
  pipeline->normalizer = BertNormalizer{true, get_or(settings.config, "tokenize_chinese_chars", true, where),
                                        get_or(settings.config, "strip_accents", lower, where), lower};
  pipeline->pre_tokenizer = split_bert;
  int64_t cls = number_of(*pipeline, "cls", path), sep = number_of(*pipeline, "sep", path);
  auto& around = pipeline->around;
  around.single = {{-1, 0, {cls}}, {0, 0, {}}, {-1, 0, {sep}}};
  around.pair = {{-1, 0, {cls}}, {0, 0, {}}, {-1, 0, {sep}}, {1, 1, {}}, {-1, 1, {sep}}};
  return pipeline;
}

PipelinePtr read_bpe_files(const std::string& folder, const TokenizerSettings& settings) {
  auto path = folder + "/vocab.json";
  auto pipeline = std::make_unique<Tokenizer::Pipeline>();
  auto entries = load_json(path);
  check(entries.is_object(), "{} must be an object of tokens and their numbers", path);
  for (const auto& [token, id] : entries.items()) pipeline->vocabulary.add(token, as<int64_t>(id, path), path);
  auto family = family_of(pipeline->vocabulary, settings);
  if (family == Family::clip)
    make_clip(*pipeline, settings, path);
  else
    make_byte_level(*pipeline, settings, family == Family::roberta, path);
  BpeOptions options;
  if (family == Family::clip) {
    options.unknown = pipeline->special["unk"];
    options.end_of_word = "</w>";
  }
  auto merges = folder + "/merges.txt";
  pipeline->model = std::make_unique<Bpe>(pipeline->vocabulary, read_merges(merges), options, merges);
  return pipeline;
}

}  // namespace multiviz
