#pragma once
#include <utility>

#include "data/dataset.h"

namespace multiviz {

// Throws Error for an index at which `data` has no datapoint.
void check_index(const Dataset& data, int64_t index);

// A data set that keeps what there is to say of it, which the constructor of the class made from it fills in.
class BasicDataset : public Dataset {
 public:
  const std::string& name() const override { return name_; }
  const std::vector<Modality>& modalities() const override { return modalities_; }
  const std::vector<std::string>& labels() const override { return labels_; }
  std::string fingerprint() const override { return fingerprint_; }
  const Skipped& skipped() const override { return skipped_; }

 protected:
  explicit BasicDataset(std::vector<Modality> modalities = {}, std::vector<std::string> labels = {})
      : modalities_(std::move(modalities)), labels_(std::move(labels)) {}

  std::string name_, fingerprint_;
  std::vector<Modality> modalities_;
  std::vector<std::string> labels_;
  Skipped skipped_;
};

}  // namespace multiviz
