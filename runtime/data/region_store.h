#pragma once
#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace multiviz {

// What a detector found in one image: R regions.
struct RegionFeatures {
  at::Tensor features;             // float32 [R, F]
  at::Tensor boxes;                // float32 [R, 4]: x0, y0, x1, y1, in pixels of an image of width x height ...
  bool relative = false;           // ... or in parts of its width and height
  double width = 0, height = 0;    // 0 where the file does not say
  at::Tensor objects, attributes;  // int64 [R], their numbers in the detector's lists; undefined where there are none
};

// A file of a detector's findings, looked through once, that is read image by image from any thread.
class RegionStore {
 public:
  virtual ~RegionStore() = default;
  // The regions of the image of this name, or nothing when it is not there. Throws Error for what is damaged.
  std::optional<RegionFeatures> find(const std::string& image) const;
  int64_t size() const { return static_cast<int64_t>(entries_.size()); }
  const std::string& path() const { return path_; }

 protected:
  explicit RegionStore(std::string path) : path_(std::move(path)) {}
  // Image `name` is entry `entry`. "COCO_val2014_000000262148" is found under 262148 as well, where that is unique.
  void add(const std::string& name, int64_t entry);
  virtual RegionFeatures read(int64_t entry, const std::string& name) const = 0;

 private:
  std::string path_;
  std::map<std::string, int64_t, std::less<>> entries_;
  std::map<std::string, std::optional<std::string>, std::less<>> numbers_;  // -> name, nothing where there are several
};

// Opens what the detectors for LXMERT write:
//   .tsv of bottom-up attention, one image a line: img_id, img_h, img_w, objects_id, objects_conf, attrs_id,
//   attrs_conf,
//     num_boxes, boxes, features (LXMERT's), or image_id, image_w, image_h, num_boxes, boxes, features; numbers of
//     boxes in base64;
//   a folder of .npz, one an image and called as it; one .npz, or one .h5, with all images along the first axis and
//     img_id or image_id (for .h5 NAME_imgid2idx.pkl beside it serves too);
//   .h5 with one group an image.
// Arrays are found under the names that LXMERT, Hugging Face's demo, VL-T5, UNITER and bottom-up-attention.pytorch
// give them. Throws Error for anything else, and naming the file for what is damaged.
std::unique_ptr<const RegionStore> open_region_store(const std::string& path);
std::unique_ptr<const RegionStore> open_region_tsv(const std::string& path);

// One array of an image by its name, undefined where there is none.
using RegionField = std::function<at::Tensor(const std::string& name)>;

// Puts the arrays together, whatever they are called. `where` starts the errors.
RegionFeatures gather_regions(const RegionField& field, const std::string& where);

// Throws Error starting with `where` unless sizes fit and numbers are finite; converts dtypes.
RegionFeatures checked_regions(RegionFeatures regions, const std::string& where);

}  // namespace multiviz
