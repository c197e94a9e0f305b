#include "data/blocks/reference.h"

#include <bit>

namespace multiviz::blockworld {
namespace {

Spec spec_of(const World& world, int object, unsigned mentioned) {
  Spec spec = kAny;
  for (int attribute = 0; attribute < kAttributes; ++attribute)
    if (mentioned >> attribute & 1) spec[static_cast<size_t>(attribute)] = world.value(object, attribute);
  return spec;
}

// A direction in which `object` lies from `anchor`.
int sample_direction(const World& world, Random& random, int object, int anchor) {
  int first = static_cast<int>(random.below(4));
  for (int k = 0; k < 4; ++k) {
    int direction = (first + k) % 4;
    if (world.related(anchor, direction) >> object & 1) return direction;
  }
  return -1;
}

// A spec that only this object of `among` matches and, when `strict`, that others in the scene match too.
std::optional<Spec> sample_spec(const World& world, Random& random, int object, ObjectSet among, unsigned banned,
                                bool strict) {
  for (int attempt = 0; attempt < 8; ++attempt) {
    unsigned mentioned = sample_mentions(random, banned);
    if (mentioned == 0 && !strict) continue;
    Spec spec = spec_of(world, object, mentioned);
    ObjectSet set = matching(world, spec);
    if (std::popcount(set & among) == 1 && (!strict || std::popcount(set) > 1)) return spec;
  }
  return std::nullopt;
}

}  // namespace

ObjectSet matching(const World& world, const Spec& spec) {
  ObjectSet set = world.all();
  for (int attribute = 0; attribute < kAttributes; ++attribute)
    if (spec[static_cast<size_t>(attribute)] >= 0) set &= world.having(attribute, spec[static_cast<size_t>(attribute)]);
  return set;
}

bool implies(const Spec& narrow, const Spec& wide) {
  for (size_t attribute = 0; attribute < kAttributes; ++attribute)
    if (wide[attribute] >= 0 && narrow[attribute] != wide[attribute]) return false;
  return true;
}

std::vector<Spec> all_specs(unsigned mentioned) {
  std::vector<Spec> specs = {kAny};
  for (int attribute = 0; attribute < kAttributes; ++attribute) {
    if (!(mentioned >> attribute & 1)) continue;
    std::vector<Spec> longer;
    for (Spec spec : specs) {
      for (int value = 0; value < static_cast<int>(value_names(attribute).size()); ++value) {
        spec[static_cast<size_t>(attribute)] = value;
        longer.push_back(spec);
      }
    }
    specs = std::move(longer);
  }
  return specs;
}

unsigned sample_mentions(Random& random, unsigned banned) {
  static constexpr double chance[] = {0.38, 0.55, 0.38, 0.62};
  unsigned mentioned = 0;
  for (int attribute = 0; attribute < kAttributes; ++attribute)
    if (random.uniform() < chance[attribute]) mentioned |= 1u << attribute;
  return mentioned & ~banned;
}

bool gives_away(int queried, const Spec& target, const Spec& other) {
  // Of eight colors one less is no clue.
  if (queried == color || other[static_cast<size_t>(queried)] < 0) return false;
  for (size_t attribute = 0; attribute < kAttributes; ++attribute) {
    if (attribute == static_cast<size_t>(queried) || other[attribute] < 0) continue;
    bool differs = target[attribute] >= 0 && target[attribute] != other[attribute];
    bool unlikely = attribute == color && target[attribute] < 0;
    if (differs || unlikely) return false;
  }
  return true;
}

std::optional<Reference> sample_reference(const World& world, Random& random, int object, int hops, Limits limits) {
  Reference reference{object, {}, {}};
  unsigned banned = limits.nowhere | (limits.queried >= 0 ? 1u << limits.queried : 0u);
  ObjectSet used = ObjectSet{1} << object;
  int current = object;
  for (int hop = 0; hop < hops; ++hop) {
    int anchor = static_cast<int>(random.below(world.size()));
    if (used >> anchor & 1) return std::nullopt;
    int direction = sample_direction(world, random, current, anchor);
    std::optional<Spec> spec = sample_spec(world, random, current, world.related(anchor, direction), banned, true);
    if (!spec) return std::nullopt;
    reference.specs.push_back(*spec);
    reference.relations.push_back(direction);
    used |= ObjectSet{1} << anchor;
    current = anchor;
    banned = limits.nowhere;
  }
  std::optional<Spec> last = sample_spec(world, random, current, world.all(), banned, false);
  if (!last) return std::nullopt;
  reference.specs.push_back(*last);
  if (limits.queried >= 0)
    for (size_t k = 1; k < reference.specs.size(); ++k)
      if (gives_away(limits.queried, reference.specs[0], reference.specs[k])) return std::nullopt;
  return reference;
}

int add_filters(Program& program, int input, const Spec& spec) {
  for (int attribute = 0; attribute < kAttributes; ++attribute) {
    if (spec[static_cast<size_t>(attribute)] < 0) continue;
    program.push_back({Function::filter, {input}, attribute, spec[static_cast<size_t>(attribute)]});
    input = static_cast<int>(program.size()) - 1;
  }
  return input;
}

int add_reference(Program& program, const Reference& reference) {
  program.push_back({Function::scene, {}});
  int last = static_cast<int>(program.size()) - 1;
  for (size_t k = reference.specs.size(); k-- > 0;) {
    last = add_filters(program, last, reference.specs[k]) + 1;
    program.push_back({Function::unique, {last - 1}});
    if (k > 0) program.push_back({Function::relate, {last++}, -1, reference.relations[k - 1]});
  }
  return last;
}

}  // namespace multiviz::blockworld
