#pragma once
#include <ATen/core/Tensor.h>

#include <complex>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace multiviz {

// What a pickled value is. Instances of namedtuple-like, unknown classes are `object`s; a class or function that is
// itself a value is a `global`. NumPy scalars are boolean, integer, real, complex, text or bytes.
enum class PickleKind {
  none,
  boolean,
  integer,
  real,
  complex,
  text,
  bytes,
  list,
  tuple,
  dict,
  set,
  array,
  object,
  global
};

const char* pickle_kind_name(PickleKind kind);  // "None", "bool", "int", ... as Python says it

// Bytes that somebody keeps alive: a mapped file, or a part of one.
struct ByteRange {
  std::shared_ptr<const void> owner;
  std::string_view bytes;
};

// A value in a pickle: a handle, cheap to copy, which keeps the whole pickle and its file alive. Values form a tree
// without cycles. Accessors that a value of this kind does not have throw Error starting with `where`, which says the
// place in the user's terms ("mosei.pkl: 'train'").
class Pickle {
 public:
  PickleKind kind() const;
  bool is(PickleKind kind) const { return this->kind() == kind; }
  bool is_none() const { return is(PickleKind::none); }
  // A str, or what Python 2 called one.
  bool is_text() const { return is(PickleKind::text); }

  bool boolean(const std::string& where) const;
  bool is_big() const;                              // an int of more than 64 bits
  int64_t integer(const std::string& where) const;  // bool counts as int; throws where it needs more than 64 bits
  double number(const std::string& where) const;    // int, bool or float, or an array of one number
  std::complex<double> complex(const std::string& where) const;
  // UTF-8. Strings of Python 2 and bytes are taken as UTF-8 when they are it, else as Latin-1.
  std::string text(const std::string& where) const;
  // bytes, bytearray and strings of Python 2 as they are in the file; str as UTF-8; int as little-endian two's
  // complement where it needs more than 64 bits.
  std::string_view bytes(const std::string& where) const;

  // list, tuple, set: the items. dict: the entries in order. Arrays of objects or strings: the elements, row by row.
  // Anything else: 0.
  size_t size() const;
  Pickle operator[](size_t index) const;  // an item, or the value of an entry
  Pickle key(size_t index) const;         // of a dict

  // The value under a str (or bytes) key of a dict; nothing when there is none, or when this is no dict.
  std::optional<Pickle> find(std::string_view key) const;
  // The same under an integer key.
  std::optional<Pickle> find(int64_t key) const;
  // The same, or Error naming near keys.
  Pickle at(std::string_view key, const std::string& where) const;

  // NumPy arrays (and PyTorch tensors in files that have them): whether this is one of numbers, its shape and dtype.
  bool is_tensor() const;
  std::vector<int64_t> shape(const std::string& where) const;
  at::ScalarType dtype(const std::string& where) const;
  // The numbers. A view of the mapped file, strided where the array is in Fortran order, unless its bytes are unaligned
  // or of the other byte order, which costs a copy. Writing to it changes this process's copy, never the file.
  at::Tensor tensor(const std::string& where) const;
  // Rows [begin, end) of the first axis, contiguous: reads these alone, so that data sets can take datapoints out of
  // arrays larger than memory.
  at::Tensor rows(int64_t begin, int64_t end, const std::string& where) const;

  // object, global: "torch.nn.modules.linear.Linear".
  std::string class_name(const std::string& where) const;
  // object: what its constructor was given (a tuple), and its state; nothing when it has none. Items of an object that
  // is a list or a dict as well are its items.
  Pickle arguments(const std::string& where) const;
  std::optional<Pickle> state(const std::string& where) const;

  struct Node;
  struct Arena;
  Pickle(std::shared_ptr<const Arena> arena, const Node* node) : arena_(std::move(arena)), node_(node) {}
  const Node& node() const { return *node_; }

 private:
  const Node& expect(PickleKind kind, const std::string& where) const;
  Pickle handle(const Node* node) const { return {arena_, node}; }

  std::shared_ptr<const Arena> arena_;
  const Node* node_;
};

struct PickleOptions {
  // Values of persistent ids; without it they are refused.
  std::function<at::Tensor(const Pickle& id)> persistent;
  // Called for functions and classes that are unknown here ("torch._utils._rebuild_tensor_v2") with their arguments, a
  // tuple. Returns nothing when it does not know them either.
  std::function<std::optional<at::Tensor>(const std::string& function, const Pickle& arguments)> call;
  // Keeps instances of unknown classes as `object`s, data without behaviour, instead of refusing the file.
  bool keep_objects = false;
};

// Reads a pickle of protocol 0 to 5 and builds data only: None, bool, int, float, complex, str, bytes, bytearray, list,
// tuple, dict (OrderedDict, defaultdict, Counter, Namespace), set, frozenset, deque, and NumPy arrays and scalars. No
// code of the file is ever run. Strings and arrays stay in the mapped file. Throws Error naming the file and the byte
// when it is damaged or truncated, when it nests deeper than 500 levels, refers to itself, or repeats itself beyond
// measure, and, naming the class and saying how to export it, when it holds anything else.
Pickle load_pickle(const std::string& path, const PickleOptions& options = {});

// The pickle at the start of `range`; `name` is the file, for errors. `length` receives the number of its bytes.
Pickle read_pickle(const ByteRange& range, const std::string& name, const PickleOptions& options = {},
                   size_t* length = nullptr);

}  // namespace multiviz
