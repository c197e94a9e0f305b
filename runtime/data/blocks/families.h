#pragma once
#include <optional>

#include "data/blocks/question.h"

namespace multiviz::blockworld {

// One question of a family, or nothing when the draws did not fit the scene. `hops` counts spatial relations.
std::optional<Question> ask_exist(const World& world, Random& random, int hops);
std::optional<Question> ask_count(const World& world, Random& random, int hops);
std::optional<Question> ask_query(const World& world, Random& random, int hops);
std::optional<Question> ask_equal(const World& world, Random& random, int hops);
std::optional<Question> ask_compare(const World& world, Random& random, int hops);
std::optional<Question> ask_same(const World& world, Random& random);

}  // namespace multiviz::blockworld
