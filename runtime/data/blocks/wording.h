#pragma once
#include <initializer_list>
#include <string>

#include "data/blocks/reference.h"

namespace multiviz::blockworld {

// "big shiny balls": a noun phrase with synonyms drawn at random.
std::string noun(Random& random, const Spec& spec, bool plural);

// "a big shiny ball", "an object"
std::string one(Random& random, const Spec& spec);

// "to the left of"
std::string relation_words(Random& random, int direction);

// "the red cube that is behind the small ball"
std::string the(Random& random, const Reference& reference);

// One of the patterns, with {0}, {1}, ... replaced by the parts.
std::string fill(Random& random, std::initializer_list<const char*> patterns, std::initializer_list<std::string> parts);

}  // namespace multiviz::blockworld
