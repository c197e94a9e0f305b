#include "data/mimic.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "core/error.h"
#include "core/suggest.h"
#include "data/basic_dataset.h"
#include "data/python_random.h"
#include "io/pickle.h"

namespace multiviz {
namespace {

const std::vector<std::string>& columns() {
  static const std::vector<std::string> names = {"age", "acquired immunodeficiency syndrome", "hematologic malignancy",
                                                 "metastatic cancer", "admission type"};
  return names;
}

const std::vector<std::string>& channels() {
  static const std::vector<std::string> names = {"Glasgow coma scale",  "systolic blood pressure",
                                                 "heart rate",          "body temperature",
                                                 "PaO2/FiO2 ratio",     "urine output",
                                                 "serum urea nitrogen", "white blood cell count",
                                                 "serum bicarbonate",   "sodium",
                                                 "potassium",           "bilirubin"};
  return names;
}

const std::vector<ChannelGroup>& groups() {
  static const std::vector<ChannelGroup> groups = {{"consciousness", 0, 1},
                                                   {"vital signs", 1, 4},
                                                   {"oxygenation", 4, 5},
                                                   {"urine output", 5, 6},
                                                   {"laboratory", 6, 12}};
  return groups;
}

std::string find_file(const std::string& root) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (fs::is_regular_file(root, ignored)) return root;
  const fs::path path = fs::path(root) / "im.pk";
  check(fs::is_regular_file(path, ignored),
        "there is no '{}': give as root the file im.pk, or its folder. MIMIC-III needs a licence; "
        "https://github.com/pliang279/MultiBench (Healthcare) says how to get the file",
        path.string());
  return path.string();
}

// float64 [N, ...] with every last-dimension column standardised over all the others.
at::Tensor standardise(at::Tensor numbers) {
  numbers = at::where(at::isfinite(numbers), numbers, 0.0);
  const at::Tensor flat = numbers.reshape({-1, numbers.size(-1)});
  const at::Tensor mean = flat.mean(0), deviation = flat.var(0, /*unbiased=*/false).sqrt();
  return at::where(deviation.gt(0), (numbers - mean) / deviation, 0.0).to(at::kFloat);
}

class Mimic : public BasicDataset {
 public:
  explicit Mimic(const MimicOptions& options)
      : BasicDataset({{"static", ModalityKind::tabular}, {"timeseries", ModalityKind::time_series}}),
        path_(find_file(options.root)) {
    const std::string split = options.split == "val" ? "valid" : options.split;
    const bool mortality = options.task == "mortality";
    const Pickle file = load_pickle(path_);
    const at::Tensor series = array(file, "ep_tdata", {24, 12}), facts = array(file, "adm_features_all", {5});
    const at::Tensor classes = mortality ? mortality_classes(array(file, "adm_labels_all", {6}))
                                         : array(file, "y_icd9", {20}).select(1, options.group).gt(0).to(at::kLong);
    check(series.size(0) == facts.size(0) && classes.size(0) == facts.size(0),
          "'{}': 'ep_tdata' has {} patients, 'adm_features_all' {} and the labels {}", path_, series.size(0),
          facts.size(0), classes.size(0));
    choose_rows(facts.size(0), split);
    const at::Tensor index = at::tensor(rows_);
    series_ = standardise(series).index_select(0, index);
    facts_ = standardise(facts).index_select(0, index);
    classes_ = classes.index_select(0, index).contiguous();
    task_ = mortality ? "mortality" : fmt::format("icd9-{}", options.group);
    labels_ = mortality ? std::vector<std::string>{"survived 1 year",    "died within 1 day",   "died within 2 days",
                                                   "died within 3 days", "died within 30 days", "died within 1 year"}
                        : std::vector<std::string>{"absent", "present"};
    name_ = fmt::format("mimic/{}/{}", task_, split);
    fingerprint_ = fmt::format("mimic-{}-{}-{:016x}", task_, split, hash());
  }

  int64_t size() const override { return std::ssize(rows_); }

