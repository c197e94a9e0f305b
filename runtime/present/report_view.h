#pragma once
#include <ATen/core/Tensor.h>

#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <utility>

#include "present/page.h"

namespace multiviz {

// The pictures of a report, written into its folder as they are added.
class ReportAssets {
 public:
  explicit ReportAssets(std::string folder);

  // Writes uint8 [H, W, 3 or 4] and returns its address relative to the report: "assets/3.png".
  std::string add(const at::Tensor& pixels);
  // The same for the picture of a datapoint, reduced when it is larger than a screen; written once however often asked.
  std::string add_photo(const at::Tensor& pixels);
  // The outlines of segments as a layer; written once.
  std::string add_outlines(const at::Tensor& segments);

 private:
  std::string folder_;
  int64_t count_ = 0;
  std::unordered_map<const void*, std::string> known_;
};

// The height and width at which layers for an image of this size are drawn: a whole multiple of a small image, so that
// segments stay sharp, and at most a screen.
std::pair<int64_t, int64_t> layer_size(int64_t height, int64_t width);

// Where a box lies in a picture of this size: x, y, width and height in percent of it.
nlohmann::json box_view(const Box& box, double width, double height);

// The parts of the JSON that report.js draws. Positions are given in percent of the image, features and labels from 1.
nlohmann::json value_view(const Modality& modality, const Value& value, const std::vector<Region>& regions,
                          ReportAssets& assets);
nlohmann::json example_view(const std::vector<Modality>& modalities, const Example& example, ReportAssets& assets);
// One method's results on this example: panels, interactions, cost, fit, options and the call that reproduces it.
nlohmann::json card_view(const Explanation& explanation, const std::vector<Modality>& modalities,
                         const Example& example, ReportAssets& assets);
nlohmann::json interaction_view(const Interaction& interaction, const std::vector<Modality>& modalities,
                                const Example& example, ReportAssets& assets);
// A method's fit as rows {name, values: one text per target, headline}, and any object as rows {name, value}.
nlohmann::json fit_view(const nlohmann::json& fit, size_t targets);
nlohmann::json named_values(const nlohmann::json& object);
std::string plain_name(std::string name);  // "R²", "efficiency gap"
// EMAP's parts of each target, which add up to its value; null for a method that has none.
nlohmann::json decomposition_view(const Explanation& explanation);
nlohmann::json page_view(const Page& page, ReportAssets& assets);

// Where in the image a player lies, for a badge: x and y in percent of a pixel of it near its middle, or null.
nlohmann::json badge_position(const at::Tensor& segments, int64_t player);

}  // namespace multiviz
