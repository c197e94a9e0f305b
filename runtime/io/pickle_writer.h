#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace multiviz {

// Writes one value as a pickle of protocol 4, which Python loads into plain objects and NumPy arrays. Containers are
// opened, filled and closed: a dict takes keys and values in turn.
class PickleWriter {
 public:
  PickleWriter();

  void none();
  void boolean(bool value);
  void integer(int64_t value);
  void real(double value);
  void text(std::string_view value);  // str, UTF-8
  void bytes(std::string_view value);
  void array(const at::Tensor& numbers);  // numpy.ndarray of the same dtype; throws Error for one that NumPy has not
  void begin_list();
  void end_list();
  void begin_tuple();
  void end_tuple();
  void begin_dict();
  void end_dict();

  std::string finish();  // the pickle

 private:
  void op(char code) { out_ += code; }
  template <typename T>
  void put(T value);
  void global(std::string_view module, std::string_view name);

  std::string out_;
};

}  // namespace multiviz
