#pragma once
#include <ATen/core/Tensor.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "data/image_processor.h"
#include "nn/weights.h"

namespace multiviz {

// Whether these are the weights of a CLIP as OpenAI publishes them: "visual.conv1.weight",
// "transformer.resblocks.0.attn.in_proj_weight", ...
bool is_openai_clip(const std::map<std::string, at::Tensor>& tensors);

// Gives them the names and shapes that transformers has, as views, and returns the configuration, which in OpenAI's
// layout follows from the shapes: heads are 64 wide. A ResNet's tensors keep their names below "vision_model.", as
// transformers has no such tower; its vision_config has the model_type "clip_resnet". `source` is the file, for errors.
nlohmann::json convert_openai_clip(std::map<std::string, at::Tensor>& tensors, const std::string& source);

// The other way: a Clip's weights under OpenAI's names, for those of convert_openai_clip.
NamedTensors to_openai_clip(const NamedTensors& tensors);

// How OpenAI prepares images: shorter side to `size` by cubic interpolation, the centre, CLIP's mean and deviation.
ImageProcessorOptions openai_clip_image_options(int64_t size);

}  // namespace multiviz
