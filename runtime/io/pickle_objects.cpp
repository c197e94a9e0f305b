#include <charconv>

#include "io/pickle_machine.h"

namespace multiviz {

PickleNode* PickleMachine::tuple_of(std::vector<PickleNode*> items) {
  PickleNode* node = arena_->add(PickleKind::tuple);
  if (!items.empty()) node->make_content().items = std::move(items);
  return node;
}

void PickleMachine::push_tuple(std::vector<PickleNode*> items) { push(tuple_of(std::move(items))); }

bool PickleMachine::tuples(unsigned char code) {
  switch (code) {
    case ')':
      return push_tuple({}), true;
    case 't':
      return push_tuple(pop_mark()), true;
    case 0x85:
    case 0x86:
    case 0x87: {
      std::vector<PickleNode*> items(code - 0x84u);
      for (size_t i = items.size(); i-- > 0;) items[i] = pop();
      return push_tuple(std::move(items)), true;
    }
    default:
      return false;
  }
}

void PickleMachine::set_items(PickleNode& dict, const std::vector<PickleNode*>& pairs) {
  require(pairs.size() % 2 == 0, "a key has no value");
  for (size_t i = 0; i < pairs.size(); i += 2) pickle_set(*arena_, dict, pairs[i], pairs[i + 1]);
}

bool PickleMachine::containers(unsigned char code) {
  switch (code) {
    case ']':
      return push(arena_->add(PickleKind::list)), true;
    case '}':
      return push(arena_->add(PickleKind::dict)), true;
    case 0x8f:
      return push(arena_->add(PickleKind::set)), true;
    case 'l': {
      auto items = pop_mark();
      PickleNode* list = arena_->add(PickleKind::list);
      list->make_content().items = std::move(items);
      return push(list), true;
    }
    case 'd': {
      auto pairs = pop_mark();
      PickleNode* dict = arena_->add(PickleKind::dict);
      return set_items(*dict, pairs), push(dict), true;
    }
    case 'a': {
      PickleNode* item = pop();
      return pickle_append(*arena_, *top(), item), true;
    }
    case 'e': {
      auto items = pop_mark();
      PickleNode& list = *top();
      for (PickleNode* item : items) pickle_append(*arena_, list, item);
      return true;
    }
    case 's': {
      PickleNode* value = pop();
      PickleNode* key = pop();
      return pickle_set(*arena_, *top(), key, value), true;
    }
    case 'u': {
      auto pairs = pop_mark();
      return set_items(*top(), pairs), true;
    }
    case 0x90:
    case 0x91: {
      auto items = pop_mark();
      if (code == 0x91) push(arena_->add(PickleKind::set));
      PickleNode& set = *top();
      for (PickleNode* item : items) pickle_insert(*arena_, set, item);
      return true;
    }
    default:
      return false;
  }
}

void PickleMachine::remember(uint64_t index, PickleNode* node) {
  require(index <= position_, "it numbers values beyond its length");
  if (index >= memo_.size()) memo_.resize(index + 1);
  memo_[index] = node;
}

void PickleMachine::recall(uint64_t index) {
  require(index < memo_.size() && memo_[index], "it refers to a value that is not there");
  push(memo_[index]);
}

bool PickleMachine::memo(unsigned char code) {
  auto number = [&] {
    auto line = take_line();
    uint64_t index = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), index);
    require(error == std::errc() && end == line.data() + line.size(), "an index is not well written");
    return index;
  };
  switch (code) {
    case 'p':
      return remember(number(), top()), true;
    case 'q':
      return remember(take_unsigned(1), top()), true;
    case 'r':
      return remember(take_unsigned(4), top()), true;
    case 0x94:
      return remember(memo_.size(), top()), true;
    case 'g':
      return recall(number()), true;
    case 'h':
      return recall(take_unsigned(1)), true;
    case 'j':
      return recall(take_unsigned(4)), true;
    default:
      return false;
  }
}

PickleNode* PickleMachine::global(std::string_view module, std::string_view name) {
  require(module.size() + name.size() < 1000, "the name of a class is too long");
  constexpr std::pair<std::string_view, std::string_view> renamed[] = {
      {"__builtin__", "builtins"}, {"copy_reg", "copyreg"}, {"numpy._core", "numpy.core"}};
  std::string full(module);
  for (const auto& [before, after] : renamed)
    if (module.starts_with(before) && (module.size() == before.size() || module[before.size()] == '.'))
      full = std::string(after) + std::string(module.substr(before.size()));
  return arena_->add_text(PickleKind::global, arena_->keep(full + "." + std::string(name)));
}

void PickleMachine::call(PickleNode* function, PickleNode* arguments) {
  require(function->kind == PickleKind::global && arguments->kind == PickleKind::tuple, "it calls what is no function");
  push(pickle_call(arena_, options_, function, arguments));
}

bool PickleMachine::objects(unsigned char code) {
  switch (code) {
    case 'c': {
      auto module = take_line();
      return push(global(module, take_line())), true;
    }
    case 0x93: {
      PickleNode* name = pop();
      PickleNode* module = pop();
      require(name->kind == PickleKind::text && module->kind == PickleKind::text, "the name of a class is no text");
      return push(global(module->text, name->text)), true;
    }
    case 'i': {
      auto module = take_line();
      PickleNode* function = global(module, take_line());
      return call(function, tuple_of(pop_mark())), true;
    }
    case 'o': {
      auto items = pop_mark();
      require(!items.empty(), "it calls nothing");
      PickleNode* function = items[0];
      items.erase(items.begin());
      return call(function, tuple_of(std::move(items))), true;
    }
    case 'R':
    case 0x81: {
      PickleNode* arguments = pop();
      return call(pop(), arguments), true;
    }
    case 0x92: {
      PickleNode* named = pop();
      PickleNode* arguments = pop();
      PickleNode* function = pop();
      auto items = pickle_items(*arguments);
      if (!pickle_items(*named).empty()) items.push_back(named);
      return call(function, tuple_of(std::move(items))), true;
    }
    case 'b': {
      PickleNode* state = pop();
      return pickle_build(*arena_, *top(), state), true;
    }
    default:
      return false;
  }
}

void PickleMachine::persistent(PickleNode* id) {
  check(static_cast<bool>(options_.persistent),
        "'{}' refers to objects that are not in it: save it in Python with pickle.dump alone", arena_->name);
  push(wrap_tensor(*arena_, options_.persistent(Pickle(arena_, id))));
}

bool PickleMachine::references(unsigned char code) {
  switch (code) {
    case 'P':
      push_text(PickleKind::text, take_line());
      return persistent(pop()), true;
    case 'Q':
      return persistent(pop()), true;
    case 0x82:
    case 0x83:
    case 0x84:
      fail(
          "{}: it uses the registry of extensions (copyreg), which only the program that wrote it has: save it without",
          where());
    case 0x97:
    case 0x98:
      fail("{}: its buffers are not in the file: save it in Python without buffer_callback", where());
    default:
      return false;
  }
}

}  // namespace multiviz
