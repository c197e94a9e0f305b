#include "present/archive.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "core/digest.h"
#include "core/error.h"
#include "io/image.h"

namespace multiviz {
namespace {

void add(Digest& digest, const at::Tensor& dense) {
  digest.add(c10::str(dense.scalar_type(), dense.sizes()));
  digest.add({static_cast<const char*>(dense.const_data_ptr()), dense.nbytes()});
}

}  // namespace

nlohmann::json TensorTable::put(const at::Tensor& tensor) {
  if (!tensor.defined()) return nullptr;
  auto [known, fresh] = names_.try_emplace(tensor.unsafeGetTensorImpl(), fmt::format("t{}", tensors_.size()));
  if (fresh) tensors_[known->second] = tensor.detach().to(at::kCPU).contiguous();
  return known->second;
}

nlohmann::json TensorTable::put_image(const at::Tensor& pixels) {
  auto& name = names_[pixels.unsafeGetTensorImpl()];
  if (name.empty()) {
    auto dense = pixels.to(at::kCPU).contiguous();
    Digest digest;
    add(digest, dense);
    name = digest.hex() + ".png";
    images_[name] = dense;
  }
  return name;
}

std::string TensorTable::digest() const {
  Digest digest;
  for (const auto& [name, tensor] : tensors_) {
    digest.add(name);
    add(digest, tensor);
  }
  return digest.hex();
}

void Node::wrong(const std::string& what) const {
  fail("{}: '{}' {}: the file is damaged or was not written by multiviz", source_->file, place_, what);
}

Node Node::operator[](const char* key) const {
  expect(json_->is_object(), "is not an object");
  auto found = json_->find(key);
  Node child = *this;
  child.place_ = place_.empty() ? key : place_ + "." + key;
  if (found == json_->end()) child.wrong("is missing");
  child.json_ = &*found;
  return child;
}

std::vector<Node> Node::items() const {
  expect(json_->is_array(), "is not a list");
  std::vector<Node> list(json_->size(), *this);
  for (size_t i = 0; i < list.size(); ++i) {
    list[i].json_ = &(*json_)[i];
    list[i].place_ = fmt::format("{}[{}]", place_, i);
  }
  return list;
}

std::string Node::string() const {
  expect(json_->is_string(), "is not a string");
  return json_->get<std::string>();
}

double Node::number() const {
  if (is_null()) return std::numeric_limits<double>::quiet_NaN();
  expect(json_->is_number(), "is not a number");
  return json_->get<double>();
}

int64_t Node::integer() const {
  expect(json_->is_number_integer(), "is not a whole number");
  expect(!json_->is_number_unsigned() || json_->get<uint64_t>() <= uint64_t{std::numeric_limits<int64_t>::max()},
         "is too large");
  return json_->get<int64_t>();
}

uint64_t Node::natural() const {
  expect(json_->is_number_unsigned(), "is not a whole number from 0 up");
  return json_->get<uint64_t>();
}

bool Node::boolean() const {
  expect(json_->is_boolean(), "is neither true nor false");
  return json_->get<bool>();
}

std::vector<std::string> Node::strings() const {
  std::vector<std::string> list;
  for (const auto& item : items()) list.push_back(item.string());
  return list;
}

at::Tensor Node::tensor(at::ScalarType dtype, int64_t dimensions) const {
  if (is_null()) return {};
  auto found = source_->tensors.find(string());
  expect(found != source_->tensors.end(), "names a tensor that is not there");
  const auto& tensor = found->second;
  if (tensor.scalar_type() != dtype || tensor.dim() != dimensions)
    wrong(fmt::format("is a {} tensor of {} dimensions, not {} of {}", c10::toString(tensor.scalar_type()),
                      tensor.dim(), c10::toString(dtype), dimensions));
  return tensor;
}

std::string Node::file(const std::string& folder) const {
  namespace fs = std::filesystem;
  auto name = string();
  auto plain = [](unsigned char c) { return std::isalnum(c) || c == '.' || c == '_' || c == '-'; };
  expect(!folder.empty(), "is a file of its own, which this file cannot have");
  expect(!name.empty() && name.front() != '.' && std::all_of(name.begin(), name.end(), plain),
         "is not the name of a file in the folder");
  auto path = fs::path(folder) / name;
  expect(fs::symlink_status(path).type() == fs::file_type::regular, "names a file that is not there");
  return path.string();
}

at::Tensor Node::image() const {
  auto path = file(source_->image_folder);
  auto& known = source_->images[path];
  if (!known.defined()) known = load_image(path);
  return known;
}

nlohmann::json number(double value) { return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr); }

}  // namespace multiviz
