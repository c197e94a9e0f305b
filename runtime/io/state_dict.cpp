#include <ATen/ATen.h>
#include <c10/util/strides.h>

#include <algorithm>
#include <fstream>

#include "core/error.h"
#include "io/pickle_json.h"
#include "io/pickle_writer.h"
#include "io/torch_file.h"
#include "io/torch_rebuild.h"
#include "io/zip.h"

namespace multiviz {
namespace {

using Tensors = std::map<std::string, at::Tensor>;

[[noreturn]] void whole_module(const std::string& path, const std::string& name) {
  fail(
      "'{}' holds a whole module of class {}, whose code is not in the file: in Python, save its weights with "
      "torch.save(model.state_dict(), path), or the model with torch.jit.save(torch.jit.script(model), path)",
      path, name);
}

// A module has its weights in these.
bool is_module(const Pickle& value) {
  if (!value.is(PickleKind::object)) return false;
  auto state = value.state("module");
  return state && (state->find("_parameters") || state->find("_modules"));
}

void collect(const Pickle& value, const std::string& name, const std::string& path, Tensors& out, size_t depth = 0) {
  if (is_module(value)) whole_module(path, value.class_name(path));
  if (value.is_tensor()) {
    out[name] = value.tensor(path);
    return;
  }
  const bool entries = value.is(PickleKind::dict) && depth < 20;
  for (size_t i = 0; entries && i < value.size(); ++i)
    if (value.key(i).is_text()) {
      const std::string key = value.key(i).text(path);
      collect(value[i], name.empty() ? key : name + "." + key, path, out, depth + 1);
    }
}

bool has_tensors(const Pickle& dict) {
  for (size_t i = 0; i < dict.size(); ++i)
    if (dict[i].is_tensor()) return true;
  return false;
}

// The dict of weights in a checkpoint, which holds an optimizer's and other things as well.
Pickle weights_in(const Pickle& root) {
  if (!root.is(PickleKind::dict) || has_tensors(root)) return root;
  for (const char* key : {"state_dict", "model_state_dict", "model", "module", "net", "network", "params", "weights"}) {
    auto found = root.find(key);
    if (found && (found->is(PickleKind::dict) || is_module(*found))) return weights_in(*found);
  }
  return root;
}

// A tensor that is the whole of storage `key`, contiguous there.
void write_tensor(PickleWriter& out, const at::Tensor& tensor, size_t key) {
  out.global("torch._utils", "_rebuild_tensor_v2");
  out.begin_tuple();
  out.begin_tuple();
  out.text("storage");
  out.global("torch", storage_name(tensor.scalar_type()));
  out.text(std::to_string(key));
  out.text("cpu");
  out.integer(tensor.numel());
  out.end_tuple();
  out.persistent();
  out.integer(0);
  out.integers(tensor.sizes());
  out.integers(c10::contiguous_strides(tensor.sizes()));
  out.boolean(false);
  out.begin_ordered_dict(), out.end_dict();
  out.end_tuple();
  out.reduce();
}

void write_state_dict(PickleWriter& out, const std::vector<std::pair<std::string, at::Tensor>>& tensors) {
  out.begin_ordered_dict();
  for (size_t i = 0; i < tensors.size(); ++i) {
    out.text(tensors[i].first);
    write_tensor(out, tensors[i].second, i);
  }
  out.end_dict();
}

// Plain data, as json has it.
void write_plain(PickleWriter& out, const nlohmann::json& value) {
  if (value.is_boolean()) return out.boolean(value.get<bool>());
  if (value.is_number_integer()) return out.integer(value.get<int64_t>());
  if (value.is_number_float()) return out.real(value.get<double>());
  if (value.is_string()) return out.text(value.get_ref<const std::string&>());
  if (value.is_array()) {
    out.begin_list();
    for (const auto& item : value) write_plain(out, item);
    return out.end_list();
  }
  if (!value.is_object()) return out.none();
  out.begin_dict();
  for (const auto& [key, item] : value.items()) {
    out.text(key);
    write_plain(out, item);
  }
  out.end_dict();
}

void write_archive(const std::string& path, const std::string& pickle,
                   const std::vector<std::pair<std::string, at::Tensor>>& tensors) {
  ZipWriter zip(path);
  zip.add("archive/data.pkl", pickle);
  zip.add("archive/byteorder", "little");
  for (size_t i = 0; i < tensors.size(); ++i) {
    at::Tensor dense = tensors[i].second.detach().cpu().resolve_conj().resolve_neg().contiguous();
    zip.add("archive/data/" + std::to_string(i), {static_cast<const char*>(dense.const_data_ptr()), dense.nbytes()});
  }
  zip.add("archive/version", "3\n");
  zip.commit();
}

}  // namespace

std::map<std::string, at::Tensor> load_state_dict(const std::string& path, const std::string& part) {
  // Detectron's checkpoints are pickles of NumPy arrays.
  const bool pickled = std::ifstream(path, std::ios::binary).get() == 0x80;
  Pickle root = pickled ? load_any_pickle(path) : load_torch_file(path);
  if (!part.empty()) {
    auto found = root.find(part);
    check(found && found->is(PickleKind::dict), "'{}' has no weights under '{}'", path, part);
    root = *found;
  }
  const Pickle weights = weights_in(root);
  Tensors tensors;
  collect(weights, "", path, tensors);
  if (tensors.empty() && weights.is(PickleKind::object)) whole_module(path, weights.class_name(path));
  check(!tensors.empty() && !tensors.contains(""),
        "'{}' holds no tensors by name: save a state dict with torch.save(model.state_dict(), path)", path);
  drop_prefix(tensors, "module.");
  return tensors;
}

std::map<std::string, at::Tensor> without_prefix(const std::map<std::string, at::Tensor>& tensors,
                                                 const std::string& prefix) {
  Tensors out;
  for (const auto& [name, tensor] : tensors) out[name.starts_with(prefix) ? name.substr(prefix.size()) : name] = tensor;
  return out;
}

bool drop_prefix(std::map<std::string, at::Tensor>& tensors, const std::string& prefix) {
  const bool all =
      std::all_of(tensors.begin(), tensors.end(), [&](const auto& entry) { return entry.first.starts_with(prefix); });
  if (!all || tensors.empty()) return false;
  tensors = without_prefix(tensors, prefix);
  return true;
}

nlohmann::json checkpoint_arguments(const std::string& path) {
  const Pickle root = load_torch_file(path);
  auto found = root.find("args");
  if (!found || !found->is(PickleKind::dict)) return nlohmann::json::object();
  auto out = pickle_to_json(*found, path);
  return out.is_object() ? out : nlohmann::json::object();
}

void save_state_dict(const std::string& path, const std::vector<std::pair<std::string, at::Tensor>>& tensors) {
  PickleWriter pickle(2);
  write_state_dict(pickle, tensors);
  write_archive(path, pickle.finish(), tensors);
}

void save_checkpoint(const std::string& path, const std::string& key,
                     const std::vector<std::pair<std::string, at::Tensor>>& tensors, const nlohmann::json& beside,
                     const std::string& arguments) {
  PickleWriter pickle(2);
  pickle.begin_dict();
  pickle.text(key);
  write_state_dict(pickle, tensors);
  for (const auto& [name, value] : beside.items()) {
    pickle.text(name);
    if (name == arguments) {
      pickle.global("argparse", "Namespace");
      pickle.begin_tuple();
      pickle.end_tuple();
      pickle.reduce();
    }
    write_plain(pickle, value);
    if (name == arguments) pickle.build();
  }
  pickle.end_dict();
  write_archive(path, pickle.finish(), tensors);
}

}  // namespace multiviz
