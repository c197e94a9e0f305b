#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace multiviz {

// Writes one value as a pickle, which Python loads into plain objects and NumPy arrays. Containers are opened, filled
// and closed: a dict takes keys and values in turn. Protocol 4, or 2, which is all that torch.load takes; 2 has neither
// bytes nor arrays.
class PickleWriter {
 public:
  explicit PickleWriter(int protocol = 4);

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
  void begin_ordered_dict();  // collections.OrderedDict
  void end_dict();
  void integers(at::IntArrayRef values);  // a tuple of them

  void global(std::string_view module, std::string_view name);
  void reduce();      // calls the global before last with the tuple written last
  void build();       // gives the object before last the attributes in the dict written last
  void persistent();  // what the unpickler's persistent_load makes of the tuple written last

  std::string finish();  // the pickle

 private:
  void op(char code) { out_ += code; }
  template <typename T>
  void put(T value);

  int protocol_;
  std::string out_;
};

}  // namespace multiviz
