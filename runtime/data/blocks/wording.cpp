#include "data/blocks/wording.h"

#include <vector>

namespace multiviz::blockworld {
namespace {

std::string pick(Random& random, const std::vector<std::string>& words) {
  return words[static_cast<size_t>(random.below(static_cast<int64_t>(words.size())))];
}

std::string value_word(Random& random, int attribute, int value) {
  static const std::vector<std::string> sizes[] = {{"large", "big"}, {"small", "tiny"}};
  static const std::vector<std::string> materials[] = {{"metal", "metallic", "shiny"}, {"rubber", "matte"}};
  static const std::vector<std::string> shapes[] = {{"cube", "block"}, {"sphere", "ball"}, {"cylinder"}};
  switch (attribute) {
    case size:
      return pick(random, sizes[value]);
    case material:
      return pick(random, materials[value]);
    case shape:
      return pick(random, shapes[value]);
    default:
      return value_names(attribute)[static_cast<size_t>(value)];
  }
}

}  // namespace

std::string noun(Random& random, const Spec& spec, bool plural) {
  std::string text;
  for (int attribute = 0; attribute < shape; ++attribute) {
    int value = spec[static_cast<size_t>(attribute)];
    if (value >= 0) text += value_word(random, attribute, value) + ' ';
  }
  text += spec[shape] >= 0 ? value_word(random, shape, spec[shape]) : pick(random, {"thing", "object"});
  return plural ? text + 's' : text;
}

std::string one(Random& random, const Spec& spec) {
  std::string text = noun(random, spec, false);
  return (text[0] == 'o' ? "an " : "a ") + text;
}

std::string relation_words(Random& random, int direction) {
  switch (direction) {
    case left:
      return pick(random, {"left of", "to the left of", "on the left side of"});
    case right:
      return pick(random, {"right of", "to the right of", "on the right side of"});
    case front:
      return "in front of";
    default:
      return "behind";
  }
}

std::string the(Random& random, const Reference& reference) {
  std::string text = "the " + noun(random, reference.specs[0], false);
  for (size_t k = 0; k < reference.relations.size(); ++k) {
    text += " that is " + relation_words(random, reference.relations[k]);
    text += " the " + noun(random, reference.specs[k + 1], false);
  }
  return text;
}

std::string fill(Random& random, std::initializer_list<const char*> patterns,
                 std::initializer_list<std::string> parts) {
  const char* pattern = patterns.begin()[random.below(static_cast<int64_t>(patterns.size()))];
  std::string text;
  for (const char* c = pattern; *c; ++c) {
    if (*c == '{') {
      text += parts.begin()[c[1] - '0'];
      c += 2;
    } else {
      text += *c;
    }
  }
  return text;
}

}  // namespace multiviz::blockworld
