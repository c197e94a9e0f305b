#pragma once
#include "io/pickle_arena.h"

namespace multiviz {

// Runs the instructions of one pickle, as Python's pickle.Unpickler does, with data in place of code.
class PickleMachine {
 public:
  PickleMachine(std::shared_ptr<PickleArena> arena, const PickleOptions& options)
      : arena_(std::move(arena)), options_(options), bytes_(arena_->range.bytes) {}

  // The value, when STOP is reached; `length` receives where that was.
  PickleNode* run(size_t* length);

 private:
  [[noreturn]] void damaged(const char* what) const;
  void require(bool condition, const char* what) const {
    if (!condition) damaged(what);
  }
  std::string where() const { return fmt::format("'{}': byte {}", arena_->name, start_); }

  std::string_view take(uint64_t count);
  std::string_view take_line();
  uint64_t take_unsigned(size_t bytes);

  void push(PickleNode* node) { stack_.push_back(node); }
  PickleNode* pop();
  PickleNode* top();
  // What lies above the last mark, which goes.
  std::vector<PickleNode*> pop_mark();

  // Each handles its instructions and says whether `code` was one.
  bool constants(unsigned char code);
  bool numbers(unsigned char code);
  bool strings(unsigned char code);
  bool tuples(unsigned char code);
  bool containers(unsigned char code);
  bool memo(unsigned char code);
  bool objects(unsigned char code);
  bool references(unsigned char code);

  void push_integer(int64_t value);
  void push_long(std::string_view little_endian);
  void push_decimal(std::string_view line);
  void push_float(std::string_view line);
  void push_text(PickleKind kind, std::string_view text, bool raw = false);
  void push_tuple(std::vector<PickleNode*> items);
  void set_items(PickleNode& dict, const std::vector<PickleNode*>& pairs);
  void remember(uint64_t index, PickleNode* node);
  void recall(uint64_t index);
  PickleNode* tuple_of(std::vector<PickleNode*> items);
  PickleNode* global(std::string_view module, std::string_view name);
  void call(PickleNode* function, PickleNode* arguments);
  void persistent(PickleNode* id);

  std::shared_ptr<PickleArena> arena_;
  const PickleOptions& options_;
  std::string_view bytes_;
  size_t position_ = 0, start_ = 0;  // start_: of the instruction
  std::vector<PickleNode*> stack_;
  std::vector<size_t> marks_;
  std::vector<PickleNode*> memo_;
  PickleNode *none_ = nullptr, *true_ = nullptr, *false_ = nullptr;
};

}  // namespace multiviz
