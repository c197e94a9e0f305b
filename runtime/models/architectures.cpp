#include "models/architectures.h"

#include <filesystem>

#include "core/error.h"
#include "core/suggest.h"
#include "io/json.h"
#include "models/bert.h"
#include "models/clip.h"
#include "models/clip_openai.h"
#include "models/lxmert_pixels.h"
#include "models/mdetr.h"
#include "models/resnet.h"
#include "models/vgg.h"
#include "models/vilt.h"
#include "models/vit.h"

namespace multiviz {
namespace {

using Maker = ModelPtr (*)(Pretrained);

template <typename Network>
ModelPtr make(Pretrained pretrained) {
  return std::make_shared<Network>(std::move(pretrained));
}

// With a detector it reads images, without one the regions themselves.
ModelPtr make_lxmert(Pretrained pretrained) {
  auto folder = get_or<std::string>(pretrained.config, "detector", "", pretrained.source);
  folder = get_or<std::string>(pretrained.options, "detector", folder, "the options");
  auto lxmert = std::make_shared<Lxmert>(std::move(pretrained));
  if (folder.empty()) return lxmert;
  return std::make_shared<LxmertPixels>(std::move(lxmert), std::make_shared<Frcnn>(folder));
}

const std::map<std::string, Maker>& makers() {
  static const std::map<std::string, Maker> all = {{"bert", make<BertEncoder>},     {"clip", make<Clip>},
                                                   {"lxmert", make_lxmert},         {"mdetr", make<Mdetr>},
                                                   {"resnet", make<ResnetEncoder>}, {"roberta", make<BertEncoder>},
                                                   {"vgg", make<VggEncoder>},       {"vilt", make<Vilt>},
                                                   {"vit", make<VitEncoder>}};
  return all;
}

void check_options(const Pretrained& pretrained, const std::string& type) {
  std::vector<std::string> known = {"dtype", "config", "tokenizer", "weights"};
  if (type == "clip") known.push_back("captions");
  if (type == "mdetr") known.emplace_back("answers");
  if (type == "lxmert") known.push_back("detector");
  if (type == "bert" || type == "roberta") known.push_back("pool");
  for (const auto& [key, _] : pretrained.options.items())
    check(std::find(known.begin(), known.end(), key) != known.end(), "{} has no option '{}'{}", pretrained.source, key,
          suggestion(key, known));
}

}  // namespace

void read_processors(Pretrained& pretrained, const std::string& folder) {
  std::filesystem::path root = folder;
  auto has = [&](const char* name) { return std::filesystem::is_regular_file(root / name); };
  if (has("tokenizer.json") || has("vocab.txt") || has("vocab.json")) {
    auto tokenizer = load_tokenizer(folder);
    pretrained.tokenize = [tokenizer](std::span<const std::string> texts, int64_t max_length) {
      EncodeOptions options;
      options.max_length = max_length;
      return tokenizer->encode_batch(texts, {}, options);
    };
  }
  if (has("preprocessor_config.json")) {
    auto path = (root / "preprocessor_config.json").string();
    pretrained.process = ImageProcessor(image_processor_options(load_json(path), path));
  }
}

std::vector<std::string> pretrained_types() {
  std::vector<std::string> out;
  for (const auto& [name, _] : makers()) out.push_back(name);
  return out;
}

ModelPtr make_pretrained(Pretrained pretrained) {
  auto type = require<std::string>(pretrained.config, "model_type", pretrained.source + "/config.json");
  auto found = makers().find(type);
  if (found == makers().end()) {
    auto known = pretrained_types();
    fail("{} has the model_type '{}', which this version does not know{}", pretrained.source, type,
         suggestion(type, known));
  }
  check_options(pretrained, type);
  if (!pretrained.process && get_or<std::string>(pretrained.config, "preprocessing", "", pretrained.source) == "openai")
    pretrained.process = ImageProcessor(
        openai_clip_image_options(require<int64_t>(require(pretrained.config, "vision_config", pretrained.source),
                                                   "image_size", pretrained.source + ": vision_config")));
  return found->second(std::move(pretrained));
}

}  // namespace multiviz
