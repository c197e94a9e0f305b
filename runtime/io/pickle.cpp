#include "io/pickle.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/suggest.h"
#include "io/mapping.h"
#include "io/pickle_arena.h"
#include "io/pickle_machine.h"

namespace multiviz {
namespace {

constexpr int deepest = 500;

// Throws for cycles and for values that nest too deep or repeat themselves beyond measure, so that those who walk the
// values need not think of them.
class Inspection {
 public:
  explicit Inspection(const PickleArena& arena) : arena_(arena), most_(1000 * arena.nodes.size() + 1'000'000) {}

  void run(PickleNode* root) {
    enter(root);
    while (!path_.empty()) {
      auto& [node, next] = path_.back();
      if (PickleNode* child = child_of(*node, next++)) {
        if (child->content && child->content->weight == 0) enter(child);
      } else {
        leave(node);
      }
    }
  }

 private:
  // The first children are keys, then items, then the arguments and the state of an object.
  static PickleNode* child_of(const PickleNode& node, size_t index) {
    const auto& content = *node.content;
    if (index < content.keys.size()) return content.keys[index];
    index -= content.keys.size();
    if (index < content.items.size()) return content.items[index];
    index -= content.items.size();
    if (index == 0 && content.arguments) return content.arguments;
    return index <= 1 && content.state && (index == 1 || !content.arguments) ? content.state : nullptr;
  }

  void enter(PickleNode* node) {
    if (!node->content) return;
    check(!node->open, "'{}': a {} in it holds itself: save it without cycles", arena_.name,
          pickle_kind_name(node->kind));
    check(path_.size() < deepest, "'{}' nests more than {} levels deep: save it flatter", arena_.name, deepest);
    node->open = true;
    path_.emplace_back(node, 0);
  }

  void leave(PickleNode* node) {
    uint64_t weight = 1;
    int depth = 0;
    for (size_t i = 0; PickleNode* child = child_of(*node, i); ++i) {
      weight += child->content ? child->content->weight : 1;
      depth = std::max<int>(depth, child->depth);
      check(weight <= most_, "'{}' repeats its values beyond measure: save them once", arena_.name);
    }
    check(depth + 1 + static_cast<int>(path_.size()) - 1 <= deepest,
          "'{}' nests more than {} levels deep: save it flatter", arena_.name, deepest);
    node->depth = static_cast<uint16_t>(depth + 1);
    node->content->weight = weight;
    node->open = false;
    path_.pop_back();
  }

