#pragma once
#include <ATen/ATen.h>

#include "models/load.h"
#include "models/score.h"
#include "models/train.h"
#include "tests/scratch.h"

namespace multiviz::test {

// Training makes the model right about all of the data; it is saved and loaded with what it learned.
inline void check_learns(Model& model, const DatasetPtr& data, const TrainOptions& options) {
  train(model, data, options);
  CHECK(score(model, *data).accuracy == 1);
  Scratch scratch;
  save_model(model, scratch / "learned.safetensors");
  const auto x = data->get(3);
  CHECK(load_model(scratch / "learned.safetensors", "")->forward(x).logits.equal(model.forward(x).logits));
}

}  // namespace multiviz::test
