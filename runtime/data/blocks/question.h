#pragma once
#include <string>

#include "core/random.h"
#include "data/blocks/program.h"

namespace multiviz::blockworld {

struct Question {
  std::string text;
  std::string family;  // exist, count, query_*, equal_*, equal_integer, less_than, greater_than, same_exist,
                       // same_count, same_query
  int hops = 0;        // relations in the longest chain, spatial or "same ... as"
  Program program{};
  int answer = 0;
  ObjectSet referred = 0;
};

// A question about the scene that is well-posed there, whose relations all matter to the answer, and whose answer was
// drawn after its form: of the values that fit the form, some with each answer, the answer is chosen first and then the
// values. As no value is special in a scene, the words alone say next to nothing of the answer.
Question sample_question(const World& world, Random& random);

}  // namespace multiviz::blockworld
