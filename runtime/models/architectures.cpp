#include "models/architectures.h"

#include "core/error.h"
#include "core/suggest.h"
#include "io/json.h"
#include "models/clip.h"
#include "models/lxmert.h"
#include "models/vilt.h"

namespace multiviz {
namespace {

using Maker = ModelPtr (*)(Pretrained);

template <typename Network>
ModelPtr make(Pretrained pretrained) {
  return std::make_shared<Network>(std::move(pretrained));
}

const std::map<std::string, Maker>& makers() {
  static const std::map<std::string, Maker> all = {
      {"clip", make<Clip>}, {"lxmert", make<Lxmert>}, {"vilt", make<Vilt>}};
  return all;
}

}  // namespace

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
  return found->second(std::move(pretrained));
}

}  // namespace multiviz
