#pragma once
#include "bindings/binder.h"
#include "data/value.h"
#include "perturb/maskers.h"

namespace multiviz::script {

// How perturbation methods split values into players and what stands where one is left out. Images: segmentation,
// segments, compactness, kernel_size, max_dist, ratio, rows, columns, boxes, hide, color, blur. Texts: words,
// mask_word. Time series: parts, frames, fill, baseline. Tables: fill, baseline. Given flat they hold for every
// modality; in a table under a modality's name, for that one, over the flat ones. To be read after the method's own
// options: a modality called as one of them has no table.
ModalityMaskers read_maskers(lua_State* L, Options& options, std::span<const Modality> modalities);

// What help() says about them.
inline constexpr const char* masker_help =
    "Images: segmentation \"slic\" (segments=50, compactness=10), \"quickshift\" (kernel_size=4, max_dist=200, "
    "ratio=0.2), "
    "\"grid\" (rows=6, columns=8), \"boxes\" (boxes={{x0,y0,x1,y1}, ...}) or \"regions\"; hide \"mean\", \"color\" "
    "(color={128,128,128}) or \"blur\" (blur=10 pixels). Texts: words \"remove\" or \"replace\" (by mask_word). Time "
    "series: "
    "parts \"frames\" (frames=1 a player), \"channels\" or \"groups\". Numbers: fill \"zero\", \"mean\" or "
    "\"baseline\" "
    "(baseline=numbers). For one modality only: a table under its name, as in image = { segments = 30 }.";

}  // namespace multiviz::script
