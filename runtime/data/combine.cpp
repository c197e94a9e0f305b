#include <algorithm>
#include <functional>
#include <unordered_map>

#include "core/cancel.h"
#include "core/error.h"
#include "core/parallel.h"
#include "core/progress.h"
#include "data/basic_dataset.h"

namespace multiviz {
namespace {

std::string list_modalities(const Dataset& data) {
  std::vector<std::string> names;
  for (const Modality& modality : data.modalities())
    names.push_back(fmt::format("{} ({})", modality.name, kind_name(modality.kind)));
  return fmt::format("{}", fmt::join(names, ", "));
}

bool same_modalities(const Dataset& a, const Dataset& b) {
  return std::equal(a.modalities().begin(), a.modalities().end(), b.modalities().begin(), b.modalities().end(),
                    [](const Modality& x, const Modality& y) { return x.name == y.name && x.kind == y.kind; });
}

class Concatenated : public BasicDataset {
 public:
  explicit Concatenated(std::vector<DatasetPtr> parts) : parts_(std::move(parts)) {
    check(!parts_.empty(), "concat needs at least one data set");
    modalities_ = parts_[0]->modalities();
    std::unordered_map<std::string, int64_t> positions;
    for (const DatasetPtr& part : parts_) {
      check(same_modalities(*parts_[0], *part),
            "{} has {}, but {} has {}: only data sets of the same modalities can be joined", parts_[0]->name(),
            list_modalities(*parts_[0]), part->name(), list_modalities(*part));
      check(part->labels().empty() == parts_[0]->labels().empty(),
            "{} and {} cannot be joined: one has labels and the other has none", parts_[0]->name(), part->name());
      auto& map = label_maps_.emplace_back();
      for (const std::string& label : part->labels()) {
        auto [found, fresh] = positions.emplace(label, static_cast<int64_t>(labels_.size()));
        if (fresh) labels_.push_back(label);
        map.push_back(found->second);
      }
      size_ += part->size();
      ends_.push_back(size_);
      skipped_.count += part->skipped().count;
      const auto& messages = part->skipped().messages;
      skipped_.messages.insert(skipped_.messages.end(), messages.begin(), messages.end());
      name_ += (name_.empty() ? "" : "+") + part->name();
      fingerprint_ += (fingerprint_.empty() ? "" : "+") + part->fingerprint();
    }
  }

  int64_t size() const override { return size_; }
  bool concurrent() const override {
    return std::all_of(parts_.begin(), parts_.end(), [](const DatasetPtr& part) { return part->concurrent(); });
  }

  Datapoint get(int64_t index) const override {
    check_index(*this, index);
    const auto part = static_cast<size_t>(std::upper_bound(ends_.begin(), ends_.end(), index) - ends_.begin());
    Datapoint datapoint = parts_[part]->get(index - (part == 0 ? 0 : ends_[part - 1]));
    for (int64_t& label : datapoint.labels) label = label_maps_[part].at(static_cast<size_t>(label));
    return datapoint;
  }

 private:
  std::vector<DatasetPtr> parts_;
  std::vector<std::vector<int64_t>> label_maps_;  // a part's label -> ours
  std::vector<int64_t> ends_;                     // where each part ends
  int64_t size_ = 0;
};

// Everything as `data` has it.
class Wrapper : public Dataset {
 public:
  explicit Wrapper(DatasetPtr data) : data_(std::move(data)) {}
  const std::string& name() const override { return data_->name(); }
  const std::vector<Modality>& modalities() const override { return data_->modalities(); }
  const std::vector<std::string>& labels() const override { return data_->labels(); }
  int64_t size() const override { return data_->size(); }
  std::string fingerprint() const override { return data_->fingerprint(); }
  bool concurrent() const override { return data_->concurrent(); }
  Datapoint get(int64_t index) const override { return data_->get(index); }
  const Skipped& skipped() const override { return data_->skipped(); }

 private:
  DatasetPtr data_;
};

// A subset that remembers what was left out of it.
class Readable : public Wrapper {
 public:
  Readable(DatasetPtr data, Skipped skipped) : Wrapper(std::move(data)), skipped_(std::move(skipped)) {}
  const Skipped& skipped() const override { return skipped_; }

 private:
  Skipped skipped_;
};

class InMemory : public Wrapper {
 public:
  InMemory(DatasetPtr data, std::vector<Datapoint> datapoints)
      : Wrapper(std::move(data)), datapoints_(std::move(datapoints)) {}
  bool concurrent() const override { return true; }
  Datapoint get(int64_t index) const override {
    check_index(*this, index);
    return datapoints_[static_cast<size_t>(index)];
  }

 private:
  std::vector<Datapoint> datapoints_;
};

// Calls load(i) for every datapoint, on several threads where the data set allows it.
void for_every_datapoint(const Dataset& data, const std::function<void(int64_t)>& load) {
  const int64_t n = data.size();
  Progress progress("reading " + data.name(), n);
  if (data.concurrent()) {
    parallel_for(n, load, [&](int64_t finished) { progress.advance(finished); });
  } else {
    for (int64_t i = 0; i < n; ++i, progress.advance()) {
      throw_if_cancelled();
      load(i);
    }
  }
}

}  // namespace

DatasetPtr concat(std::vector<DatasetPtr> parts) { return std::make_shared<Concatenated>(std::move(parts)); }

DatasetPtr readable(DatasetPtr data) {
  const int64_t n = data->size();
  std::vector<std::string> errors(static_cast<size_t>(n));  // empty: it could be read
  for_every_datapoint(*data, [&](int64_t i) {
    try {
      data->get(i);
    } catch (const Error& error) {
      errors[static_cast<size_t>(i)] = error.what();
    }
  });
  Skipped skipped = data->skipped();
  std::vector<int64_t> good;
  for (int64_t i = 0; i < n; ++i) {
    const std::string& error = errors[static_cast<size_t>(i)];
    if (read_record(OnError::skip, skipped, [&] { check(error.empty(), "{}", error); })) good.push_back(i);
  }
  return std::make_shared<Readable>(subset(std::move(data), std::move(good)), std::move(skipped));
}

DatasetPtr in_memory(DatasetPtr data) {
  std::vector<Datapoint> datapoints(static_cast<size_t>(data->size()));
  for_every_datapoint(*data, [&](int64_t i) { datapoints[static_cast<size_t>(i)] = data->get(i); });
  return std::make_shared<InMemory>(std::move(data), std::move(datapoints));
}

}  // namespace multiviz
