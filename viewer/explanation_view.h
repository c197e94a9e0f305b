#pragma once
#include <span>

#include "present/page.h"
#include "present/region_drawing.h"
#include "viewer/image_view.h"

namespace multiviz {

// The input that explanations are drawn on; views keep no copy.
struct Input {
  std::span<const Modality> modalities;
  const Datapoint* datapoint = nullptr;  // null: explanations are drawn without their input

  const Value* value(const std::string& modality) const;
};

// float64 [F, T]: the weights of a time series' players laid out over channels and frames; cells of several add up.
at::Tensor series_weights(const Attribution& attribution);
// The weight of each word of a text, by the byte ranges of words and players. Words of no player have 0.
std::vector<double> word_weights(const Attribution& attribution, const std::string& text);
// n names: those known, or "channel 1", "channel 2" and so on when there are none.
std::vector<std::string> names_or_numbers(const std::vector<std::string>& known, const char* what, int64_t n);
// The boxes of an attribution to regions as they are coloured: those that the settings show, the strongest last, and of
// these the first `numbered` with their rank.
std::vector<ColoredBox> colored_boxes(const Attribution& attribution, const RegionDrawing& drawing,
                                      const HeatSettings& settings, HeatmapRange range, int64_t numbered);
// "lime · image · unimodal", and "r2 0.93 · 1,000 encodes · 0.8 s".
std::string attribution_title(const Explanation& explanation, const Attribution& attribution);
std::string explanation_facts(const Explanation& explanation);

// draw_regions, done once for as long as the window shows this attribution.
const std::optional<RegionDrawing>& regions_of(Window& window, const Attribution& attribution, const Value& value,
                                               const Datapoint& datapoint);
// An attribution to regions on their picture, the strongest numbered as in the bars beside it.
ImageContent region_content(const Attribution& attribution, const RegionDrawing& drawing, const HeatSettings& settings,
                            HeatmapRange range);
// One attribution on its part of the input, `range` for its colours.
void attribution_view(Window& window, const Attribution& attribution, const Input& input, const HeatSettings& settings,
                      HeatmapRange range);
void explanation_view(Window& window, const Explanation& explanation, const Input& input, const HeatSettings& settings);
// Two explanations of the same input side by side, modality by modality, each to its own limit, and how alike they are.
void comparison_view(Window& window, const Explanation& a, const Explanation& b, const Input& input,
                     const HeatSettings& settings);

// Cosine and Spearman's rank correlation of the weights of two attributions with the same players; NaN when constant.
struct Agreement {
  double cosine = 0, rank = 0;
};
Agreement agreement(const at::Tensor& a, const at::Tensor& b);

}  // namespace multiviz
