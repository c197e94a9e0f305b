#pragma once
#include "present/page.h"
#include "viewer/window.h"

namespace multiviz {

// What was clicked, 0-based; -1 for nothing.
struct GraphEvents {
  int64_t feature = -1, label = -1;
};

// Stage P as a graph: features on the left, classes on the right, lines as wide as what a feature adds to a class;
// those of the chosen class (-1 for none) stand out.
GraphEvents prediction_graph(Window& window, const PredictionEntry& entry, int64_t chosen_label);
// Accuracy over nonzero coefficients per class, the selection marked.
void sparsity_curve(Window& window, const std::vector<CurvePoint>& curve, double chosen_lambda,
                    std::optional<double> dense_accuracy, double height = 0);
GraphEvents prediction_view(Window& window, const PredictionEntry& entry);

// The features of a graph, each once, the strongest over all classes first; at most n.
std::vector<int64_t> graph_features(const PredictionEntry& entry, int64_t n);

}  // namespace multiviz
