#include "data/fields.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "core/error.h"
#include "io/image.h"
#include "io/json.h"
#include "io/npy.h"

namespace multiviz {
namespace {

using nlohmann::json;

std::string resolve(const std::string& root, const std::string& name) {
  return (std::filesystem::path(root) / name).lexically_normal().string();
}

// Runs `load` on the file that the field names; its error gets the record and a hint in front.
template <typename Load>
at::Tensor load_file(const std::string& path, const std::string& where, Load&& load) {
  std::error_code ignored;
  check(std::filesystem::exists(path, ignored), "{}: there is no file '{}': check the name, and the root folder", where,
        path);
  try {
    return load(path);
  } catch (const Error& error) {
    fail("{}: {}", where, error.what());
  }
}

void append_numbers(const json& list, std::vector<float>& numbers, const std::string& where) {
  for (const json& item : list) {
    check(item.is_number(), "{} must hold numbers, not {}", where, item.type_name());
    numbers.push_back(item.get<float>());
  }
}

// [T][F] or [F] as a float32 tensor of `dimensions` dimensions.
at::Tensor numbers_from_json(const json& value, int64_t dimensions, const std::string& where) {
  std::vector<float> numbers;
  std::vector<int64_t> shape = {static_cast<int64_t>(value.size())};
  if (dimensions == 1) {
    append_numbers(value, numbers, where);
  } else {
    const size_t width = value.empty() || !value[0].is_array() ? 0 : value[0].size();
    for (size_t t = 0; t < value.size(); ++t) {
      check(value[t].is_array(), "{}: frame {} must be a list of numbers, not {}", where, t + 1, value[t].type_name());
      check(value[t].size() == width, "{}: frame {} has {} numbers and the first has {}", where, t + 1, value[t].size(),
            width);
      append_numbers(value[t], numbers, where);
    }
    shape.push_back(static_cast<int64_t>(width));
  }
  return at::tensor(numbers).reshape(shape);
}

at::Tensor read_numbers(const json& value, int64_t dimensions, const std::string& root, const std::string& where) {
  at::Tensor tensor;
  if (value.is_string()) {
    tensor = load_file(resolve(root, value.get<std::string>()), where, load_npy);
    check(tensor.dim() == dimensions, "{}: '{}' has {} dimensions, it must have {}", where, value.get<std::string>(),
          tensor.dim(), dimensions);
    check(!tensor.is_complex(), "{}: '{}' holds complex numbers", where, value.get<std::string>());
    tensor = tensor.to(at::kFloat);
  } else {
    tensor = numbers_from_json(value, dimensions, where);
  }
  check(tensor.numel() > 0, "{} is empty", where);
  check(at::isfinite(tensor).all().item<bool>(), "{} holds a number that is not finite", where);
  return tensor;
}

void check_names(const Field& field, int64_t width, const std::string& where) {
  check(field.names.empty() || static_cast<int64_t>(field.names.size()) == width,
        "{} has {} columns and {} names were given for them", where, width, field.names.size());
}

std::string place(const std::string& where, const Field& field) { return fmt::format("{}: '{}'", where, field.key); }

bool to_number(const std::string& text, double& number) {
  char* end = nullptr;
  number = std::strtod(text.c_str(), &end);
  return !text.empty() && *end == '\0' && std::isfinite(number);
}

}  // namespace

void check_form(const json& value, const Field& field, const std::string& where) {
  const std::string here = place(where, field);
  switch (field.modality.kind) {
    case ModalityKind::image:
      check(value.is_string() && !value.get_ref<const std::string&>().empty(),
            "{} must be the name of an image file, not {}", here, value.is_string() ? "empty" : value.type_name());
      return;
    case ModalityKind::text:
      check(value.is_string(), "{} must be a string, not {}", here, value.type_name());
      check(value.get_ref<const std::string&>().find_first_not_of(" \t\r\n") != std::string::npos,
            "{} is empty: give the text", here);
      return;
    case ModalityKind::time_series:
    case ModalityKind::tabular:
      check(value.is_array() || value.is_string(), "{} must be a list of numbers or the name of an .npy file, not {}",
            here, value.type_name());
      check(!value.empty(), "{} is empty", here);
      return;
  }
}

Value value_from_json(const json& value, const Field& field, const std::string& root, const std::string& where) {
  check_form(value, field, where);
  const std::string here = place(where, field);
  switch (field.modality.kind) {
    case ModalityKind::image:
      return Image{load_file(resolve(root, value.get<std::string>()), here, load_image)};
    case ModalityKind::text:
      return Text{value.get<std::string>()};
    case ModalityKind::time_series: {
      at::Tensor frames = read_numbers(value, 2, root, here);
      check_names(field, frames.size(1), here);
      return TimeSeries{frames, field.names, {}, {}};
    }
    case ModalityKind::tabular:
      break;
  }
  at::Tensor columns = read_numbers(value, 1, root, here);
  check_names(field, columns.size(0), here);
  return Table{columns, field.names};
}

std::vector<std::string> label_names(const json& value, const std::string& where) {
  if (value.is_null()) return {};
  std::vector<std::string> names;
  if (value.is_array()) {
    for (const json& item : value) {
      check(!item.is_array() && !item.is_object() && !item.is_null(), "{} must be a list of labels, not of {}s", where,
            item.type_name());
      names.push_back(label_names(item, where)[0]);
    }
    std::vector<std::string> sorted = names;
    std::sort(sorted.begin(), sorted.end());
    check(std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end(), "{} names a label twice", where);
    return names;
  }
  check(!value.is_object(), "{} must be a label or a list of labels, not an object", where);
  names.push_back(value.is_string() ? value.get<std::string>() : value.dump());
  check(!names[0].empty(), "{} is empty: give the label, or null when there is none", where);
  return names;
}

void sort_labels(std::vector<std::string>& labels) {
  std::sort(labels.begin(), labels.end(), [](const std::string& a, const std::string& b) {
    double x = 0, y = 0;
    const bool first = to_number(a, x), second = to_number(b, y);
    if (first != second) return first;
    if (first && x != y) return x < y;
    return a < b;
  });
}

}  // namespace multiviz
