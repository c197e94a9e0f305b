#pragma once
#include "bindings/binder.h"
#include "perturb/maskers.h"

namespace multiviz::script {

// How perturbation methods split values into players and what stands where one is left out: options segmentation,
// segments, compactness, rows, columns, boxes, hide, color, blur, words, mask_word, parts, frames, fill and baseline.
MaskerOptions read_masker(lua_State* L, Options& options);

// What help() says about them.
inline constexpr const char* masker_help =
    "Images: segmentation \"slic\" (segments=50), \"quickshift\", \"grid\" (rows, columns), \"boxes\" (boxes={{x0,y0,x1,y1}, "
    "...}) or \"regions\"; hide \"mean\", \"color\" or \"blur\". Texts: words \"remove\" or \"replace\" (by mask_word). Time "
    "series: parts \"frames\" (frames=1 a player), \"channels\" or \"groups\". Numbers: fill \"zero\", \"mean\" or \"baseline\".";

}  // namespace multiviz::script
