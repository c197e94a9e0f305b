#include "io/pickle_arena.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace multiviz {
namespace {

constexpr size_t most_nodes = 200'000'000;
constexpr int deepest_key = 32;

std::string number_key(double value) {
  if (std::trunc(value) == value && std::abs(value) < 0x1p63) return fmt::format("i{}", static_cast<int64_t>(value));
  std::string key(1 + sizeof value, 'f');
  std::memcpy(key.data() + 1, &value, sizeof value);
  return key;
}

std::string key_of(PickleArena& arena, const PickleNode& node, int depth);

std::string items_key(PickleArena& arena, const PickleNode& node, int depth) {
  std::vector<std::string> parts;
  for (const PickleNode* item : pickle_items(node)) parts.push_back(key_of(arena, *item, depth + 1));
  if (node.kind == PickleKind::set) std::sort(parts.begin(), parts.end());
  std::string key = node.kind == PickleKind::set ? "{" : "(";
  for (const auto& part : parts) key += fmt::format("{}:{}", part.size(), part);
  arena.charge_lookup(key.size());
  return key;
}

std::string key_of(PickleArena& arena, const PickleNode& node, int depth) {
  check(depth < deepest_key, "'{}': a key in it nests too deep", arena.name);
  arena.charge_lookup(1 + node.text.size());
  switch (node.kind) {
    case PickleKind::none:
      return "n";
    case PickleKind::boolean:
      return fmt::format("i{}", node.integer);
    case PickleKind::integer:
      return node.raw ? "l" + std::string(node.text) : fmt::format("i{}", node.integer);
    case PickleKind::real:
      return number_key(node.real);
    case PickleKind::complex:
      return "c" + number_key(node.real) + number_key(node.content->imaginary);
    case PickleKind::text:
      return "t" + std::string(node.text);
    case PickleKind::bytes:
      return "b" + std::string(node.text);
    case PickleKind::tuple:
    case PickleKind::set:
      return items_key(arena, node, depth);
    case PickleKind::global:
      return "g" + std::string(node.text);
    case PickleKind::object:
      return fmt::format("o{}", static_cast<const void*>(&node));
    default:
      fail("'{}': a {} is a key in it, which Python does not allow: the file is damaged", arena.name,
           pickle_kind_name(node.kind));
  }
}

// Where the key is; `next` when it is new, which is noted.
size_t position_of(PickleArena& arena, PickleNode& container, const PickleNode& key, size_t next) {
  auto& content = container.make_content();
  if (!content.index) content.index = std::make_unique<PickleIndex>();
  if (key.kind != PickleKind::text)
    return content.index->others.try_emplace(pickle_key(arena, key), next).first->second;
  arena.charge_lookup(1 + key.text.size());
  return content.index->texts.try_emplace(key.text, next).first->second;
}

}  // namespace

PickleNode* PickleArena::add(PickleKind kind) {
  check(nodes.size() < most_nodes, "'{}' holds more than {} values: save it as arrays", name, most_nodes);
  nodes.emplace_back().kind = kind;
  return &nodes.back();
}

PickleNode* PickleArena::add_text(PickleKind kind, std::string_view text) {
  PickleNode* node = add(kind);
  node->text = text;
  return node;
}

std::string_view PickleArena::keep(std::string text) {
  charge_copy(text.size());
  return strings.emplace_back(std::move(text));
}

void PickleArena::charge_copy(uint64_t bytes) {
  decoded += bytes;
  check(decoded <= 32 * range.bytes.size() + (1 << 20), "'{}' copies its values over and over: it is damaged", name);
}

void PickleArena::charge_lookup(uint64_t bytes) {
  looked_up += bytes;
  check(looked_up <= 256 * range.bytes.size() + (1 << 20), "'{}' repeats its keys over and over: it is damaged", name);
}

std::string pickle_key(PickleArena& arena, const PickleNode& node) { return key_of(arena, node, 0); }

void pickle_set(PickleArena& arena, PickleNode& dict, PickleNode* key, PickleNode* value) {
  const bool able = dict.kind == PickleKind::dict || dict.kind == PickleKind::object;
  check(able, "'{}': a {} in it is given a key: the file is damaged", arena.name, pickle_kind_name(dict.kind));
  auto& content = dict.make_content();
  check(content.keys.size() == content.items.size(), "'{}': a {} in it has items and keys", arena.name, dict.text);
  const size_t at = position_of(arena, dict, *key, content.items.size());
  if (at < content.items.size()) {
    content.items[at] = value;
    return;
  }
  content.keys.push_back(key);
  content.items.push_back(value);
}

void pickle_append(PickleArena& arena, PickleNode& list, PickleNode* item) {
  const bool able = list.kind == PickleKind::list || list.kind == PickleKind::object;
  check(able, "'{}': a {} in it is given an item: the file is damaged", arena.name, pickle_kind_name(list.kind));
  auto& content = list.make_content();
  check(content.keys.empty(), "'{}': a {} in it has items and keys", arena.name, list.text);
  content.items.push_back(item);
}

void pickle_insert(PickleArena& arena, PickleNode& set, PickleNode* item) {
  check(set.kind == PickleKind::set, "'{}': a {} in it is given an element: the file is damaged", arena.name,
        pickle_kind_name(set.kind));
  auto& items = set.make_content().items;
  if (position_of(arena, set, *item, items.size()) == items.size()) items.push_back(item);
}

}  // namespace multiviz
