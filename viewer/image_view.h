#pragma once
#include <optional>

#include "viewer/geometry.h"
#include "viewer/heat.h"
#include "viewer/window.h"

namespace multiviz {

// A box of a colour over an image.
struct ColoredBox {
  Box box;
  Color color;
  double strength = 1;     // in [0, 1]: how thick its line is
  std::string mark, text;  // in its corner, and under the mouse where it is the smallest; may be empty
  int64_t part = -1;       // what it stands for, for the caller
};

// An image, or a heat map over it, that can be zoomed (wheel) and moved (right button), with the value under the mouse.
struct ImageContent {
  at::Tensor image;               // uint8 [H, W, 3]; may be undefined when there are values or a size
  int64_t height = 0, width = 0;  // of an empty frame, where there is neither image nor values
  at::Tensor values;              // float [H, W]; may be undefined
  HeatmapRange range;             // of the values
  at::Tensor segments;            // int64 [H, W]; may be undefined
  std::vector<Region> regions;
  std::vector<std::string> names;  // of the segments, for the tooltip
  std::vector<ColoredBox> boxes;   // drawn in their order
};

// What the mouse did in this frame, in the image's pixels.
struct ImageEvents {
  std::optional<Spot> hovered, clicked;
  std::optional<Box> dragged;  // a box drawn with the left button, when it is released
  bool shift = false;
};

// The smallest box at this pixel, of equal ones that on top; null when there is none.
const ColoredBox* box_under(const ImageContent& content, Spot p);

// Draws into width x height pixels of the layout; 0: the space left, and the height that the image then needs.
ImageEvents image_view(Window& window, const char* name, const ImageContent& content, const HeatSettings& settings,
                       double width = 0, double height = 0);

// The controls of the settings, in a line.
void heat_controls(Window& window, HeatSettings& settings);

// The colours from one end of the range to the other, with numbers.
void heat_legend(Window& window, const HeatSettings& settings, HeatmapRange range, double width);

}  // namespace multiviz
