#include "models/late_fusion.h"
#include "models/settings.h"

namespace multiviz {
namespace {

const std::vector<std::string> tasks = {"classification", "multilabel", "regression"};

// Calls field(name, member) for every setting but the modalities and the task; the seed is not one: it only draws
// weights that are then replaced.
template <typename Options, typename Field>
void each_setting(Options& options, Field&& field) {
  field("name", options.name);
  field("inputs", options.inputs);
  field("hidden", options.hidden);
  field("outputs", options.outputs);
  field("frames", options.frames);
  field("fusion", options.fusion);
  field("rank", options.rank);
  field("fused", options.fused);
  field("features", options.features);
  field("labels", options.labels);
}

// Those that files written before there were several kinds of encoders and heads lack.
template <typename Options, typename Field>
void each_later_setting(Options& options, const Field& field) {
  field("encoders", options.encoders);
  field("head", options.head);
  field("heads", options.heads);
  field("layers", options.layers);
  field("inner", options.inner);
}

}  // namespace

nlohmann::json LateFusion::config() const {
  nlohmann::json out = {{"architecture", "late_fusion"}, {"task", tasks[static_cast<size_t>(options_.task)]}};
  each_later_setting(options_, [&](const char* name, const auto& value) { out[name] = value; });
  if (!parts_.empty()) out.update({{"parts", parts_.names()}, {"frozen", parts_.frozen()}});
  each_setting(options_, [&](const char* name, const auto& value) { out[name] = value; });
  for (const auto& [name, kind] : options_.modalities) {
    out["modalities"].push_back(name);
    out["kinds"].push_back(kind_name(kind));
  }
  return out;
}

LateFusionOptions late_fusion_options(const nlohmann::json& config) {
  LateFusionOptions out;
  std::string task;
  std::vector<std::string> names, kinds;
  SettingsReader read(config, "late_fusion");
  each_setting(out, read);
  each_later_setting(out, [&](const char* name, auto& value) { read.optional(name, value); });
  read.allow("parts"), read.allow("frozen");
  read("task", task), read("modalities", names), read("kinds", kinds);
  read.done();
  const auto found = std::find(tasks.begin(), tasks.end(), task);
  check(found != tasks.end(), "the setting 'task' of a late_fusion cannot be '{}'{}", task, suggestion(task, tasks));
  out.task = static_cast<Task>(found - tasks.begin());
  check(names.size() == kinds.size(), "the settings of a late_fusion have {} modalities and {} kinds", names.size(),
        kinds.size());
  for (size_t m = 0; m < names.size(); ++m) out.modalities.push_back({names[m], parse_kind(kinds[m])});
  return out;
}

}  // namespace multiviz