  const PickleArena& arena_;
  const uint64_t most_;
  std::vector<std::pair<PickleNode*, size_t>> path_;
};

}  // namespace

const char* pickle_kind_name(PickleKind kind) {
  constexpr const char* names[] = {"None", "bool",  "int",  "float", "complex", "str",    "bytes",
                                   "list", "tuple", "dict", "set",   "array",   "object", "class"};
  return names[static_cast<size_t>(kind)];
}

Pickle read_pickle(const ByteRange& range, const std::string& name, const PickleOptions& options, size_t* length) {
  auto arena = std::make_shared<PickleArena>(range, name);
  PickleNode* root = PickleMachine(arena, options).run(length);
  Inspection(*arena).run(root);
  return {arena, root};
}

Pickle load_pickle(const std::string& path, const PickleOptions& options) {
  auto mapping = std::make_shared<Mapping>(path);
  return read_pickle({mapping, {mapping->data(), mapping->size()}}, path, options);
}

PickleKind Pickle::kind() const { return node_->kind; }

const Pickle::Node& Pickle::expect(PickleKind kind, const std::string& where) const {
  check(node_->kind == kind, "{}: expected {}, and it is {}", where, pickle_kind_name(kind),
        pickle_kind_name(node_->kind));
  return *node_;
}

bool Pickle::boolean(const std::string& where) const { return expect(PickleKind::boolean, where).integer != 0; }

bool Pickle::is_big() const { return is(PickleKind::integer) && node_->raw; }

int64_t Pickle::integer(const std::string& where) const {
  if (is(PickleKind::boolean)) return node_->integer;
  check(!expect(PickleKind::integer, where).raw, "{}: the integer does not fit 64 bits", where);
  return node_->integer;
}

double Pickle::number(const std::string& where) const {
  if (is(PickleKind::boolean) || (is(PickleKind::integer) && !node_->raw)) return static_cast<double>(node_->integer);
  if (is_tensor()) {
    at::Tensor one = tensor(where);
    check(one.numel() == 1 && !one.is_complex(), "{}: expected a number, and it is an array of {}", where, one.numel());
    return one.reshape({}).to(at::kDouble).item<double>();
  }
  if (!is(PickleKind::integer)) return expect(PickleKind::real, where).real;
  double value = (node_->text.back() & 0x80) ? -1 : 0;
  for (size_t i = node_->text.size(); i-- > 0;) value = value * 256 + static_cast<unsigned char>(node_->text[i]);
  return value;
}

std::complex<double> Pickle::complex(const std::string& where) const {
  if (!is(PickleKind::complex)) return number(where);
  return {node_->real, node_->content->imaginary};
}

std::string Pickle::text(const std::string& where) const {
  if (!is(PickleKind::bytes)) expect(PickleKind::text, where);
  const std::string_view bytes = node_->text;
  if (is_utf8(bytes)) return std::string(bytes);
  check(is(PickleKind::bytes) || node_->raw, "{}: the text is not UTF-8", where);
  return latin1_to_utf8(bytes);
}

std::string_view Pickle::bytes(const std::string& where) const {
  const bool big = is(PickleKind::integer) && node_->raw;
  if (!big && !is_text()) expect(PickleKind::bytes, where);
  return node_->text;
}

size_t Pickle::size() const { return pickle_items(*node_).size(); }

Pickle Pickle::operator[](size_t index) const {
  check(index < size(), "'{}': item {} of {} was asked for", arena_->name, index, size());
  return handle(node_->content->items[index]);
}

Pickle Pickle::key(size_t index) const {
  check(node_->content && index < node_->content->keys.size(), "'{}': key {} of a {} was asked for", arena_->name,
        index, pickle_kind_name(node_->kind));
  return handle(node_->content->keys[index]);
}

std::optional<Pickle> Pickle::find(std::string_view key) const {
  if (!node_->content || !node_->content->index || node_->content->keys.empty()) return std::nullopt;
  const auto& index = *node_->content->index;
  if (auto found = index.texts.find(key); found != index.texts.end())
    return handle(node_->content->items[found->second]);
  auto found = index.others.find("b" + std::string(key));
  if (found == index.others.end()) return std::nullopt;
  return handle(node_->content->items[found->second]);
}

std::optional<Pickle> Pickle::find(int64_t key) const {
  if (!node_->content || !node_->content->index || node_->content->keys.empty()) return std::nullopt;
  auto found = node_->content->index->others.find(fmt::format("i{}", key));
  if (found == node_->content->index->others.end()) return std::nullopt;
  return handle(node_->content->items[found->second]);
}

Pickle Pickle::at(std::string_view key, const std::string& where) const {
  expect(PickleKind::dict, where);
  if (auto found = find(key)) return *found;
  std::vector<std::string> known;
  for (size_t i = 0; i < size() && known.size() < 10'000; ++i)
    if (this->key(i).is_text()) known.push_back(this->key(i).text(where));
  fail("{}: the key '{}' is missing{}", where, key, suggestion(key, known));
}

std::string Pickle::class_name(const std::string& where) const {
  if (!is(PickleKind::global)) expect(PickleKind::object, where);
  return std::string(node_->text);
}

Pickle Pickle::arguments(const std::string& where) const {
  return handle(expect(PickleKind::object, where).content->arguments);
}

std::optional<Pickle> Pickle::state(const std::string& where) const {
  const Node* state = expect(PickleKind::object, where).content->state;
  if (!state) return std::nullopt;
  return handle(state);
}

}  // namespace multiviz
