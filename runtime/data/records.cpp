#include "data/records.h"

#include <cmath>
#include <set>
#include <unordered_map>

#include "core/cancel.h"
#include "core/progress.h"
#include "core/suggest.h"
#include "data/basic_dataset.h"
#include "io/json.h"

namespace multiviz {
namespace {

using nlohmann::json;

std::string id_of(const json& record, const std::string& key, const std::string& where) {
  const json& value = require(record, key, where);
  check(value.is_string() || value.is_number_integer(), "{}: '{}' must be a string or an integer, not {}", where, key,
        value.type_name());
  return value.is_string() ? value.get<std::string>() : value.dump();
}

class Fnv {
 public:
  void add(std::string_view text) {
    for (char c : text) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  uint64_t value() const { return hash_; }

 private:
  uint64_t hash_ = 0xcbf29ce484222325ULL;
};

class Records : public BasicDataset {
 public:
  Records(std::unique_ptr<const RecordSource> source, RecordOptions options)
      : BasicDataset({}, options.labels), source_(std::move(source)), options_(std::move(options)) {
    name_ = source_->name();
    check_record_options(options_);
    for (const Field& field : options_.fields) modalities_.push_back(field.modality);
    index();
  }

  int64_t size() const override { return static_cast<int64_t>(kept_.size()); }

  Datapoint get(int64_t index) const override {
    check_index(*this, index);
    const int64_t at = kept_[static_cast<size_t>(index)];
    const std::string where = source_->place(at);
    json record = source_->read(at);
    Datapoint datapoint;
    datapoint.id = options_.id.empty() ? source_->default_id(at) : id_of(record, options_.id, where);
    for (const Field& field : options_.fields)
      datapoint.values.push_back(value_from_json(require(record, field.key, where), field, options_.root, where));
    if (options_.regression)
      datapoint.value = number(record, where);
    else if (!options_.label.empty())
      for (const std::string& label : names(record, where)) datapoint.labels.push_back(label_index(label, where));
    for (const Field& field : options_.fields) record.erase(field.key);
    record.erase(options_.label);
    record.erase(options_.id);
    datapoint.annotations = std::move(record);
    return datapoint;
  }

 private:
  std::vector<std::string> names(const json& record, const std::string& where) const {
    return label_names(require(record, options_.label, where), fmt::format("{}: '{}'", where, options_.label));
  }
  double number(const json& record, const std::string& where) const {
    const auto value = require<double>(record, options_.label, where);
    check(std::isfinite(value), "{}: '{}' is not finite", where, options_.label);
    return value;
  }
  int64_t label_index(const std::string& label, const std::string& where) const {
    auto found = positions_.find(label);
    if (found != positions_.end()) return found->second;
    fail("{}: '{}' is '{}', which is not among the labels{}", where, options_.label, label, suggestion(label, labels_));
  }

  void set_positions() {
    positions_.clear();
    for (size_t i = 0; i < labels_.size(); ++i) positions_[labels_[i]] = static_cast<int64_t>(i);
  }

  void index() {
    const bool collect = labels_.empty();
    set_positions();
    std::set<std::string> found;
    std::unordered_map<std::string, int64_t> ids;  // -> record
    Fnv hash;
    Progress progress("reading " + name_, source_->size());
    for (int64_t at = 0; at < source_->size(); ++at, progress.advance()) {
      throw_if_cancelled();
      read_record(options_.on_error, skipped_, [&] {
        const std::string where = source_->place(at);
        const json record = source_->read(at);
        for (const Field& field : options_.fields) check_form(require(record, field.key, where), field, where);
        std::vector<std::string> mine;
        if (options_.regression)
          number(record, where);
        else if (!options_.label.empty())
          mine = names(record, where);
        if (!collect)
          for (const std::string& label : mine) label_index(label, where);
        if (!options_.id.empty()) {
          const auto [known, fresh] = ids.emplace(id_of(record, options_.id, where), at);
          check(fresh, "{}: the id '{}' is at {} already", where, known->first, source_->place(known->second));
        }
        found.insert(mine.begin(), mine.end());
        hash.add(dump_json(record, where));
        kept_.push_back(at);
      });
    }
    check(!kept_.empty(), "{}: none of its {} records could be read; the first: {}", name_, source_->size(),
          skipped_.messages.empty() ? "there is none" : skipped_.messages[0]);
    if (collect) {
      labels_.assign(found.begin(), found.end());
      sort_labels(labels_);
      set_positions();
    }
    describe(hash);
  }

  // Everything that decides what a datapoint is, but for the files that the records name.
  void describe(Fnv hash) {
    json settings = {{"root", options_.root},
                     {"label", options_.label},
                     {"id", options_.id},
                     {"labels", labels_},
                     {"regression", options_.regression}};
    for (const Field& field : options_.fields)
      settings["fields"].push_back({field.modality.name, kind_name(field.modality.kind), field.key});
    hash.add(dump_json(settings, name_));
    fingerprint_ = fmt::format("{}-{:016x}", name_, hash.value());
    std::replace(fingerprint_.begin(), fingerprint_.end(), '/', '-');
  }

  std::unique_ptr<const RecordSource> source_;
  RecordOptions options_;
  std::vector<int64_t> kept_;  // the source's records that are datapoints
  std::unordered_map<std::string, int64_t> positions_;
};

}  // namespace

void check_record_options(const RecordOptions& options) {
  check(!options.fields.empty(), "a data set needs at least one modality");
  std::set<std::string> seen;
  for (const Field& field : options.fields)
    check(seen.insert(field.modality.name).second, "the modality '{}' is there twice", field.modality.name);
  check(!options.regression || !options.label.empty(), "regression needs the field that holds the number: give label");
  check(!options.regression || options.labels.empty(), "regression has no labels: leave them out");
  check(options.label.empty() || options.label != options.id, "the field '{}' cannot be the id and the label",
        options.label);
  std::set<std::string> labels;
  for (const std::string& label : options.labels)
    check(labels.insert(label).second, "the label '{}' is there twice", label);
}

DatasetPtr open_records(std::unique_ptr<const RecordSource> source, RecordOptions options) {
  return std::make_shared<Records>(std::move(source), std::move(options));
}

}  // namespace multiviz
