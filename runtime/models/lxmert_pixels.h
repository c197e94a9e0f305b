#pragma once
#include "models/frcnn.h"
#include "models/lxmert.h"

namespace multiviz {

// LXMERT behind the detector that finds its regions, so that every method reaches pixels: modalities image and
// question. Preparing an image finds the boxes in it, anew for every perturbed image; encoding takes the features of
// these boxes from the pixels, so that along a path of gradients the boxes are held fixed. Boxes have no gradient.
//
// Leaf: pixels as the detector reads them, [B, 3, h, w], and the regions that were found, float32 [B, R, 8]: the place
// of each for the features and its refined box. Without regions encoding finds them itself. Taps are LXMERT's, and
// image.regions [B, R, F + 4]. Parameters are LXMERT's alone, which are trained and saved as it is; config().detector
// is the detector's folder.
class LxmertPixels : public Model, public RawForward {
 public:
  // Throws Error when the detector's features are not as wide as LXMERT reads them.
  LxmertPixels(std::shared_ptr<Lxmert> lxmert, std::shared_ptr<Frcnn> detector);

  const Signature& signature() const override { return signature_; }
  Leaf prepare(size_t modality, std::span<const Value> values) const override;
  Encoding encode(size_t modality, const Leaf& leaf, Trace* trace) const override;
  Output fuse(std::span<const Encoding> encodings, Trace* trace) const override;
  // LXMERT's, from regions.
  RawOutputs forward_raw(const RawInputs& inputs) const override { return lxmert_->forward_raw(inputs); }
  NamedTensors parameters() const override { return lxmert_->parameters(); }
  NamedTensors buffers() const override { return lxmert_->buffers(); }
  void to(at::Device device) override;
  at::Device device() const override { return lxmert_->device(); }
  nlohmann::json config() const override;

 private:
  Leaf prepare_images(std::span<const Value> values) const;
  // Of one image [1, 3, h, w]: what its row of regions says, or what is found in it.
  Detections boxes_of(const Leaf& leaf, int64_t row, const at::Tensor& map, int64_t height, int64_t width) const;

  std::shared_ptr<Lxmert> lxmert_;
  std::shared_ptr<Frcnn> detector_;
  Signature signature_;
};

}  // namespace multiviz
