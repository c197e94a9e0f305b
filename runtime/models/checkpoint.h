#pragma once
#include "models/train.h"
#include "nn/adamw.h"
#include "nn/weights.h"

namespace multiviz {

// Where a training run stands: what a checkpoint holds beside the weights and the optimizer's state.
struct TrainProgress {
  int64_t step = 0;
  int64_t best_step = 0;
  double best_accuracy = 0;
  std::map<std::string, at::Tensor> best;  // weights of best_step; empty before the first validation
};

// Everything but the model's weights that decides how a run goes on, as text: two runs with the same are the same run.
std::string run_key(const Model& model, const Dataset& data, const TrainOptions& options, int64_t steps);

// `trained` are the tensors that the optimizer changes: the model's parameters and what else the run trains.
void save_checkpoint(const std::string& path, const std::string& key, const Model& model, const NamedTensors& trained,
                     AdamW& optimizer, const TrainProgress& progress);

// Throws Error when the file is that of another run.
TrainProgress load_checkpoint(const std::string& path, const std::string& key, Model& model,
                              const NamedTensors& trained, AdamW& optimizer);

// Copies of the model's parameters and buffers, and back.
std::map<std::string, at::Tensor> snapshot(const Model& model);
NamedTensors all_weights(const Model& model);

}  // namespace multiviz
