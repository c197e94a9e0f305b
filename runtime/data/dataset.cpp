#include "data/dataset.h"

#include <numeric>

#include "core/error.h"
#include "core/random.h"
#include "core/suggest.h"
#include "data/basic_dataset.h"

namespace multiviz {
namespace {

// FNV-1a over the indices, so that different subsets have different fingerprints.
uint64_t hash_indices(const std::vector<int64_t>& indices) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (int64_t index : indices) hash = (hash ^ static_cast<uint64_t>(index)) * 0x100000001b3ULL;
  return hash;
}

class Subset : public Dataset {
 public:
  Subset(DatasetPtr data, std::vector<int64_t> indices) : data_(std::move(data)), indices_(std::move(indices)) {
    for (int64_t index : indices_) check_index(*data_, index);
    name_ = fmt::format("{}[{}]", data_->name(), indices_.size());
  }
  const std::string& name() const override { return name_; }
  const std::vector<Modality>& modalities() const override { return data_->modalities(); }
  const std::vector<std::string>& labels() const override { return data_->labels(); }
  int64_t size() const override { return static_cast<int64_t>(indices_.size()); }
  Datapoint get(int64_t index) const override {
    check_index(*this, index);
    return data_->get(indices_[static_cast<size_t>(index)]);
  }
  bool concurrent() const override { return data_->concurrent(); }
  const Skipped& skipped() const override { return data_->skipped(); }
  std::string fingerprint() const override {
    return fmt::format("{}/subset-{:016x}", data_->fingerprint(), hash_indices(indices_));
  }

 private:
  DatasetPtr data_;
  std::vector<int64_t> indices_;
  std::string name_;
};

}  // namespace

void check_index(const Dataset& data, int64_t index) {
  check(index >= 0 && index < data.size(), "datapoint {} is out of range: {} has {}", index + 1, data.name(),
        data.size());
}

const Skipped& Dataset::skipped() const {
  static const Skipped none;
  return none;
}

DatasetPtr subset(DatasetPtr data, std::vector<int64_t> indices) {
  return std::make_shared<Subset>(std::move(data), std::move(indices));
}

DatasetPtr sample(DatasetPtr data, int64_t n, uint64_t seed) {
  check(n >= 0 && n <= data->size(), "cannot sample {} datapoints of {}: it has {}", n, data->name(), data->size());
  std::vector<int64_t> indices(static_cast<size_t>(data->size()));
  std::iota(indices.begin(), indices.end(), 0);
  Random random(seed);
  for (int64_t i = 0; i < n; ++i) std::swap(indices[i], indices[i + random.below(data->size() - i)]);
  indices.resize(static_cast<size_t>(n));
  return subset(std::move(data), std::move(indices));
}

size_t modality_index(const std::vector<Modality>& modalities, const std::string& name) {
  std::vector<std::string> names;
  for (size_t i = 0; i < modalities.size(); ++i) {
    if (modalities[i].name == name) return i;
    names.push_back(modalities[i].name);
  }
  fail("there is no modality '{}'{}", name, suggestion(name, names));
}

}  // namespace multiviz
