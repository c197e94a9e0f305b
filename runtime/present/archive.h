#pragma once
#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <vector>

namespace multiviz {

// The tensors and images that a JSON document refers to by name. One that occurs several times is kept once.
class TensorTable {
 public:
  nlohmann::json put(const at::Tensor& tensor);        // its name, or null for an undefined tensor
  nlohmann::json put_image(const at::Tensor& pixels);  // uint8 [H, W, 3]; the digest of its content + ".png"
  std::string digest() const;                          // of all tensors, with their names
  const std::map<std::string, at::Tensor>& tensors() const { return tensors_; }
  const std::map<std::string, at::Tensor>& images() const { return images_; }

 private:
  std::map<std::string, at::Tensor> tensors_, images_;
  std::unordered_map<const void*, std::string> names_;
};

// Where an untrusted document's tensors and images come from.
struct ArchiveSource {
  std::string file;  // of the document, for errors
  std::map<std::string, at::Tensor> tensors;
  std::string image_folder;  // empty: the document may not refer to images
  std::map<std::string, at::Tensor> images;  // loaded so far, by path
};

// A place in an untrusted document. Every getter throws Error naming the file, the place and what is wrong there.
class Node {
 public:
  Node(const nlohmann::json& json, ArchiveSource& source) : json_(&json), source_(&source) {}

  Node operator[](const char* key) const;  // throws when there is none
  std::vector<Node> items() const;
  bool is_null() const { return json_->is_null(); }
  const nlohmann::json& json() const { return *json_; }

  std::string string() const;
  double number() const;  // null is NaN, as JSON has none
  int64_t integer() const;
  uint64_t natural() const;
  bool boolean() const;
  std::vector<std::string> strings() const;
  at::Tensor tensor(at::ScalarType dtype, int64_t dimensions) const;  // undefined for null
  at::Tensor image() const;                                           // uint8 [H, W, 3]
  std::string file(const std::string& folder) const;  // the path of the file of that name in the folder, no link

  [[noreturn]] void wrong(const std::string& what) const;
  void expect(bool condition, const char* what) const {
    if (!condition) wrong(what);
  }

 private:
  const nlohmann::json* json_;
  ArchiveSource* source_;
  std::string place_;
};

// A double for JSON: null when it is not finite.
nlohmann::json number(double value);

}  // namespace multiviz
