#include <filesystem>

#include "core/error.h"
#include "io/json.h"
#include "io/pickle_json.h"
#include "io/torch_file.h"
#include "models/clevr_baseline.h"

namespace multiviz {
namespace {

nlohmann::json numbers_of_words(const Pickle& vocabulary, const char* key, const std::string& where) {
  const auto table = vocabulary.at(key, where);
  check(table.is(PickleKind::dict), "{}: '{}' is no dict of numbers by word", where, key);
  auto out = nlohmann::json::object();
  for (size_t i = 0; i < table.size(); ++i) out[table.key(i).text(where)] = table[i].integer(where);
  return out;
}

}  // namespace

std::optional<ClevrBaselineFile> read_clevr_baseline(const std::string& path) {
  const auto ending = std::filesystem::path(path).extension();
  const bool torch = ending == ".pt" || ending == ".pth" || ending == ".bin" || ending == ".ckpt";
  if (!torch || !std::filesystem::is_regular_file(path) || is_torch_script(path)) return {};
  const auto root = load_torch_file(path);
  if (!root.is(PickleKind::dict)) return {};
  if (root.find("execution_engine_state") || root.find("program_generator_state")) {
    auto baseline = root.find("baseline_state");
    check(baseline && !baseline->is_none(),
          "'{}' is a program generator or an execution engine of clevr-iep: of its models the baselines CNN+LSTM and "
          "CNN+LSTM+SA can be loaded",
          path);
  }
  const auto state = root.find("baseline_state");
  if (!state || state->is_none()) return {};
  const std::string where = "'" + path + "'";
  ClevrBaselineFile out;
  out.source = path;
  const auto settings = root.at("baseline_kwargs", where);
  auto kwargs = nlohmann::json::object();
  for (size_t i = 0; i < settings.size(); ++i)
    if (auto key = settings.key(i).text(where); key != "vocab") {
      auto setting = pickle_to_json(settings[i], where);
      if (setting.is_discarded()) setting = nullptr;
      kwargs[key] = std::move(setting);
    }
  auto vocabulary = settings.find("vocab");
  if (!vocabulary) vocabulary = root.at("vocab", where);
  out.config = {{"architecture", "clevr_baseline"},
                {"baseline_type", root.at("baseline_type", where).text(where)},
                {"baseline_kwargs", kwargs}};
  for (const char* key : {"question_token_to_idx", "answer_token_to_idx"})
    out.config["vocab"][key] = numbers_of_words(*vocabulary, key, where);
  check(state->is(PickleKind::dict), "{}: its baseline_state is no state dict", where);
  for (size_t i = 0; i < state->size(); ++i) {
    const auto name = state->key(i).text(where);
    check((*state)[i].is_tensor(), "{}: '{}' in baseline_state is no tensor", where, name);
    out.tensors[name] = (*state)[i].tensor(where);
  }
  return out;
}

}  // namespace multiviz
