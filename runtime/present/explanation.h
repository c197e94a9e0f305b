#pragma once
#include <ATen/core/Tensor.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data/datapoint.h"
#include "models/target.h"

namespace multiviz {

// The parts of one modality that weights are given to, and where each lies, so that any view can draw them.
struct Players {
  std::string modality;
  ModalityKind kind = ModalityKind::image;
  std::vector<std::string> names;  // P: "red", "segment 3", "frame 5", "heart rate"
  at::Tensor segments;             // image: int64 [H, W], the player of each pixel, -1 for none
  std::vector<std::pair<size_t, size_t>> spans;  // text: byte range of each player in the string
  at::Tensor cells;                // time series: bool [P, T, F]; tabular: bool [P, F]

  int64_t size() const { return static_cast<int64_t>(names.size()); }
};

// Weights for the players of one modality towards one target.
struct Attribution {
  Players players;
  at::Tensor weights;     // float64 [P] on the CPU
  at::Tensor heatmap;     // image: float32 [H, W] in the original image's pixels when the method works on pixels, else
                          // undefined and made from weights and segments
  std::string component;  // "" or, for DIME, "unimodal" / "multimodal"
  size_t target = 0;      // index into Explanation::targets
  std::string given;      // what it is conditioned on: "red, cube" for second-order gradients, else ""

  // float32 [H, W] for an image; throws Error for another kind.
  at::Tensor pixels() const;
};

// Pairwise interaction between players of two modalities.
struct Interaction {
  Players rows, columns;
  at::Tensor values;  // float64 [P_rows, P_columns]
};

struct Cost {
  int64_t encodes = 0;  // rows encoded, over all modalities
  int64_t fuses = 0;    // rows fused
  double seconds = 0;
};

// What every method of stages U and C returns.
struct Explanation {
  std::string method;                    // "lime"
  std::string stage;                     // "U" or "C"
  std::string model;                     // Signature::name
  std::string datapoint;                 // Datapoint::id
  std::vector<std::string> targets;      // Target::describe
  std::vector<Attribution> attributions;
  std::vector<Interaction> interactions;
  nlohmann::json options = nlohmann::json::object();  // as used, defaults filled in; enough to reproduce it
  nlohmann::json fit = nlohmann::json::object();      // "r2", "efficiency_gap", "completeness_gap", ...
  uint64_t seed = 0;
  Cost cost;
};

// The players with the largest |weight|, strongest first: (player, weight), at most n.
std::vector<std::pair<int64_t, double>> top(const Attribution& attribution, int64_t n);

// One file holds an explanation (JSON header + tensors, as safetensors with the header in its metadata).
void save(const Explanation& explanation, const std::string& path);
Explanation load_explanation(const std::string& path);

// What it prints at the prompt: method, target, top players per modality, fit and cost.
std::string summary(const Explanation& explanation, int64_t most = 5);

}  // namespace multiviz
