#pragma once
#include "present/heatmap.h"
#include "present/report_view.h"

namespace multiviz {

// One attribution drawn on its modality's value, one of the datapoint's. `range` is shared by the panels that are to be
// compared.
nlohmann::json panel_view(const Attribution& attribution, const std::string& target, const Modality& modality,
                          const Value& value, const Datapoint& datapoint, HeatmapRange range, ReportAssets& assets);

// Whether nothing of it has any weight.
bool is_zero(const Attribution& attribution);

// The range of an attribution's colours: of its weights, or of nearly all of its pixels.
HeatmapRange panel_range(const Attribution& attribution);

// "the logit of red", "feature 17": a target inside a sentence.
std::string target_phrase(const std::string& target);

// "Parts of the image that raise (red) or lower (blue) the logit of red"; `regions`: they are drawn as boxes.
std::string panel_caption(const Attribution& attribution, const std::string& target, HeatmapRange range, bool regions);

// `opaque` as legend_colors has it.
nlohmann::json legend_view(HeatmapRange range, bool opaque = false);

// The picture below boxes: {src, width, height}, src null where only its size is known.
nlohmann::json picture_view(const Picture& picture, ReportAssets& assets);

// Where the number of a box is written, its upper left corner: x and y in percent, kept off the picture's edge.
nlohmann::json corner_view(const Box& box, const Picture& picture);

}  // namespace multiviz
