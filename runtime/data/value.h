#pragma once
#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "data/modality.h"

namespace multiviz {

struct Image {
  at::Tensor pixels;  // uint8 [H, W, 3], RGB
};

struct Text {
  std::string string;  // UTF-8
};

// A named range of channels, "COVAREP" or "facial action units".
struct ChannelGroup {
  std::string name;
  int64_t begin, end;
};

struct TimeSeries {
  at::Tensor frames;                   // float32 [T, F]
  std::vector<std::string> channels;   // F names, or empty
  std::vector<ChannelGroup> groups;    // may be empty
  std::vector<std::string> frame_names;  // T names ("0.4 s", the word spoken), or empty
};

struct Table {
  at::Tensor columns;               // float32 [F]
  std::vector<std::string> names;   // F names, or empty
};

// What a datapoint holds for one modality, in the order of ModalityKind.
using Value = std::variant<Image, Text, TimeSeries, Table>;

inline ModalityKind kind_of(const Value& value) { return static_cast<ModalityKind>(value.index()); }

// Byte ranges [begin, end) of the words of a text: runs of letters, digits and inner apostrophes or hyphens; every other
// printing character is a word of its own. Words are the players of a text and what explanations are shown on.
std::vector<std::pair<size_t, size_t>> words(const std::string& text);

// The words themselves, in order.
std::vector<std::string> word_list(const std::string& text);

}  // namespace multiviz
