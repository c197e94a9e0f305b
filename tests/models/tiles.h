#pragma once
#include <ATen/ATen.h>

#include "core/random.h"
#include "data/basic_dataset.h"
#include "models/cnn_lstm_sa.h"

namespace multiviz::test {

// Pictures of 32 x 24 pixels, one coloured square on black in the left or the right half, and two questions about each
// that can only be answered from both modalities.
class Tiles : public BasicDataset {
 public:
  explicit Tiles(int64_t size, uint64_t seed = 1)
      : BasicDataset({{"image", ModalityKind::image}, {"question", ModalityKind::text}},
                     {"red", "green", "blue", "left", "right"}),
        size_(size),
        seed_(seed) {
    name_ = "tiles";
    fingerprint_ = fmt::format("tiles/{}/{}", size, seed);
    for (int64_t scene = 0; scene <= size / 2; ++scene) pictures_.push_back(picture(scene));
  }

  int64_t size() const override { return size_; }
  Datapoint get(int64_t index) const override {
    check_index(*this, index);
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
