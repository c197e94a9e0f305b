#pragma once
#include "present/heatmap.h"
#include "present/report_view.h"

namespace multiviz {

// One attribution drawn on its modality's value. `range` is shared by the panels that are to be compared.
nlohmann::json panel_view(const Attribution& attribution, const std::string& target, const Modality& modality,
                          const Value& value, HeatmapRange range, ReportAssets& assets);

// The range of an attribution's colours: of its weights, or of nearly all of its pixels.
HeatmapRange panel_range(const Attribution& attribution);

// "the logit of red", "feature 17": a target inside a sentence.
std::string target_phrase(const std::string& target);

// "Parts of the image that raise (red) or lower (blue) the logit of red".
std::string panel_caption(const Attribution& attribution, const std::string& target, HeatmapRange range);

nlohmann::json legend_view(HeatmapRange range);

}  // namespace multiviz
