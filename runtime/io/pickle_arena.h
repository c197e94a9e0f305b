#pragma once
#include <deque>
#include <unordered_map>

#include "core/error.h"
#include "io/pickle.h"

namespace multiviz {

// The parts of the pickle reader that its files share; nobody else includes this.

struct PickleArray {
  at::ScalarType type = at::kFloat;
  std::vector<int64_t> shape = {0};
  bool fortran = false;
  bool swapped = false;   // the bytes of a number are in the other order
  bool numpy = false;     // made by NumPy: its state says what it holds
  bool elements = false;  // of objects or strings: they are the node's items
  std::string_view data;
  at::Tensor tensor;  // what an option made: no data then
};

// For dicts and sets: where a key is. A str and a Python 2 string of the same bytes are the same key.
struct PickleIndex {
  std::unordered_map<std::string_view, size_t> texts;
  std::unordered_map<std::string, size_t> others;  // by pickle_key
};

struct PickleContent {
  std::vector<Pickle::Node*> items;  // of a list, tuple, set, array of elements; the values of a dict
  std::vector<Pickle::Node*> keys;
  std::unique_ptr<PickleIndex> index;
  std::unique_ptr<PickleArray> array;
  Pickle::Node* arguments = nullptr;
  Pickle::Node* state = nullptr;
  double imaginary = 0;
  uint64_t weight = 0;  // values below and including this one, each as often as it is reached; 0: not counted yet
};

struct Pickle::Node {
  PickleKind kind = PickleKind::none;
  bool raw = false;   // text: of Python 2; integer: more than 64 bits, which are in `text`
  bool open = false;  // is being counted: reaching it again is a cycle
  uint16_t depth = 0;
  union {
    int64_t integer = 0;
    double real;
  };
  std::string_view text;  // of text and bytes; class of an object or a global
  std::unique_ptr<PickleContent> content;

  PickleContent& make_content() {
    if (!content) content = std::make_unique<PickleContent>();
    return *content;
  }
};

// Owns the values of one pickle, so that cycles in a bad one do not leak.
struct Pickle::Arena {
  ByteRange range;
  std::string name;  // of the file
  std::deque<Node> nodes;
  std::deque<std::string> strings;  // decoded ones
  uint64_t decoded = 0, looked_up = 0;

  Arena(ByteRange bytes, std::string file) : range(std::move(bytes)), name(std::move(file)) {}
  Node* add(PickleKind kind);
  Node* add_text(PickleKind kind, std::string_view text);
  std::string_view keep(std::string text);
  // Files may refer to one thing many times: what that makes us copy or look up stays in proportion to their size.
  void charge_copy(uint64_t bytes);
  void charge_lookup(uint64_t bytes);
};

using PickleNode = Pickle::Node;
using PickleArena = Pickle::Arena;

inline const std::vector<PickleNode*>& pickle_items(const PickleNode& node) {
  static const std::vector<PickleNode*> none;
  return node.content ? node.content->items : none;
}

// Python's rules for dicts: equal keys are one, the last value counts, the first position stays.
void pickle_set(PickleArena& arena, PickleNode& dict, PickleNode* key, PickleNode* value);
void pickle_append(PickleArena& arena, PickleNode& list, PickleNode* item);
void pickle_insert(PickleArena& arena, PickleNode& set, PickleNode* item);
// What tells keys that are no texts apart.
std::string pickle_key(PickleArena& arena, const PickleNode& node);

// Text.
bool is_utf8(std::string_view text);
std::string latin1_to_utf8(std::string_view bytes);
// The inverse; nothing when a character is none of Latin-1.
std::optional<std::string> utf8_to_latin1(std::string_view text);
void append_utf8(std::string& text, uint32_t code);
// "abc\x00\'" of protocol 0: what Python's string-escape and raw-unicode-escape undo.
std::string unescape_string(std::string_view quoted, const std::string& where);
std::string unescape_unicode(std::string_view text, const std::string& where);

// Calls and instances.
PickleNode* pickle_call(const std::shared_ptr<PickleArena>& arena, const PickleOptions& options, PickleNode* function,
                        PickleNode* arguments);
void pickle_build(PickleArena& arena, PickleNode& object, PickleNode* state);
PickleNode* wrap_tensor(PickleArena& arena, at::Tensor tensor);

// NumPy.
PickleNode* numpy_empty(PickleArena& arena, PickleNode& arguments);   // _reconstruct
PickleNode* numpy_scalar(PickleArena& arena, PickleNode& arguments);  // scalar
PickleNode* numpy_buffer(PickleArena& arena, PickleNode& arguments);  // _frombuffer
void numpy_set_state(PickleArena& arena, PickleNode& array, const PickleNode& state);

}  // namespace multiviz
