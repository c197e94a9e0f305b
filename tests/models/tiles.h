#pragma once
#include <ATen/ATen.h>

#include "core/error.h"
#include "core/random.h"
#include "data/dataset.h"
#include "models/cnn_lstm_sa.h"

namespace multiviz::test {

// Pictures of 32 x 24 pixels, one coloured square on black in the left or the right half, and two questions about each
// that can only be answered from both modalities.
class Tiles : public Dataset {
 public:
  explicit Tiles(int64_t size, uint64_t seed = 1) : size_(size), seed_(seed) {
    for (int64_t scene = 0; scene <= size / 2; ++scene) pictures_.push_back(picture(scene));
  }

  const std::string& name() const override { return name_; }
  const std::vector<Modality>& modalities() const override { return modalities_; }
  const std::vector<std::string>& labels() const override { return labels_; }
  int64_t size() const override { return size_; }
  std::string fingerprint() const override { return fmt::format("tiles/{}/{}", size_, seed_); }
  Datapoint get(int64_t index) const override {
    check(index >= 0 && index < size_, "no datapoint {}", index);
    Random random(seed_, static_cast<uint64_t>(index / 2));
    int64_t color = random.below(3), side = random.below(2);
    Datapoint out;
    out.id = fmt::format("tile-{}", index);
    bool asks_color = index % 2 == 0;
    out.values = {Image{pictures_[static_cast<size_t>(index / 2)]},
                  Text{asks_color ? "What color is the square?" : "Where is it?"}};
    out.labels = {asks_color ? color : 3 + side};
    return out;
  }

 private:
  at::Tensor picture(int64_t scene) const {
    Random random(seed_, static_cast<uint64_t>(scene));
    int64_t color = random.below(3), side = random.below(2);
    int64_t x = side * 16 + random.below(8), y = random.below(16);
    auto pixels = at::zeros({24, 32, 3}, at::kByte);
    pixels.slice(0, y, y + 8).slice(1, x, x + 8).select(2, color).fill_(230);
    return pixels;
  }

  int64_t size_;
  uint64_t seed_;
  std::string name_ = "tiles";
  std::vector<Modality> modalities_ = {{"image", ModalityKind::image}, {"question", ModalityKind::text}};
  std::vector<std::string> labels_ = {"red", "green", "blue", "left", "right"};
  std::vector<at::Tensor> pictures_;
};

inline CnnLstmSaOptions tiny_options(uint64_t seed = 3) {
  CnnLstmSaOptions options;
  options.name = "tiny";
  options.width = 32, options.height = 24;
  options.channels = {8, 8}, options.strides = {2, 2};
  options.keys = 8, options.embedding = 6, options.hidden = 12, options.hops = 2, options.glimpses = 1;
  options.features = 16;
  options.vocabulary = {"what", "color", "is", "the", "square", "where", "it", "?"};
  options.labels = {"red", "green", "blue", "left", "right"};
  options.seed = seed;
  return options;
}

}  // namespace multiviz::test
