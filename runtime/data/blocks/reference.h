#pragma once
#include <array>
#include <optional>
#include <vector>

#include "core/random.h"
#include "data/blocks/program.h"

namespace multiviz::blockworld {

// What a noun phrase says of an object: a value for each attribute it mentions, -1 for the others.
using Spec = std::array<int, kAttributes>;
inline constexpr Spec kAny = {-1, -1, -1, -1};

ObjectSet matching(const World& world, const Spec& spec);

// Everything that matches `narrow` matches `wide`.
bool implies(const Spec& narrow, const Spec& wide);

// Every way to give values to the attributes in `mentioned` (bit a for attribute a).
std::vector<Spec> all_specs(unsigned mentioned);

// A noun phrase for one object: specs[0], which is relations[0] of the one object that is specs[1], and so on. The last
// spec is unique in the scene; the others are unique only together with their relation, so that no relation is idle.
struct Reference {
  int object;
  std::vector<Spec> specs;
  std::vector<int> relations;
};

// Attributes that a phrase may not mention, as bits.
struct Limits {
  unsigned nowhere = 0;  // in no spec
  int queried = -1;      // not in specs[0], nor in a later spec that would give the answer away
};

// Attributes drawn for a noun phrase, as bits; may be none.
unsigned sample_mentions(Random& random, unsigned banned);

// A random phrase with this many relations for an object, or nothing when none was found in a few tries.
std::optional<Reference> sample_reference(const World& world, Random& random, int object, int hops, Limits limits);

// A phrase for `other` leaves fewer values of the queried attribute for an object that is `target` than chance would:
// "what size is the cube left of the large cube" can only be small, or there would be two large cubes.
bool gives_away(int queried, const Spec& target, const Spec& other);

// Steps appended to a program; each returns the index of its last one.
int add_filters(Program& program, int input, const Spec& spec);
int add_reference(Program& program, const Reference& reference);

}  // namespace multiviz::blockworld
