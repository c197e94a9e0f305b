#pragma once
#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

#include "data/datapoint.h"

namespace multiviz {

// Partitions of an image, uint8 [H, W, 3], into segments: int64 [H, W], numbered from 0 without gaps.

// CIE L*a*b* under D65, float64 [H, W, 3]: what both superpixel methods measure colour in. Values from `low` to `high`
// are taken for the whole range from black to full.
at::Tensor rgb_to_lab(const at::Tensor& pixels, double low = 0, double high = 255);

// SLIC (Achanta et al. 2012) as scikit-image's slic(image, n_segments, compactness) computes it: k-means over colour and
// place for ten rounds, colours rescaled to the image's range, then connectivity is enforced. About `segments` segments;
// a higher compactness makes them squarer.
at::Tensor slic(const at::Tensor& pixels, int64_t segments, double compactness);

struct QuickshiftOptions {
  double kernel_size = 4;  // width of the density's Gaussian, pixels; > 0
  double max_dist = 200;   // the longest link between two pixels of a segment
  double ratio = 0.2;      // weight of colour against place
  uint64_t seed = 42;      // of the noise that breaks ties
};

// Quickshift (Vedaldi and Soatto 2008) as scikit-image's quickshift computes it, with the settings that the `lime`
// package uses as defaults. Densities get Gaussian noise of width 1e-5 to break ties, here as there, from another random
// generator: where densities tie (flat areas) the segments are of the same kind but not the same.
at::Tensor quickshift(const at::Tensor& pixels, const QuickshiftOptions& options);

// rows x columns cells of nearly equal size, row by row. Throws Error when there are more rows or columns than pixels.
at::Tensor grid_cells(const at::Tensor& pixels, int64_t rows, int64_t columns);

// Segment r is the pixels of region r (its mask, else its box); a pixel of several belongs to the smallest. -1 elsewhere.
// Throws Error for a region outside the image or a mask of another size.
at::Tensor region_segments(const at::Tensor& pixels, std::span<const Region> regions);

}  // namespace multiviz
