#pragma once
#include <cstdint>
#include <string>

namespace multiviz {

enum class ModalityKind { image, text, time_series, tabular };

// One input of a model or a data set: "image", "question", "audio", ...
struct Modality {
  std::string name;
  ModalityKind kind;
};

const char* kind_name(ModalityKind kind);                     // "image", "text", "time_series", "tabular"
ModalityKind parse_kind(const std::string& name);             // throws Error for any other name

}  // namespace multiviz
