#pragma once
#include <c10/core/Device.h>

#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "models/model.h"
#include "perturb/masker.h"
#include "perturb/superpixels.h"

namespace multiviz {

// How values are split into players, and what stands where one is left out. Each kind of modality reads its own fields.
struct MaskerOptions {
  // Images. Players are segments: "slic", "quickshift" (with `lime`'s settings by default), "grid", "boxes" (those given
  // here) or "regions" (the data set's). With boxes or regions the pixels outside all of them are one more player,
  // "background".
  std::string segmentation = "slic";
  int64_t segments = 50;     // slic: about so many
  double compactness = 10;   // slic
  QuickshiftOptions quickshift;
  int64_t rows = 6, columns = 8;  // grid
  std::vector<Region> boxes;      // boxes
  // What hidden pixels become: "mean" (the segment's mean colour, as `lime`), "color", or "blur".
  std::string hide = "mean";
  std::array<int64_t, 3> color = {128, 128, 128};  // 0 to 255
  double blur = 10;                                // the Gaussian's standard deviation, pixels

  // Texts. Players are words; hidden ones are taken out ("remove", as `lime`) or become mask_word ("replace"). A text of
  // which every word is removed is rendered as mask_word, since a model need not take an empty one.
  std::string words = "remove";
  std::string mask_word = "UNKWORDZ";  // `lime`'s: a word that no vocabulary holds

  // Time series. Players are runs of `frames` frames ("frames"), channels ("channels") or the value's own named groups
  // of channels ("groups").
  std::string parts = "frames";
  int64_t frames = 1;

  // Time series and tables (whose players are columns). Hidden numbers become "zero", "mean" (the channel's over time;
  // for time series only) or "baseline": a given row [F], or frames [T, F].
  std::string fill = "zero";
  at::Tensor baseline;

  at::Device device = at::kCPU;  // images are rendered there
};

// What a method over several modalities takes: its own fields for every modality, but for those that `own` names.
struct ModalityMaskers : MaskerOptions {
  std::map<std::string, MaskerOptions> own;

  ModalityMaskers() = default;
  ModalityMaskers(MaskerOptions all) : MaskerOptions(std::move(all)) {}
  const MaskerOptions& of(const std::string& modality) const;
};

// A masker of this value. `regions` are the datapoint's, for segmentation "regions". Throws Error when an option does
// not fit the value: unknown names, a baseline of another size, no words, boxes outside the image.
MaskerPtr make_masker(const Value& value, const std::string& modality, const MaskerOptions& options,
                      std::span<const Region> regions = {});

// One entry per modality of the model: maskers, on the model's device, of those at these positions, null for the others.
std::vector<MaskerPtr> make_maskers(const Model& model, const Datapoint& datapoint, std::span<const size_t> modalities,
                                    const ModalityMaskers& options);

// The fields that this kind of modality reads, for Explanation::options.
nlohmann::json describe(const MaskerOptions& options, ModalityKind kind);

// One masker per kind of value, each in its own file; make_masker chooses.
MaskerPtr make_image_masker(const Image& image, const std::string& modality, const MaskerOptions& options,
                            std::span<const Region> regions);
MaskerPtr make_text_masker(const Text& text, const std::string& modality, const MaskerOptions& options);
MaskerPtr make_series_masker(const TimeSeries& series, const std::string& modality, const MaskerOptions& options);
MaskerPtr make_table_masker(const Table& table, const std::string& modality, const MaskerOptions& options);

// uint8 [H, W, 3]: how the image looks with everything hidden. `segments` are those whose colours "mean" averages.
at::Tensor hidden_image(const at::Tensor& pixels, const at::Tensor& segments, const MaskerOptions& options);

// Throws Error, with a suggestion, when an option holds none of the known names.
void check_choice(const char* option, const std::string& given, std::span<const std::string> known);

}  // namespace multiviz
