#include "models/cnn_lstm_sa.h"
#include "models/settings.h"

namespace multiviz {
namespace {

// Calls field(name, member) for every setting; the seed is not one: it only draws weights that are then replaced.
template <typename Options, typename Field>
void each_setting(Options& options, Field&& field) {
  field("name", options.name);
  field("width", options.width);
  field("height", options.height);
  field("channels", options.channels);
  field("strides", options.strides);
  field("keys", options.keys);
  field("embedding", options.embedding);
  field("hidden", options.hidden);
  field("hops", options.hops);
  field("glimpses", options.glimpses);
  field("features", options.features);
  field("image", options.image);
  field("question", options.question);
  field("vocabulary", options.vocabulary);
  field("labels", options.labels);
}

}  // namespace

nlohmann::json CnnLstmSa::config() const {
  nlohmann::json out = {{"architecture", "cnn_lstm_sa"}};
  each_setting(options_, [&](const char* name, const auto& value) { out[name] = value; });
  return out;
}

CnnLstmSaOptions cnn_lstm_sa_options(const nlohmann::json& config) {
  CnnLstmSaOptions out;
  SettingsReader read(config, "cnn_lstm_sa");
  each_setting(out, read);
  read.done();
  return out;
}

}  // namespace multiviz