  Datapoint get(int64_t index) const override {
    check_index(*this, index);
    Datapoint datapoint;
    datapoint.id = fmt::format("mimic:{}", rows_[static_cast<size_t>(index)] + 1);
    std::vector<std::string> hours;
    for (int hour = 1; hour <= 24; ++hour) hours.push_back(fmt::format("hour {}", hour));
    datapoint.values = {Table{facts_[index].clone(), columns()},
                        TimeSeries{series_[index].clone(), channels(), groups(), std::move(hours)}};
    datapoint.labels = {classes_[index].item<int64_t>()};
    return datapoint;
  }

 private:
  at::Tensor array(const Pickle& file, const char* key, std::vector<int64_t> rest) const {
    const std::string where = fmt::format("'{}': '{}'", path_, key);
    const at::Tensor numbers = file.at(key, fmt::format("'{}'", path_)).tensor(where);
    check(numbers.dim() == std::ssize(rest) + 1 && numbers.sizes().slice(1) == at::IntArrayRef(rest) &&
              numbers.size(0) >= 10,
          "{} must be [N, {}] with 10 patients or more, it is [{}]", where, fmt::join(rest, ", "),
          fmt::join(numbers.sizes(), ", "));
    return numbers.to(at::kDouble);
  }

  // The first of the columns 1 to 5 that is positive, 0 when none is.
  static at::Tensor mortality_classes(const at::Tensor& died) {
    at::Tensor classes = at::zeros({died.size(0)}, at::kLong);
    for (int64_t column = 5; column >= 1; --column) classes.masked_fill_(died.select(1, column).gt(0), column);
    return classes;
  }

  void choose_rows(int64_t count, const std::string& split) {
    std::vector<int64_t> order(static_cast<size_t>(count));
    std::iota(order.begin(), order.end(), 0);
    PythonRandom(10).shuffle(order);
    const int64_t begin = split == "train" ? count / 5 : split == "valid" ? 0 : count / 10;
    const int64_t end = split == "train" ? count : split == "valid" ? count / 10 : count / 5;
    rows_.assign(order.begin() + begin, order.begin() + end);
  }

  uint64_t hash() const {
    uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a
    for (const at::Tensor& tensor : {facts_.contiguous(), classes_}) {
      const auto* bytes = static_cast<const unsigned char*>(tensor.const_data_ptr());
      for (size_t i = 0; i < tensor.nbytes(); ++i) hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
    }
    return hash;
  }

  std::string path_, task_;
  std::vector<int64_t> rows_;
  at::Tensor series_, facts_, classes_;  // float32 [N, 24, 12] and [N, 5], int64 [N]
};

}  // namespace

const std::vector<std::string>& icd9_groups() {
  static const std::vector<std::string> groups = {"001-139 infectious and parasitic diseases",
                                                  "140-239 neoplasms",
                                                  "240-279 endocrine, metabolic and immunity",
                                                  "280-289 blood",
                                                  "290-319 mental disorders",
                                                  "320-389 nervous system and sense organs",
                                                  "390-459 circulatory system",
                                                  "460-519 respiratory system",
                                                  "520-579 digestive system",
                                                  "580-629 genitourinary system",
                                                  "630-677 pregnancy and childbirth",
                                                  "680-709 skin",
                                                  "710-739 musculoskeletal system",
                                                  "740-759 congenital anomalies",
                                                  "760-779 perinatal conditions",
                                                  "780-789 symptoms",
                                                  "790-796 nonspecific findings",
                                                  "797-799 ill-defined causes",
                                                  "800-999 injury and poisoning",
                                                  "V supplementary factors"};
  return groups;
}

DatasetPtr open_mimic(const MimicOptions& options) {
  static const std::vector<std::string> tasks = {"mortality", "icd9"}, splits = {"train", "valid", "val", "test"};
  if (std::find(tasks.begin(), tasks.end(), options.task) == tasks.end())
    fail("mimic: task cannot be '{}'{}", options.task, suggestion(options.task, tasks));
  if (std::find(splits.begin(), splits.end(), options.split) == splits.end())
    fail("mimic: split cannot be '{}'{}", options.split, suggestion(options.split, splits));
  check(options.group >= 0 && options.group < 20, "mimic: group must be from 0 to 19, got {}", options.group);
  return std::make_shared<Mimic>(options);
}

}  // namespace multiviz
