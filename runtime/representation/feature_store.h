#pragma once
#include <ATen/core/Tensor.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace multiviz {

// What a store's features were computed from. A store answers only to the key that it was made with.
struct FeatureKey {
  std::string model;    // fingerprint of the weights
  std::string dataset;  // Dataset::fingerprint
  std::string tap;      // empty for the penultimate layer
  int64_t total = 0;    // N
};

// What is kept of a datapoint beside its features.
struct FeatureRow {
  std::string id;
  std::vector<int64_t> labels;  // as the model numbers them, -1 for one that it does not have
  std::optional<double> value;  // regression target
  int64_t prediction = -1;      // the model's likeliest label; -1 for regression

  bool operator==(const FeatureRow&) const = default;
};

// Features on disk, in a folder: values.f32 (rows x D, row by row), rows.jsonl (a FeatureRow a line) and header.json,
// which says how many rows of the two count. Rows are written and synced before the header is replaced in one step, and
// what lies beyond the header's count is cut off when the store is opened again, so that a process killed at any point
// loses at most the batch that it was writing and never leaves a store that reads wrong.
class FeatureStore {
 public:
  // Opens the store, or makes an empty one. Throws Error when the folder holds features of another key (it says what
  // differs), is damaged, is being written by another process, or cannot be written.
  FeatureStore(std::string folder, FeatureKey key);
  ~FeatureStore();
  FeatureStore(const FeatureStore&) = delete;
  FeatureStore& operator=(const FeatureStore&) = delete;

  const std::string& folder() const { return folder_; }
  int64_t rows() const { return rows_; }  // committed
  bool complete() const { return rows_ == key_.total; }
  const std::vector<int64_t>& shape() const { return shape_; }  // of one row; empty before the first append

  // z float32 [B, ...shape]. Committed when it returns; on an Error the store is as before.
  void append(const at::Tensor& z, std::span<const FeatureRow> rows);
  // float32 [rows, D], a view of the file: nothing is read before it is used.
  at::Tensor values() const;
  std::vector<FeatureRow> read_rows() const;

 private:
  int64_t width() const;
  void read_header();
  void lock();
  void write_header();

  std::string folder_;
  FeatureKey key_;
  std::vector<int64_t> shape_;
  int64_t rows_ = 0, bytes_ = 0;  // committed rows, and bytes of rows.jsonl
  int values_file_ = -1, rows_file_ = -1, lock_file_ = -1;
};

}  // namespace multiviz
