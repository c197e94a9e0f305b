#pragma once
#include <string>

#include "models/model.h"

namespace multiviz {

// A model with its weights. `name_or_path` is
//   the name of a model in `folder` (NAME.safetensors);
//   a folder with config.json and weights in any container of models/weight_files.h;
//     (a "model_type" of models/architectures.h: with its tokenizer and preprocessor_config.json; its options are
//     "dtype", "float32", "float16" or "bfloat16", "tokenizer", a folder with the tokenizer's files where they are not
//     beside the weights, and what the model takes);
//   a file or folder of weights whose names and shapes tell what they are: CLIP in OpenAI's layout;
//   a file of clevr-iep's baselines CNN+LSTM and CNN+LSTM+SA, with the options of models/clevr_baseline.h;
//   a file of weights: .safetensors that save_model wrote, or any other with its settings in options["config"];
//   a checkpoint of MDETR's training script (models/mdetr_checkpoint.h; options "tokenizer", "answers", "config").
// options["weights"] names the weights to take of a checkpoint that has several ("model_ema").
// The architecture is the config's "architecture" or "model_type". Files are untrusted. Throws Error when there is no
// such file (with the names that are there), when it is not a model's, when this version does not know the architecture
// (with those it knows), and when the weights are of another one, naming all tensors that do not fit.
ModelPtr load_model(const std::string& name_or_path, const std::string& folder,
                    const nlohmann::json& options = nlohmann::json::object());

// Copies the weights in any container into a model of the same architecture, those of its parts left out; the error
// names the tensors that do not fit.
void load_weights(Model& model, const std::string& path);

// Writes what load_model reads: a .safetensors file with the config in its metadata; a .pt, .pth or .bin file, a state
// dict for torch.load(path, weights_only=True), without config (MDETR: {"model", "args"} as its training script saves
// them); for any other path a folder with config.json, model.safetensors (pytorch_model.bin where the model was loaded
// from one), and the tokenizer's and processor's files of the folder that the model was loaded from. `half` stores
// 16-bit numbers, half the size.
void save_model(const Model& model, const std::string& path, bool half = false);

// The names that load_model finds in this folder.
std::vector<std::string> shipped_models(const std::string& folder);

}  // namespace multiviz
