#include "core/error.h"
#include "core/suggest.h"
#include "models/cnn_lstm_sa.h"

namespace multiviz {
namespace {

// Calls field(name, member) for every setting; the seed is not one: it only draws weights that are then replaced.
template <typename Options, typename Field>
void each_setting(Options& options, const Field& field) {
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
  check(config.is_object(), "the settings of a cnn_lstm_sa are a JSON object");
  CnnLstmSaOptions out;
  std::vector<std::string> known = {"architecture"};
  each_setting(out, [&](const char* name, auto& value) {
    known.push_back(name);
    auto found = config.find(name);
    check(found != config.end(), "the settings of a cnn_lstm_sa lack '{}'", name);
    try {
      found->get_to(value);
    } catch (const nlohmann::json::exception&) {
      fail("the setting '{}' of a cnn_lstm_sa has the wrong type", name);
    }
  });
  for (const auto& [name, _] : config.items())
    check(std::find(known.begin(), known.end(), name) != known.end(), "a cnn_lstm_sa has no setting '{}'{}", name,
          suggestion(name, known));
  return out;
}

}  // namespace multiviz
