#pragma once
#include <functional>
#include <string>
#include <vector>

#include "models/guide.h"

namespace multiviz {

struct TrainStatus {
  int64_t step = 0;  // optimizer steps done
  double loss = 0;   // mean over the steps since the last status, guide and describe left out
  double learning_rate = 0;
  double seconds = 0;      // since this call began
  bool validated = false;  // whether the next two were measured at this step
  double validation_loss = 0, validation_accuracy = 0;
};

struct TrainOptions {
  int64_t steps = 0;            // optimizer steps; 0: as many as `epochs` needs
  double epochs = 1;            // passes over the data, used when steps is 0
  int64_t batch = 64;           // datapoints a step
  double learning_rate = 1e-3;  // the highest, after the warm-up; then a cosine down to 0 at the last step
  double warmup = 0.05;         // share of the steps over which the rate rises from 0
  double weight_decay = 0.01;   // decoupled (AdamW), on tensors of two or more dimensions
  double beta1 = 0.9, beta2 = 0.98;
  double clip = 1;                // largest norm of the gradient; 0: no limit
  std::vector<std::string> only;  // patterns (models/pattern.h) of the parameters to train, the last layer's say;
                                  // empty: all of them
  Guide guide;                    // attention maps to supervise; none by default
  Describe describe;              // image features to supervise; none by default
  bool shuffle = true;            // false: the datapoints in their own order, from the first, around and around
  uint64_t seed = 0;              // of the order
  DatasetPtr validation;          // null: no validation, and the last weights are the result
  int64_t validate_every = 0;     // steps; 0: ten times in all
  std::string checkpoint;         // a file; empty: none. It resumes from it when it is there
  int64_t checkpoint_every = 0;   // steps; 0: as validation
  int64_t report_every = 50;      // steps between statuses
  std::function<void(const TrainStatus&)> report;
};

struct TrainResult {
  int64_t steps = 0, best_step = 0;
  double best_accuracy = 0;          // of validation, as Score has it
  std::vector<TrainStatus> history;  // of this call
};

// Minimises loss() (models/score.h) over the model's parameters by mini-batch AdamW, and guide_loss and Describer::loss
// if asked to. Datapoints are loaded on another thread while a step computes. With validation, the weights with the
// best accuracy are the result. A checkpoint holds everything that the rest of the run depends on, so that a run killed
// at any point and started again gives the weights of one that was not; a checkpoint of other options, data or
// architecture is an Error. The same seed gives the same weights on the same device with the same number of threads.
//
// Throws Error when the model has no parameters, or none that `only` names, or is not differentiable, an option is out
// of range, a label is not the model's, or the loss is no longer finite (naming the step); Cancelled on request, after
// writing the checkpoint.
TrainResult train(Model& model, DatasetPtr data, const TrainOptions& options);

}  // namespace multiviz
