#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace multiviz::clevr {

// What a question's program gives on a scene, as CLEVR's question engine runs it.
struct Outcome {
  std::string answer;          // "yes", "3", "rubber", ...
  std::vector<bool> referred;  // of each object: `unique` found it, or it was counted or asked for existence
};

// Runs a published program ([{"function": "filter_color", "inputs": [0], "value_inputs": ["red"]}, ...]) on a published
// scene (objects with size, color, material and shape, and relationships). Throws Error starting with `where` and
// saying the step for a program that is not of that form, reads later steps or values of another type, or finds several
// objects where one must be.
Outcome execute(const nlohmann::json& program, const nlohmann::json& scene, const std::string& where);

}  // namespace multiviz::clevr
