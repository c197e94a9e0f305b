#pragma once
#include "bindings/binder.h"
#include "unimodal/leaf_players.h"

namespace multiviz::script {

// reduction, grid, regions and parts: how gradient methods gather a leaf into players.
PlayerOptions read_players(Options& options);

}  // namespace multiviz::script
