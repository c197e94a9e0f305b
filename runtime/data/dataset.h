#pragma once
#include <memory>
#include <string>
#include <vector>

#include "data/datapoint.h"
#include "data/modality.h"
#include "data/on_error.h"

namespace multiviz {

// A sequence of datapoints. Nothing above data/ knows a data set by name. Implementations load a datapoint when it is
// asked for and, unless concurrent() says otherwise, are safe to read from several threads at once.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual const std::string& name() const = 0;                     // "blocks/val"
  virtual const std::vector<Modality>& modalities() const = 0;
  virtual const std::vector<std::string>& labels() const = 0;      // label names; empty for regression
  virtual int64_t size() const = 0;
  virtual Datapoint get(int64_t index) const = 0;                  // 0-based; throws Error when out of range
  // Changes whenever the datapoints may: the key under which features computed from them are stored.
  virtual std::string fingerprint() const = 0;
  // Whether other threads than the one that made it may call get. Only data sets that run a script's functions say no.
  virtual bool concurrent() const { return true; }
  // What was left out when it was opened with OnError::skip: the others have no gaps between them.
  virtual const Skipped& skipped() const;
};

using DatasetPtr = std::shared_ptr<const Dataset>;

// The datapoints at these 0-based indices, in this order. What sample, filter, shuffle and slices return.
DatasetPtr subset(DatasetPtr data, std::vector<int64_t> indices);

// n different datapoints drawn with `seed`; throws when n > size.
DatasetPtr sample(DatasetPtr data, int64_t n, uint64_t seed);

// One after the other. They must have the same modalities in the same order; their label spaces are joined in order of
// first appearance. Ids stay as they are. Throws Error for none, for other modalities, and for labels with regression.
DatasetPtr concat(std::vector<DatasetPtr> parts);

// The datapoints that can be loaded: loads every one of them, on several threads where the data set allows it. What is
// damaged (a truncated image, say) is in the result's skipped().
DatasetPtr readable(DatasetPtr data);

// The same datapoints, all loaded now and kept: for a context or an evaluation set that several methods read.
DatasetPtr in_memory(DatasetPtr data);

// The position of a modality by name, with a suggestion in the error when there is none.
size_t modality_index(const std::vector<Modality>& modalities, const std::string& name);

}  // namespace multiviz
