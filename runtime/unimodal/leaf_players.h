#pragma once
#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "models/model.h"
#include "present/explanation.h"

namespace multiviz {

// How the entries of a leaf that make up one pixel (colours), one word position (embedding dimensions) or one frame
// (channels) become a number: max |.|, sum of |.|, Euclidean norm, or the signed sum. `standard` is max for images
// (Simonyan et al. 2013), norm for text and time series, and the signed value for the columns of a table.
enum class Reduction { standard, max, sum, norm, signed_sum };

Reduction parse_reduction(const std::string& name);  // "max", "sum", "norm", "signed"; throws Error for any other
const char* reduction_name(Reduction reduction);     // "default" for standard

// Into which players gradient methods gather the entries of a leaf.
struct PlayerOptions {
  Reduction reduction = Reduction::standard;
  int64_t grid = 8;              // image cells a side when the datapoint has no regions, or `regions` is off
  bool regions = true;           // image: the data set's regions and the background are the players
  std::string parts = "frames";  // time series: "frames", "channels" or "groups"

  nlohmann::json json() const;
};

// What weights of a leaf mean when several entries meet in one player. Saliencies have no unit: a region gets the mean
// over its pixels (as the paper's appendix D.2 does for boxes). Contributions add up to a change of the target, so a
// player gets their sum.
enum class Gather { saliency, contribution };

// The players of one modality of a datapoint. `first_image` says that the datapoint's regions lie in this modality.
// Image: regions (a pixel in several belongs to the smallest) and "background", or grid cells. Text: words. Time series:
// frames, channels or channel groups. Table: columns. Throws Error when the options do not fit the value.
Players leaf_players(const Modality& modality, const Datapoint& datapoint, const Value& value, bool first_image,
                     const PlayerOptions& options);

// Scores of the entries of a leaf of batch 1, [3, h, w], [T, E], [T, F] or [F] -> one attribution. For an image it also
// makes the heatmap: the scores reduced over colour, resized to the original image's pixels (bilinear) where the leaf
// shows them, zero elsewhere.
// `unassigned`, when given, receives the sum of the contributions that belong to no player (special tokens, pixels
// outside the original image).
Attribution gather_players(Players players, const Leaf& leaf, const at::Tensor& scores, const PlayerOptions& options,
                           Gather gather, double* unassigned = nullptr);

// The word that each position of a text's leaf belongs to: int64 [1, T]. A model that does not say has one position for
// each word; throws Error when there are more or fewer.
at::Tensor word_of_positions(const Players& players, const Leaf& leaf);

// The player that the centre of each pixel of an image's leaf lies in, -1 for none: int64 [h, w].
at::Tensor player_of_leaf_pixels(const Players& players, const Leaf& leaf);

}  // namespace multiviz
