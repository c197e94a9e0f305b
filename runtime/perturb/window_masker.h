#pragma once
#include <vector>

#include "perturb/maskers.h"

namespace multiviz {

// An image whose players are the places of a square window, which may overlap: a pixel is hidden when any window over it
// is left out. Hidden pixels are as options.hide says; "mean" is the whole image's mean colour.
class WindowMasker : public Masker {
 public:
  // The last window of a row or column is moved back to end at the border. Throws Error when `size` is larger than the
  // image or not positive.
  WindowMasker(const Image& image, const std::string& modality, int64_t size, int64_t stride,
               const MaskerOptions& options);
  const Players& players() const override { return players_; }
  std::vector<Value> render(const at::Tensor& coalitions) const override;

  // float32 [H, W]: for each pixel the mean weight of the windows that cover it, 0 where none does.
  at::Tensor heatmap(const at::Tensor& weights) const;

 private:
  Players players_;
  int64_t size_;
  std::vector<std::pair<int64_t, int64_t>> corners_;  // y, x
  at::Tensor pixels_, hidden_;                        // uint8 [H, W, 3]
};

}  // namespace multiviz
