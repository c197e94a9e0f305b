#include "io/yaml.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include "core/error.h"
#include "io/file.h"

namespace multiviz {
namespace {

using nlohmann::json;

struct YamlLine {
  size_t indent;
  std::string_view text;
  int64_t number;
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r' || text.back() == '\t')) text.remove_suffix(1);
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  return text;
}

// Without a comment, which starts at a # at the beginning or after a space, outside of quotes.
std::string_view without_comment(std::string_view text) {
  char quote = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (quote != 0) {
      if (text[i] == quote) quote = 0;
    } else if ((text[i] == '"' || text[i] == '\'') &&
               (i == 0 || text[i - 1] == ' ' || text[i - 1] == '[' || text[i - 1] == ',')) {
      quote = text[i];
    } else if (text[i] == '#' && (i == 0 || text[i - 1] == ' ')) {
      return text.substr(0, i);
    }
  }
  return text;
}

// Lists that were tuples are written with a tag.
std::string_view without_tuple(std::string_view text) {
  constexpr std::string_view tag = "!!python/tuple";
  return text.starts_with(tag) ? trimmed(text.substr(tag.size())) : text;
}

int64_t count(const json& value) {
  int64_t out = 1;
  if (value.is_structured())
    for (const auto& item : value) out += count(item);
  return out;
}

// A number or a word as PyYAML takes it.
json plain(std::string_view text) {
  for (const char* word : {"true", "True", "TRUE"})
    if (text == word) return true;
  for (const char* word : {"false", "False", "FALSE"})
    if (text == word) return false;
  for (const char* word : {"", "~", "null", "Null", "NULL"})
    if (text == word) return nullptr;
  if (text == ".inf" || text == "-.inf")
    return text[0] == '-' ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  auto digits = text.front() == '+' ? text.substr(1) : text;
  int64_t whole = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), whole);
  if (error == std::errc() && end == digits.data() + digits.size()) return whole;
  const bool numeric = digits.find_first_not_of("0123456789+-.eE") == std::string_view::npos &&
                       digits.find_first_of("0123456789") != std::string_view::npos;
  double real = 0;
  auto [stop, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), real);
  if (numeric && wrong == std::errc() && stop == digits.data() + digits.size()) return real;
  return std::string(text);
}

class Parser {
 public:
  Parser(std::vector<YamlLine> lines, const std::string& name) : lines_(std::move(lines)), name_(name) {}

  json parse() {
    if (lines_.empty()) return json::object();
    auto out = block(lines_[0].indent, 0);
    if (at_ < lines_.size()) broken("is indented otherwise than what stands before it");
    return out;
  }

 private:
  static constexpr int deepest = 100;
  static constexpr int64_t most_repeated = 100'000;  // values, by all the aliases of a file

  [[noreturn]] void broken(const std::string& what) const {
    fail("{}:{}: the line {}", name_, lines_[std::min(at_, lines_.size() - 1)].number, what);
  }
  bool more(size_t indent) const { return at_ < lines_.size() && lines_[at_].indent == indent; }
  static bool is_item(std::string_view text) { return text == "-" || text.starts_with("- "); }

  json block(size_t indent, int depth) {
    if (depth > deepest) broken("nests too deep");
    return is_item(lines_[at_].text) ? sequence(indent, depth) : mapping(indent, depth);
  }

  // What belongs to the line before: the lines that are indented more, or a sequence at the same indent.
  json nested(size_t indent, bool same, int depth) {
    if (at_ >= lines_.size()) return nullptr;
    const auto& next = lines_[at_];
    if (next.indent > indent || (same && next.indent == indent && is_item(next.text)))
      return block(next.indent, depth + 1);
    return nullptr;
  }

  json sequence(size_t indent, int depth) {
    json out = json::array();
    while (more(indent) && is_item(lines_[at_].text)) {
      auto& line = lines_[at_];
      auto rest = trimmed(line.text.substr(1));
      const auto anchor = take_anchor(rest);
      rest = without_tuple(rest);
      if (rest.empty()) {
        ++at_;
        out.push_back(named(anchor, nested(indent, false, depth)));
      } else if (is_item(rest) || colon(rest) != std::string_view::npos) {
        line.indent += line.text.size() - rest.size();
        line.text = rest;
        out.push_back(named(anchor, block(line.indent, depth + 1)));
      } else {
        out.push_back(named(anchor, value(rest, depth)));
        ++at_;
      }
    }
    return out;
  }

