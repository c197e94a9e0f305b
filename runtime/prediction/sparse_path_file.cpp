#include <ATen/ATen.h>

#include "core/error.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "prediction/sparse_path.h"

namespace multiviz {
namespace {

constexpr const char* kind = "sparse path 1";

void check_tensor(const SafeTensors& file, const std::string& path, const char* name, at::ScalarType type,
                  int64_t size) {
  auto found = file.tensors.find(name);
  check(found != file.tensors.end(), "{}: there is no tensor '{}': this is not a sparse path", path, name);
  check(found->second.scalar_type() == type && (size < 0 || found->second.numel() == size),
        "{}: tensor '{}' has the wrong type or size", path, name);
}

// Offsets rise from 0 to the number of entries, and every column is a feature.
void check_entries(const SparsePath& path, const std::string& file) {
  at::Tensor step = path.offsets.diff();
  check(path.offsets[0].item<int64_t>() == 0 && (step.numel() == 0 || step.min().item<int64_t>() >= 0) &&
            path.offsets[-1].item<int64_t>() == path.columns.numel(),
        "{}: the offsets do not fit the entries", file);
  check(path.columns.numel() == 0 ||
            (path.columns.min().item<int64_t>() >= 0 && path.columns.max().item<int64_t>() < path.features),
        "{}: a feature is out of range", file);
}

}  // namespace

void save(const SparsePath& path, const std::string& file) {
  nlohmann::json header = {{"kind", kind},
                           {"family", family_name(path.family)},
                           {"alpha", path.alpha},
                           {"features", path.features},
                           {"names", path.names},
                           {"classification", path.classification},
                           {"seconds", path.seconds},
                           {"options", path.options}};
  auto row = [](const std::vector<double>& values) { return at::tensor(values, at::kDouble); };
  save_safetensors(file,
                   {{"offsets", path.offsets},
                    {"columns", path.columns},
                    {"values", path.values},
                    {"intercepts", path.intercepts},
                    {"lambdas", row(path.lambdas)},
                    {"train", row(path.train)},
                    {"heldout", row(path.heldout)},
                    {"deviance", row(path.deviance)},
                    {"gap", row(path.gap)}},
                   {{"multiviz", header.dump()}});
}

SparsePath load_sparse_path(const std::string& file) {
  SafeTensors stored = load_safetensors(file);
  auto text = stored.metadata.find("multiviz");
  check(text != stored.metadata.end(), "{}: this is not a sparse path", file);
  nlohmann::json header = parse_json(text->second, file);
  check(header.is_object() && header.value("kind", "") == kind, "{}: this is not a sparse path", file);
  SparsePath path;
  try {
    path.family = parse_family(header.at("family"));
    path.alpha = header.at("alpha");
    path.features = header.at("features");
    path.names = header.at("names").get<std::vector<std::string>>();
    path.classification = header.at("classification");
    path.seconds = header.at("seconds");
    path.options = header.at("options");
  } catch (const nlohmann::json::exception& error) {
    fail("{}: the header is damaged: {}", file, error.what());
  }
  check_tensor(stored, file, "lambdas", at::kDouble, -1);
  int64_t lambdas = stored.tensors.at("lambdas").numel();
  check(lambdas > 0 && path.classes() > 0 && path.features > 0, "{}: the path is empty", file);
  check_tensor(stored, file, "offsets", at::kLong, path.classes() * lambdas + 1);
  check_tensor(stored, file, "columns", at::kInt, -1);
  check_tensor(stored, file, "values", at::kDouble, stored.tensors.at("columns").numel());
  check_tensor(stored, file, "intercepts", at::kDouble, path.classes() * lambdas);
  check_tensor(stored, file, "heldout", at::kDouble, -1);
  for (auto* name : {"train", "deviance", "gap"}) check_tensor(stored, file, name, at::kDouble, lambdas);
  auto list = [&](const char* name) {
    at::Tensor values = stored.tensors.at(name).contiguous();
    return std::vector<double>(values.data_ptr<double>(), values.data_ptr<double>() + values.numel());
  };
  path.lambdas = list("lambdas");
  path.train = list("train");
  path.heldout = list("heldout");
  path.deviance = list("deviance");
  path.gap = list("gap");
  check(path.heldout.empty() || static_cast<int64_t>(path.heldout.size()) == lambdas,
        "{}: tensor 'heldout' has the wrong size", file);
  path.offsets = stored.tensors.at("offsets").clone();
  path.columns = stored.tensors.at("columns").clone();
  path.values = stored.tensors.at("values").clone();
  path.intercepts = stored.tensors.at("intercepts").reshape({path.classes(), lambdas}).clone();
  check_entries(path, file);
  return path;
}

}  // namespace multiviz
