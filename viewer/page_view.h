#pragma once
#include "present/page.h"
#include "viewer/image_view.h"
#include "viewer/prediction_view.h"

namespace multiviz {

// What the user chose on a page.
struct PageState {
  HeatSettings heat;
  int64_t feature = -1;       // shown on the Feature page, 0-based; -1: the first
  bool show_feature = false;  // turn to the Feature page in the next frame
};

// A datapoint's values as they are.
void datapoint_view(Window& window, std::span<const Modality> modalities, const Datapoint& datapoint,
                    double image_width = 0);
// Ground truth and the likeliest labels with their probabilities.
void prediction_bars(Window& window, const Example& example);

// The paper's Overview page: the datapoint, the prediction, stages U and C side by side, stage P's graph.
GraphEvents overview_page(Window& window, const Page& page, PageState& state);
// The paper's Feature page: local analysis on top, the most active datapoints below.
void feature_page(Window& window, const Page& page, PageState& state);
// Both, as tabs.
void page_view(Window& window, const Page& page, PageState& state);

}  // namespace multiviz