  json mapping(size_t indent, int depth) {
    json out = json::object();
    while (more(indent)) {
      const auto text = lines_[at_].text;
      const auto end = colon(text);
      if (end == std::string_view::npos) broken("is neither 'key: value' nor an item of a list");
      const auto key = scalar(trimmed(text.substr(0, end)));
      const auto name = key.is_string() ? key.get<std::string>() : key.dump();
      if (out.contains(name)) broken("repeats the key '" + name + "'");
      auto rest = trimmed(text.substr(end + 1));
      const auto anchor = take_anchor(rest);
      rest = without_tuple(rest);
      if (!rest.empty()) out[name] = named(anchor, value(rest, depth));
      ++at_;
      if (rest.empty()) out[name] = named(anchor, nested(indent, true, depth));
    }
    return out;
  }

  // The name that "&name" at the front of a text gives to the value behind it, "" for none. PyYAML's dump gives one to
  // a list that is in two places.
  std::string take_anchor(std::string_view& text) const {
    if (!text.starts_with('&')) return {};
    const auto end = std::min(text.find(' '), text.size());
    if (end < 2) broken("has an & without a name");
    const std::string name(text.substr(1, end - 1));
    text = trimmed(text.substr(end));
    return name;
  }

  json named(const std::string& anchor, json value) {
    if (!anchor.empty()) anchors_[anchor] = value;
    return value;
  }

  json repeated(const std::string& anchor) {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) broken("repeats '" + anchor + "', which nothing before it is named");
    repeated_ += count(found->second);
    if (repeated_ > most_repeated) broken("repeats more than settings need");
    return found->second;
  }

  // Where the key ends, npos when the text is no "key: value".
  static size_t colon(std::string_view text) {
    if (text.starts_with('[') || text.starts_with('{')) return std::string_view::npos;
    size_t from = 0;
    if (!text.empty() && (text[0] == '"' || text[0] == '\'')) from = text.find(text[0], 1);
    for (size_t i = from; i < text.size() && i != std::string_view::npos; ++i)
      if (text[i] == ':' && (i + 1 == text.size() || text[i + 1] == ' ')) return i;
    return std::string_view::npos;
  }

  json value(std::string_view text, int depth) {
    if (text[0] != '[' && text[0] != '{') return scalar(text);
    auto out = flow(text, depth);
    if (!trimmed(text).empty()) broken("goes on after the end of a list");
    return out;
  }

  // [a, [b, c]] or {}, taken from the front of `text`.
  json flow(std::string_view& text, int depth) {
    if (depth > deepest) broken("nests too deep");
    if (text.starts_with("{}")) return text.remove_prefix(2), json::object();
    if (text.empty() || text[0] != '[') broken("has a mapping in braces: write it over several lines");
    text.remove_prefix(1);
    json out = json::array();
    for (;;) {
      text = trimmed(text);
      if (text.starts_with(']')) return text.remove_prefix(1), out;
      if (text.starts_with('[')) {
        out.push_back(flow(text, depth + 1));
      } else {
        const bool quoted = text.starts_with('"') || text.starts_with('\'');
        const auto end = text.find_first_of(",]", quoted ? text.find(text[0], 1) : 0);
        if (end == std::string_view::npos) broken("has a list that does not end");
        out.push_back(scalar(trimmed(text.substr(0, end))));
        text.remove_prefix(end);
      }
      text = trimmed(text);
      if (text.starts_with(','))
        text.remove_prefix(1);
      else if (!text.starts_with(']'))
        broken("has a list that does not end");
    }
  }

  json scalar(std::string_view text) {
    if (text.starts_with('*')) return repeated(std::string(text.substr(1)));
    if (text.size() >= 2 && (text[0] == '"' || text[0] == '\'')) {
      if (text.back() != text[0]) broken("has a quote that does not end");
      return std::string(text.substr(1, text.size() - 2));
    }
    if (!text.empty() && std::string_view("&!|>%@`").find(text[0]) != std::string_view::npos)
      broken(fmt::format("uses '{}', which settings do not need", text[0]));
    return plain(text);
  }

  std::vector<YamlLine> lines_;
  const std::string& name_;
  size_t at_ = 0;
  std::map<std::string, json> anchors_;
  int64_t repeated_ = 0;
};

}  // namespace

json parse_yaml(std::string_view text, const std::string& name) {
  std::vector<YamlLine> lines;
  int64_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    ++number;
    const auto end = std::min(text.find('\n', begin), text.size());
    const auto line = without_comment(text.substr(begin, end - begin));
    begin = end + 1;
    const auto content = trimmed(line);
    if (content.empty() || (content == "---" && lines.empty())) continue;
    const auto indent = line.find_first_not_of(' ');
    check(line[indent] != '\t', "{}:{}: the line is indented with a tab: use spaces", name, number);
    lines.push_back({indent, content, number});
  }
  return Parser(std::move(lines), name).parse();
}

json load_yaml(const std::string& path) { return parse_yaml(read_file(path, 1 << 24), path); }

}  // namespace multiviz
