#include "data/blocks/families.h"

#include <algorithm>
#include <bit>
#include <map>

#include "data/blocks/wording.h"

namespace multiviz::blockworld {
namespace {

// The objects that a set phrase ranges over: the scene, or what is on one side of an object.
struct Scope {
  std::optional<Reference> anchor;
  int direction = -1;
  ObjectSet objects;
};

std::optional<Scope> sample_scope(const World& world, Random& random, int hops) {
  if (hops == 0) return Scope{std::nullopt, -1, world.all()};
  int object = static_cast<int>(random.below(world.size()));
  int direction = static_cast<int>(random.below(4));
  std::optional<Reference> anchor = sample_reference(world, random, object, hops - 1, {});
  if (!anchor) return std::nullopt;
  return Scope{anchor, direction, world.related(object, direction)};
}

// Nothing but the anchor itself can match a phrase that says all that the anchor's phrase says.
bool names_anchor(const Spec& spec, const Scope& scope) {
  if (!scope.anchor) return false;
  for (const Spec& other : scope.anchor->specs)
    if (implies(spec, other)) return true;
  return false;
}

int count_of(ObjectSet set) { return std::popcount(set); }

int add_set(Program& program, const Scope& scope, const Spec& spec) {
  if (scope.anchor) {
    int anchor = add_reference(program, *scope.anchor);
    program.push_back({Function::relate, {anchor}, -1, scope.direction});
  } else {
    program.push_back({Function::scene, {}});
  }
  return add_filters(program, static_cast<int>(program.size()) - 1, spec);
}

// " left of the red cube" with or without the words that link it, or nothing for the whole scene.
std::string place_words(Random& random, const Scope& scope, const char* link) {
  if (!scope.anchor) return "";
  std::string text = random.below(2) ? " " : link;
  text += relation_words(random, scope.direction) + ' ';
  return text + the(random, *scope.anchor);
}

template <typename T>
const T& pick(Random& random, const std::vector<T>& list) {
  return list[static_cast<size_t>(random.below(static_cast<int64_t>(list.size())))];
}

// Each key equally likely, then each of its entries.
template <typename Key, typename T>
const T& pick_group(Random& random, const std::map<Key, std::vector<T>>& groups) {
  auto group = groups.begin();
  std::advance(group, random.below(static_cast<int64_t>(groups.size())));
  return pick(random, group->second);
}

// As pick_group, but large counts more often, as far as the scene has them: it rarely does.
template <typename T>
const T& pick_count(Random& random, const std::map<int, std::vector<T>>& groups) {
  static constexpr int64_t weights[] = {2, 2, 5, 8, 10};
  auto weight = [](int count) { return weights[std::min(count, 4)]; };
  int64_t total = 0;
  for (const auto& [count, entries] : groups) total += weight(count);
  int64_t drawn = random.below(total);
  auto group = groups.begin();
  for (; drawn >= weight(group->first); ++group) drawn -= weight(group->first);
  return pick(random, group->second);
}

int bits(unsigned mentioned) { return std::popcount(mentioned); }

}  // namespace

std::optional<Question> ask_exist(const World& world, Random& random, int hops) {
  std::optional<Scope> scope = sample_scope(world, random, hops);
  unsigned mentioned = sample_mentions(random, 0);
  if (!scope || mentioned == 0) return std::nullopt;
  std::map<bool, std::vector<Spec>> groups;
  for (const Spec& spec : all_specs(mentioned)) {
    ObjectSet set = matching(world, spec);
    // With a relation, "no" is asked only of what is elsewhere in the scene.
    if (names_anchor(spec, *scope) || (hops > 0 && set == 0)) continue;
    groups[(set & scope->objects) != 0].push_back(spec);
  }
  if (groups.size() < 2) return std::nullopt;
  Spec spec = pick_group(random, groups);
  Question question{"", "exist", hops};
  int set = add_set(question.program, *scope, spec);
  question.program.push_back({Function::exist, {set}});
  if (random.below(2)) {
    std::string things = noun(random, spec, true);
    question.text = "Are there any " + things + place_words(random, *scope, " that are ") + '?';
  } else {
    std::string thing = one(random, spec);
    question.text = "Is there " + thing + place_words(random, *scope, " that is ") + '?';
  }
  return question;
}

std::optional<Question> ask_count(const World& world, Random& random, int hops) {
  std::optional<Scope> scope = sample_scope(world, random, hops);
  // Short phrases: what is told in detail is there once or not at all.
  unsigned mentioned = sample_mentions(random, 0);
  if (!scope || bits(mentioned) > 2 || (mentioned == 0 && random.below(3))) return std::nullopt;
  std::map<int, std::vector<Spec>> groups;
  for (const Spec& spec : all_specs(mentioned)) {
    ObjectSet set = matching(world, spec);
    if (names_anchor(spec, *scope)) continue;
    int count = count_of(set & scope->objects);
    if (hops > 0 && count == count_of(set)) continue;
    groups[count].push_back(spec);
  }
  if (groups.size() < 2 && mentioned != 0) return std::nullopt;
  if (groups.empty()) return std::nullopt;
  Spec spec = pick_count(random, groups);
  Question question{"", "count", hops};
  int set = add_set(question.program, *scope, spec);
  question.program.push_back({Function::count, {set}});
  std::string things = noun(random, spec, true);
  const char* start = random.below(3) ? "How many " : "What number of ";
  question.text = start + things;
  question.text += scope->anchor ? " are" + place_words(random, *scope, " there ") : " are there";
  question.text += '?';
  return question;
}

namespace {

// Colors and shapes are asked for more often: they have more values.
int sample_queried(Random& random) {
  static constexpr int wheel[] = {color, color, color, shape, shape, size, material};
  return wheel[random.below(7)];
}

std::string query_text(Random& random, int attribute, const std::string& object, const std::string& bare) {
  switch (attribute) {
    case color:
      return fill(random, {"What color is {0}?", "What is the color of {0}?", "There is {1}; what color is it?"},
                  {object, bare});
    case shape:
      return fill(random, {"What shape is {0}?", "What is the shape of {0}?", "There is {1}; what shape is it?"},
                  {object, bare});
    case size:
      return fill(random, {"What size is {0}?", "How big is {0}?", "There is {1}; what size is it?"}, {object, bare});
    default:
      return fill(random, {"What is {0} made of?", "What material is {0}?", "There is {1}; what is it made of?"},
                  {object, bare});
  }
}

// "a red cube that is left of ..." from "the red cube that is left of ...".
std::string indefinite(const std::string& object) {
  std::string rest = object.substr(4);
  return (rest[0] == 'o' ? "an " : "a ") + rest;
}

}  // namespace

std::optional<Question> ask_query(const World& world, Random& random, int hops) {
  int attribute = sample_queried(random);
  int object = static_cast<int>(random.below(world.size()));
  std::optional<Reference> reference = sample_reference(world, random, object, hops, {0, attribute});
  if (!reference) return std::nullopt;
  Question question{"", std::string("query_") + attribute_name(attribute), hops};
  int found = add_reference(question.program, *reference);
  question.program.push_back({Function::query, {found}, attribute});
  std::string words = the(random, *reference);
  question.text = query_text(random, attribute, words, indefinite(words));
  return question;
}

namespace {

struct Pair {
  Reference first, second;
};

// Phrases for two objects whose values of the attribute are the same, or are not; neither phrase mentions it.
std::optional<Pair> sample_pair(const World& world, Random& random, int hops, int attribute, bool same) {
  std::vector<std::pair<int, int>> pairs;
  for (int i = 0; i < world.size(); ++i)
    for (int j = 0; j < world.size(); ++j)
      if (i != j && (world.value(i, attribute) == world.value(j, attribute)) == same) pairs.push_back({i, j});
  Limits limits{1u << attribute, -1};
  for (int attempt = 0; attempt < 40 && !pairs.empty(); ++attempt) {
    auto [first, second] = pick(random, pairs);
    std::optional<Reference> a = sample_reference(world, random, first, hops, limits);
    if (!a) continue;
    std::optional<Reference> b = sample_reference(world, random, second, 0, limits);
    // A side that names the other's landmark reads like a riddle.
    if (b && !implies(b->specs[0], a->specs.back())) return Pair{*a, *b};
  }
  return std::nullopt;
}

std::string equal_text(Random& random, int attribute, const Pair& pair) {
  std::string a = the(random, pair.first), b = the(random, pair.second), name = attribute_name(attribute);
  if (random.below(2)) std::swap(a, b);
  switch (attribute) {
    case size:
      return fill(
          random,
          {"Is {0} the same size as {1}?", "Are {0} and {1} the same size?", "Does {0} have the same size as {1}?"},
          {a, b});
    case material:
      return fill(random, {"Is {0} made of the same material as {1}?", "Are {0} and {1} made of the same material?"},
                  {a, b});
    default:
      return fill(random,
                  {"Is the {2} of {0} the same as the {2} of {1}?", "Do {0} and {1} have the same {2}?",
                   "Does {0} have the same {2} as {1}?"},
                  {a, b, name});
  }
}

}  // namespace

std::optional<Question> ask_equal(const World& world, Random& random, int hops) {
  int attribute = static_cast<int>(random.below(kAttributes));
  // Both answers have to be possible before one is chosen.
  std::optional<Pair> same = sample_pair(world, random, hops, attribute, true);
  if (!same) return std::nullopt;
  std::optional<Pair> different = sample_pair(world, random, hops, attribute, false);
  if (!different) return std::nullopt;
  const Pair& chosen = random.below(2) ? *same : *different;
  Question question{"", std::string("equal_") + attribute_name(attribute), hops};
  Program& program = question.program;
  int first = add_reference(program, chosen.first);
  program.push_back({Function::query, {first}, attribute});
  int second = add_reference(program, chosen.second);
  program.push_back({Function::query, {second}, attribute});
  program.push_back({Function::equal, {first + 1, second + 1}, attribute});
  question.text = equal_text(random, attribute, chosen);
  return question;
}

namespace {

bool compare(Function function, int a, int b) {
  if (function == Function::equal_integer) return a == b;
  return function == Function::less_than ? a < b : a > b;
}

std::string compare_text(Random& random, Function function, const std::string& a, const std::string& b,
                         bool long_form) {
  if (function == Function::equal_integer) {
    if (long_form)
      return fill(
          random,
          {"Is the number of {0} the same as the number of {1}?", "Is the number of {0} equal to the number of {1}?"},
          {a, b});
    return fill(random,
                {"Are there an equal number of {0} and {1}?", "Are there as many {0} as {1}?",
                 "Is the number of {0} the same as the number of {1}?"},
                {a, b});
  }
  if (function == Function::less_than) {
    if (long_form) return fill(random, {"Is the number of {0} less than the number of {1}?"}, {a, b});
    return fill(random, {"Are there fewer {0} than {1}?", "Is the number of {0} less than the number of {1}?"}, {a, b});
  }
  if (long_form) return fill(random, {"Is the number of {0} greater than the number of {1}?"}, {a, b});
  return fill(random, {"Are there more {0} than {1}?", "Is the number of {0} greater than the number of {1}?"}, {a, b});
}

}  // namespace

std::optional<Question> ask_compare(const World& world, Random& random, int hops) {
  static constexpr Function kinds[] = {Function::equal_integer, Function::less_than, Function::greater_than};
  static constexpr const char* names[] = {"equal_integer", "less_than", "greater_than"};
  size_t kind = static_cast<size_t>(random.below(3));
  std::optional<Scope> scope = sample_scope(world, random, hops);
  unsigned first = sample_mentions(random, 0), second = random.below(3) ? first : sample_mentions(random, 0);
  if (!scope || first == 0 || bits(first) > 2 || bits(second) != bits(first)) return std::nullopt;
  std::map<bool, std::vector<std::pair<Spec, Spec>>> groups;
  std::vector<Spec> seconds = all_specs(second);
  for (const Spec& a : all_specs(first)) {
    if (names_anchor(a, *scope)) continue;
    int everywhere = count_of(matching(world, a)), here = count_of(matching(world, a) & scope->objects);
    for (const Spec& b : seconds) {
      int other = count_of(matching(world, b));
      if (implies(a, b) || implies(b, a) || here + other == 0) continue;
      bool answer = compare(kinds[kind], here, other);
      if (hops > 0 && answer == compare(kinds[kind], everywhere, other)) continue;
      groups[answer].push_back({a, b});
    }
  }
  if (groups.size() < 2) return std::nullopt;
  auto [a, b] = pick_group(random, groups);
  Question question{"", names[kind], hops};
  Program& program = question.program;
  int set = add_set(program, *scope, a);
  program.push_back({Function::count, {set}});
  int one_count = static_cast<int>(program.size()) - 1;
  program.push_back({Function::scene, {}});
  int other_set = add_filters(program, one_count + 1, b);
  program.push_back({Function::count, {other_set}});
  program.push_back({kinds[kind], {one_count, other_set + 1}});
  std::string a_words = noun(random, a, true), b_words = noun(random, b, true);
  a_words += place_words(random, *scope, " that are ");
  question.text = compare_text(random, kinds[kind], a_words, b_words, hops > 0);
  return question;
}

namespace {

struct SameCase {
  Reference anchor;
  Spec spec;
};

std::string same_words(Random& random, int attribute, const std::string& anchor, bool plural) {
  std::string name = attribute_name(attribute);
  const char* be = plural ? "are" : "is";
  const char* have = plural ? "have" : "has";
  if (attribute == size)
    return fill(random, {"that {0} the same size as {1}", "that {2} the same size as {1}"}, {be, anchor, have});
  if (attribute == material) return fill(random, {"that {0} made of the same material as {1}"}, {be, anchor});
  return fill(random, {"that {0} the same {1} as {2}", "of the same {1} as {2}"}, {have, name, anchor});
}

std::string same_text(Random& random, Function kind, int attribute, int queried, const SameCase& chosen) {
  std::string anchor = the(random, chosen.anchor);
  bool plural = kind == Function::count || (kind == Function::exist && random.below(2));
  std::string things = noun(random, chosen.spec, plural), words = same_words(random, attribute, anchor, plural);
  if (kind == Function::count)
    return fill(random, {"How many other {0} are there {1}?", "What number of other {0} are there {1}?"},
                {things, words});
  if (kind == Function::exist && plural) return fill(random, {"Are there any other {0} {1}?"}, {things, words});
  if (kind == Function::exist)
    return fill(random, {"Is there another {0} {1}?", "Is there any other {0} {1}?"}, {things, words});
  return query_text(random, queried, "the other " + things + ' ' + words, "another " + things + ' ' + words);
}

}  // namespace

std::optional<Question> ask_same(const World& world, Random& random) {
  static constexpr Function kinds[] = {Function::exist, Function::count, Function::query};
  Function kind = kinds[random.below(3)];
  int attribute = static_cast<int>(random.below(kAttributes));
  int queried = kind == Function::query ? sample_queried(random) : -1;
  if (queried == attribute) return std::nullopt;
  unsigned mentioned =
      random.below(2) ? 0 : sample_mentions(random, 1u << attribute | (queried >= 0 ? 1u << queried : 0u));
  if (bits(mentioned) > 2) return std::nullopt;
  std::map<int, std::vector<SameCase>> groups;
  for (int object = 0; object < world.size(); ++object) {
    std::optional<Reference> anchor = sample_reference(world, random, object, 0, {1u << attribute, -1});
    if (!anchor) continue;
    ObjectSet itself = ObjectSet{1} << object;
    ObjectSet same = world.having(attribute, world.value(object, attribute)) & ~itself;
    for (const Spec& spec : all_specs(mentioned)) {
      ObjectSet set = matching(world, spec) & ~itself;
      int count = count_of(set & same);
      if (implies(spec, anchor->specs[0])) continue;
      if (kind == Function::exist) {
        if (set != 0) groups[count > 0].push_back({*anchor, spec});
      } else if (kind == Function::count) {
        if (set != 0 && count != count_of(set)) groups[count].push_back({*anchor, spec});
      } else if (count == 1 && count_of(set) > 1 && !gives_away(queried, spec, anchor->specs[0])) {
        groups[world.value(std::countr_zero(set & same), queried)].push_back({*anchor, spec});
      }
    }
  }
  if (groups.empty() || (kind != Function::query && groups.size() < 2)) return std::nullopt;
  SameCase chosen = kind == Function::count ? pick_count(random, groups) : pick_group(random, groups);
  static constexpr const char* names[] = {"same_exist", "same_count", "same_query"};
  Question question{"", names[kind == Function::exist ? 0 : kind == Function::count ? 1 : 2], 1};
  Program& program = question.program;
  int anchor = add_reference(program, chosen.anchor);
  program.push_back({Function::same, {anchor}, attribute});
  int set = add_filters(program, anchor + 1, chosen.spec);
  if (kind == Function::query) {
    program.push_back({Function::unique, {set}});
    program.push_back({Function::query, {set + 1}, queried});
  } else {
    program.push_back({kind, {set}});
  }
  question.text = same_text(random, kind, attribute, queried, chosen);
  return question;
}

}  // namespace multiviz::blockworld
