#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace multiviz {

// An HDF5 file, opened read-only and without locks, so that one on a read-only disk serves. Untrusted: sizes are
// checked before memory is taken, nothing outside the file is followed (external links and storage, virtual data sets)
// and no filter plugin is loaded. May be used from several threads; calls wait for one another, since the library is
// not thread-safe. Names are paths in the file: "images", "words/03bSnISJMiM[1]/features". Every Error names the file
// and the object.
class Hdf5File {
 public:
  explicit Hdf5File(const std::string& path);
  ~Hdf5File();
  Hdf5File(const Hdf5File&) = delete;
  Hdf5File& operator=(const Hdf5File&) = delete;

  const std::string& path() const;
  bool contains(const std::string& name) const;
  std::vector<std::string> children(const std::string& group) const;  // in alphabetical order; "/" is the root
  std::vector<int64_t> shape(const std::string& dataset) const;

  // The numbers (or booleans) of a data set, or its rows [begin, end), in their own type and shape.
  at::Tensor read(const std::string& dataset) const;
  at::Tensor read(const std::string& dataset, int64_t begin, int64_t end) const;
  // Rows of a data set of strings [N] or [N, 1], of fixed or variable length.
  std::vector<std::string> read_strings(const std::string& dataset, int64_t begin, int64_t end) const;
  // One row of a data set [N] of integer sequences that differ in length.
  std::vector<int64_t> read_sequence(const std::string& dataset, int64_t row) const;

  // A text attribute of an object; nothing when it has no such attribute.
  std::optional<std::string> text_attribute(const std::string& object, const std::string& name) const;
  // One field of an attribute that is a table of records [N].
  std::vector<std::string> text_column(const std::string& object, const std::string& name,
                                       const std::string& field) const;
  std::vector<int64_t> integer_column(const std::string& object, const std::string& name,
                                      const std::string& field) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace multiviz
