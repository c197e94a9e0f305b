#include "text/tokenizer.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <fstream>

#include "core/error.h"
#include "data/value.h"
#include "io/file.h"
#include "io/json.h"
#include "tests/scratch.h"

namespace multiviz {
namespace {

using nlohmann::json;

const std::string fixtures = "tests/fixtures/text/";

// The hash that tests/fixtures/text/make_tokenizers.py writes.
uint32_t digest(const Tokens& tokens) {
  uint32_t hash = 0x811c9dc5;
  auto add = [&](uint64_t number) {
    for (int byte = 0; byte < 4; ++byte) hash = (hash ^ (number >> (8 * byte) & 0xff)) * 0x01000193;
  };
  for (size_t i = 0; i < tokens.size(); ++i) {
    add(static_cast<uint64_t>(tokens.ids[i]));
    add(static_cast<uint64_t>(tokens.types[i]));
    add(tokens.spans[i].first);
    add(tokens.spans[i].second);
  }
  return hash >> 24 ^ (hash & 0xffffff);
}

std::vector<size_t> flat(const std::vector<std::pair<size_t, size_t>>& spans) {
  std::vector<size_t> out;
  for (auto [begin, end] : spans) out.insert(out.end(), {begin, end});
  return out;
}

TEST_CASE("tokenizers give Hugging Face's ids, types and spans") {
  auto texts = load_json(fixtures + "strings.json").get<std::vector<std::string>>();
  const json all = load_json(fixtures + "expected.json");
  for (const auto& [name, expected] : all.items()) {
    CAPTURE(name);
    auto tokenizer = load_tokenizer(fixtures + name);
    for (size_t i = 0; i < expected["first"].size(); ++i) {
      auto tokens = tokenizer->encode(texts[i]);
      CHECK(tokens.ids == expected["first"][i][0].get<std::vector<int64_t>>());
      CHECK(tokens.types == expected["first"][i][1].get<std::vector<int64_t>>());
      CHECK(flat(tokens.spans) == expected["first"][i][2].get<std::vector<size_t>>());
    }
    std::string hashes = expected["hashes"];
    REQUIRE(hashes.size() == texts.size() * 6);
    std::vector<std::string> wrong;
    for (size_t i = 0; i < texts.size(); ++i)
      if (fmt::format("{:06x}", digest(tokenizer->encode(texts[i]))) != hashes.substr(i * 6, 6))
        wrong.push_back(texts[i]);
    CAPTURE(wrong);
    CHECK(wrong.empty());
  }
}

// Made by tests/fixtures/text/make_added.py.
TEST_CASE("tokens that the settings add and name are Hugging Face's") {
  for (const auto& expected : load_json(fixtures + "added.json")) {
    CAPTURE(expected["base"]);
    CAPTURE(expected["files"].dump());
    Scratch scratch;
    const std::string folder = scratch / "tokenizer";
    std::filesystem::copy(fixtures + expected["base"].get<std::string>(), folder);
    for (const auto& [name, content] : expected["files"].items()) write_file(folder + "/" + name, content.dump());
    auto tokenizer = load_tokenizer(folder);
    auto tokens = tokenizer->encode(expected["text"].get<std::string>());
    CHECK(tokens.ids == expected["ids"].get<std::vector<int64_t>>());
    CHECK(flat(tokens.spans) == expected["spans"].get<std::vector<size_t>>());
    if (!expected["pad"].is_null()) CHECK(tokenizer->pad() == expected["pad"].get<int64_t>());
  }
}

TEST_CASE("pairs are joined and truncated as Hugging Face does it") {
  const json all = load_json(fixtures + "expected.json");
  for (const auto& [name, expected] : all.items()) {
    CAPTURE(name);
    auto tokenizer = load_tokenizer(fixtures + name);
    for (const auto& pair : expected["pairs"]) {
      EncodeOptions options;
      options.max_length = pair[3];
      if (pair[2] == "only_first") options.truncation = Truncation::only_first;
      if (pair[2] == "only_second") options.truncation = Truncation::only_second;
      auto tokens = tokenizer->encode(pair[0].get<std::string>(), pair[1].get<std::string>(), options);
      CHECK(tokens.ids == pair[4].get<std::vector<int64_t>>());
      CHECK(tokens.types == pair[5].get<std::vector<int64_t>>());
    }
  }
}

TEST_CASE("tokens know the word of the text that they belong to") {
  const std::string text = "It's a rubber-like caf\xc3\xa9\xe2\x80\xa6 \xe7\x8c\xab\xe7\x8b\x97!";
  for (const std::string name : {"bert_uncased", "roberta", "clip"}) {
    CAPTURE(name);
    auto tokens = load_tokenizer(fixtures + name)->encode(text);
    auto spans = words(text);
    std::vector<bool> seen(spans.size());
    for (size_t i = 0; i < tokens.size(); ++i) {
      auto [begin, end] = tokens.spans[i];
      // Special tokens, and a space that is a token of its own.
      if (tokens.texts[i] < 0 || text.substr(begin, end - begin).find_first_not_of(' ') == std::string::npos) {
        CHECK(tokens.words[i] == -1);
        continue;
      }
      REQUIRE(tokens.words[i] >= 0);
      auto word = spans[static_cast<size_t>(tokens.words[i])];
      CHECK((begin < word.second && end > word.first));
      seen[static_cast<size_t>(tokens.words[i])] = true;
    }
    CHECK(std::all_of(seen.begin(), seen.end(), [](bool s) { return s; }));
  }
}

TEST_CASE("a batch is padded to its longest row") {
  auto tokenizer = load_tokenizer(fixtures + "bert_uncased");
  std::vector<std::string> texts = {"red cube", "a"};
  auto batch = tokenizer->encode_batch(texts);
  auto first = tokenizer->encode(texts[0]), second = tokenizer->encode(texts[1]);
  REQUIRE(batch.ids.size(1) == static_cast<int64_t>(first.size()));
  CHECK(batch.mask.sum(1).equal(
      at::tensor({static_cast<int64_t>(first.size()), static_cast<int64_t>(second.size())}, at::kLong)));
  CHECK(batch.ids[1][-1].item<int64_t>() == tokenizer->pad());
  CHECK(batch.words[0][0].item<int64_t>() == -1);
  CHECK(batch.words[0][1].item<int64_t>() == 0);
  CHECK(batch.words[1][1].item<int64_t>() == 0);

  EncodeOptions wide;
  wide.pad_to = 40;
  wide.special_tokens = false;
  batch = tokenizer->encode_batch(texts, {}, wide);
  CHECK(batch.ids.size(1) == 40);
  CHECK(batch.mask[1].sum().item<int64_t>() == static_cast<int64_t>(second.size()) - 2);
  CHECK_THROWS_WITH_AS(tokenizer->encode_batch(texts, std::span(texts).first(1)),
                       "2 texts have 1 second texts: give one for each", Error);
}

TEST_CASE("padding and truncation follow the side that the settings name") {
  Scratch scratch;
  const std::string folder = scratch / "tokenizer";
  make_folder(folder);
  std::filesystem::copy(fixtures + "bert_cased_files/vocab.txt", folder + "/vocab.txt");
  write_file(folder + "/tokenizer_config.json",
             R"({"padding_side": "left", "truncation_side": "left", "max_len": 33})");
  auto left = load_tokenizer(folder), right = load_tokenizer(fixtures + "bert_uncased");
  CHECK(left->max_length() == 33);
  std::vector<std::string> texts = {"the red cube", "a"};
  auto batch = left->encode_batch(texts);
  CHECK(batch.mask[1][0].item<bool>() == false);
  CHECK(batch.mask[1][-1].item<bool>() == true);
  EncodeOptions four;
  four.max_length = 4;
  CHECK(left->encode("a b c d", four).spans[1] == std::pair<size_t, size_t>{4, 5});
  CHECK(right->encode("a b c d", four).spans[1] == std::pair<size_t, size_t>{0, 1});
}

TEST_CASE("a tokenizer tells its special tokens and its model's length") {
  auto bert = load_tokenizer(fixtures + "bert_cased_files");
  CHECK(bert->max_length() == 64);
  CHECK(bert->special_tokens().at("mask") == "[MASK]");
  CHECK(bert->token(bert->id("[SEP]")) == "[SEP]");
  CHECK(bert->id("no such token") == -1);
  auto roberta = load_tokenizer(fixtures + "roberta");
  CHECK(roberta->max_length() == 0);
  CHECK(roberta->special_tokens().at("mask") == "<mask>");
  CHECK(roberta->pad() == roberta->id("<pad>"));
  auto clip = load_tokenizer(fixtures + "clip");
  CHECK(clip->max_length() == 77);
  CHECK(clip->pad() == clip->id("<|endoftext|>"));
  CHECK_THROWS_AS(clip->token(1 << 20), Error);
}

TEST_CASE("bytes that are not UTF-8 do no harm") {
  for (const std::string name : {"bert_uncased", "roberta", "clip"}) {
    auto tokens = load_tokenizer(fixtures + name)->encode("a\xff\xc3 \xed\xa0\x80 b\xf0\x9f");
    for (auto [begin, end] : tokens.spans) CHECK((begin <= end && end <= 11));
  }
}

// Expected values from tokenizers 0.23.3 and transformers 5.23.
TEST_CASE("a tokenizer.json may fall back to bytes, and says how batches are padded") {
  json file = load_json(fixtures + "roberta/tokenizer.json");
  auto& model = file["model"];
  model["byte_fallback"] = true;
  model["vocab"].erase("!");
  model["vocab"]["<0x21>"] = 900;
  auto tokenizer = parse_tokenizer(file.dump(), "tokenizer.json");
  auto tokens = tokenizer->encode("a!!");
  CHECK(tokens.ids == std::vector<int64_t>{0, tokenizer->id("a"), 900, 900, 2});
  CHECK(tokens.spans[3] == std::pair<size_t, size_t>{2, 3});

  Scratch scratch;
  const std::string folder = scratch / "tokenizer";
  make_folder(folder);
  file = load_json(fixtures + "bert_uncased/tokenizer.json");
  file["padding"] = {{"strategy", "BatchLongest"}, {"direction", "Left"}, {"pad_id", 3}, {"pad_token", "[SEP]"}};
  file["truncation"] = {{"max_length", 5}, {"strategy", "OnlyFirst"}, {"stride", 0}, {"direction", "Left"}};
  write_file(folder + "/tokenizer.json", file.dump());
  std::vector<std::string> texts = {"the red cube", "the"};
  auto batch = load_tokenizer(folder)->encode_batch(texts);
  CHECK(batch.ids.equal(at::tensor({2, 201, 366, 392, 3, 3, 3, 2, 201, 3}, at::kLong).reshape({2, 5})));
  EncodeOptions six;
  six.max_length = 6;
  CHECK(load_tokenizer(folder)->encode("a b c d e f g h", six).ids == std::vector<int64_t>{2, 35, 36, 37, 38, 3});
  write_file(folder + "/tokenizer_config.json", R"({"padding_side": "right", "pad_token": "[PAD]"})");
  batch = load_tokenizer(folder)->encode_batch(texts);
  CHECK(batch.ids[1].equal(at::tensor({2, 201, 3, 0, 0}, at::kLong)));
}

std::string error_of(json file) {
  try {
    parse_tokenizer(file.dump(), "tokenizer.json");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("what cannot be read is named") {
  json file = load_json(fixtures + "bert_uncased/tokenizer.json");
  CHECK(error_of(file).empty());
  auto broken = file;
  broken["model"]["type"] = "Unigram";
  CHECK(error_of(broken).starts_with("tokenizer.json: model: the model 'Unigram' cannot be read: BERT's, GPT-2's"));
  broken = file;
  broken["model"]["vocab"]["[UNK]"] = -4;
  CHECK(error_of(broken) == "tokenizer.json: model: the token '[UNK]' has the number -4: tokens are numbered from 0");
  broken = file;
  broken["model"]["unk_token"] = "missing";
  CHECK(error_of(broken) == "tokenizer.json: model: the unknown token 'missing' is not in the vocabulary");
  broken = file;
  broken["normalizer"] = {{"type", "Precompiled"}};
  CHECK(error_of(broken).starts_with("tokenizer.json: normalizer: the normalizer 'Precompiled' cannot be read"));
  broken = file;
  broken["post_processor"]["single"][0] = {{"SpecialToken", {{"id", "[GONE]"}, {"type_id", 0}}}};
  CHECK(error_of(broken).find("'[GONE]' is missing") != std::string::npos);
  broken = file;
  broken["post_processor"]["pair"][1]["Sequence"]["type_id"] = -1;
  CHECK(error_of(broken) == "tokenizer.json: post_processor: 'pair' has the type -1: types are numbered from 0");

  file = load_json(fixtures + "roberta/tokenizer.json");
  broken = file;
  broken["model"]["merges"].push_back({"zzz", "y"});
  CHECK(error_of(broken).find("which is not in the vocabulary") != std::string::npos);
  broken = file;
  broken["model"]["unk_token"] = "missing";
  broken["model"]["vocab"].erase("!");
  auto lacking = parse_tokenizer(broken.dump(), "tokenizer.json");
  CHECK(lacking->encode("a cat").size() > 2);
  CHECK_THROWS_WITH_AS(lacking->encode("a cat!"),
                       "tokenizer.json: model: the unknown token 'missing' is not in the vocabulary, and '!' needs it",
                       Error);
  broken = file;
  broken["model"]["merges"][0] = "a b c";
  CHECK(error_of(broken) == "tokenizer.json: model: the merge 'a b c' must be two parts with a blank between them");

  Scratch scratch;
  const std::string folder = scratch / "tokenizer";
  make_folder(folder);
  CHECK_THROWS_WITH_AS(
      load_tokenizer(folder),
      (folder + " holds no tokenizer: there must be tokenizer.json, vocab.txt, or vocab.json and merges.txt").c_str(),
      Error);
}

TEST_CASE("a length that cannot be kept is an error") {
  auto tokenizer = load_tokenizer(fixtures + "bert_uncased");
  EncodeOptions options;
  options.max_length = 1;
  CHECK_THROWS_WITH_AS(tokenizer->encode("red", options),
                       "max_length = 1 leaves no room for the 2 special tokens: give 3 or more", Error);
  options.max_length = 5;
  options.truncation = Truncation::only_second;
  CHECK_THROWS_WITH_AS(tokenizer->encode("a b c d e", options),
                       "there is no second text to truncate: use longest_first", Error);
  CHECK_THROWS_AS(tokenizer->encode("a b c d e", "a", options), Error);
}

TEST_CASE("settings that cannot be are named") {
  Scratch scratch;
  const std::string folder = scratch / "tokenizer";
  make_folder(folder);
  std::filesystem::copy(fixtures + "bert_cased_files/vocab.txt", folder + "/vocab.txt");
  auto error_of = [&](const std::string& name, const std::string& content) -> std::string {
    write_file(folder + "/" + name, content);
    std::string message;
    try {
      load_tokenizer(folder);
    } catch (const Error& error) {
      message = error.what();
    }
    std::filesystem::remove(folder + "/" + name);
    return message;
  };
  const std::string config = "tokenizer_config.json", special = "special_tokens_map.json", added = "added_tokens.json";
  CHECK(error_of(config, R"({"cls_token": ""})") == folder + "/vocab.txt: the cls_token is empty");
  CHECK(error_of(config, R"({"cls_token": null})") ==
        folder + "/vocab.txt: the settings of this tokenizer must name a cls_token");
  CHECK(error_of(config, R"({"added_tokens_decoder": {"x": {"content": "a"}}})")
            .ends_with("'x' is not the number of a token"));
  CHECK(error_of(config, R"({"added_tokens_decoder": []})").ends_with("must be an object of numbers and tokens"));
  CHECK(error_of(special, R"({"mask_token": {"lstrip": true}})").find("'content' is missing") != std::string::npos);
  CHECK(error_of(special, R"({"additional_special_tokens": "<x>"})").ends_with("must be a list of tokens"));
  CHECK(error_of(added, R"({"<x>": "first"})").find("must be an integer, not string") != std::string::npos);
  CHECK(error_of(added, "[]").ends_with("must be an object of settings"));
  CHECK(error_of(config, "{}").empty());
}

}  // namespace
}  // namespace multiviz
