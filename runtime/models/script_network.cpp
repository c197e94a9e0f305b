#include "models/script_network.h"

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <set>
#include <sstream>

#include "core/error.h"
#include "core/suggest.h"

namespace multiviz {
namespace {

namespace jit = torch::jit;

// What a failed program said, "RuntimeError: ..." at the end of a trace, or the first line of what is wrong with a
// file; without the places in the code.
std::string reason(const std::exception& error) {
  const auto* torch = dynamic_cast<const c10::Error*>(&error);
  const std::string text = torch ? torch->what_without_backtrace() : error.what();
  std::string first, last;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    line.erase(0, line.find_first_not_of(" \t"));
    if (first.empty()) first = line;
    if (line.find("Error: ") != std::string::npos) last = line;
  }
  return last.empty() ? first : last;
}

template <typename Run>
auto guarded(const std::string& path, const char* what, const Run& run) {
  try {
    return run();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    fail("{}: the TorchScript module {}: {}", path, what, reason(error));
  }
}

// "head.fc.weight" when the value is that attribute of the module, "" otherwise.
std::string path_of(const jit::Value* value, const jit::Graph& graph) {
  std::string out;
  while (value->node()->kind() == c10::prim::GetAttr) {
    out = value->node()->s(c10::attr::name) + (out.empty() ? "" : "." + out);
    value = value->node()->input();
  }
  return value == graph.inputs()[0] ? out : "";
}

void each_node(jit::Block* block, const std::function<void(jit::Node*)>& visit) {
  for (auto* node : block->nodes()) {
    visit(node);
    for (auto* inner : node->blocks()) each_node(inner, visit);
  }
}

bool is(const jit::Node* node, const char* name) { return std::string_view(node->kind().toQualString()) == name; }

}  // namespace

struct ScriptNetwork::State {
  std::string path;
  jit::Module module;
  std::shared_ptr<jit::Graph> graph;
  std::unique_ptr<jit::GraphFunction> function;
  std::vector<at::Tensor> trainable;  // in the file; a forward is only recorded where somebody asks for gradients

  void compile() { function = std::make_unique<jit::GraphFunction>("multiviz.forward", graph, nullptr); }

  // The nodes that read LAYER.weight.
  std::vector<jit::Node*> readers(const std::string& layer) const {
    std::vector<jit::Node*> out;
    std::set<std::string> layers;
    each_node(graph->block(), [&](jit::Node* node) {
      if (node->kind() == c10::prim::GetAttr) return;
      for (auto* input : node->inputs()) {
        auto path = path_of(input, *graph);
        if (!path.ends_with(".weight")) continue;
        path.resize(path.size() - std::string_view(".weight").size());
        layers.insert(path);
        if (path == layer) out.push_back(node);
      }
    });
    if (out.empty())
      fail("{}: the module's forward has no layer '{}'{}", path, layer,
           suggestion(layer, std::vector<std::string>(layers.begin(), layers.end())));
    return out;
  }
};

ScriptNetwork::ScriptNetwork(const std::string& path) : state_(std::make_unique<State>()) {
  state_->path = path;
  guarded(path, "cannot be loaded", [&] {
    state_->module = jit::load(path, at::Device(at::kCPU));
    state_->module.eval();
    auto forward = state_->module.find_method("forward");
    check(forward.has_value(), "{}: the TorchScript module has no method forward", path);
    state_->graph = forward->graph()->copy();
    jit::Inline(*state_->graph);
    for (const auto& entry : state_->module.named_parameters())
      if (entry.value.requires_grad()) state_->trainable.push_back(entry.value.set_requires_grad(false));
    state_->compile();
  });
}

ScriptNetwork::~ScriptNetwork() = default;

size_t ScriptNetwork::inputs() const { return state_->graph->inputs().size() - 1; }

at::Tensor ScriptNetwork::embed(size_t input, const std::string& layer) {
  auto& graph = *state_->graph;
  auto* node = state_->readers(layer).front();
  const size_t position = input + 1;  // after the module itself
  check(is(node, "aten::embedding") && node->owningBlock() == graph.block(),
        "{}: the layer '{}' is not an embedding that every forward goes through", state_->path, layer);
  auto* numbers = graph.inputs()[position];
  check(node->input(1) == numbers, "{}: the layer '{}' does not look up argument {} of forward as it is", state_->path,
        layer, input + 1);
  auto* rows = graph.insertInput(position + 1, "rows");
  rows->setType(node->output()->type());
  node->output()->replaceAllUsesWith(rows);
  node->destroy();
  const auto uses = numbers->uses();
  for (const auto& use : uses) {
    auto dimension = use.user->inputs().size() == 2 ? jit::toIValue(use.user->input(1)) : std::nullopt;
    bool size = is(use.user, "aten::size") && dimension && dimension->isInt() && dimension->toInt() >= 0;
    if (size || is(use.user, "prim::device")) use.user->replaceInput(use.offset, rows);
  }
  check(
      numbers->uses().empty(),
      "{}: forward uses the token numbers for more than the layer '{}': let it take the mask as an argument of its own",
      state_->path, layer);
  graph.eraseInput(position);
  state_->compile();
  auto table = state_->module;
  std::string rest = layer;
  for (size_t dot; (dot = rest.find('.')) != std::string::npos; rest = rest.substr(dot + 1))
    table = table.attr(rest.substr(0, dot)).toModule();
  return table.attr(rest).toModule().attr("weight").toTensor();
}

int64_t ScriptNetwork::set_features(const std::string& layer) {
  auto& graph = *state_->graph;
  auto* node = state_->readers(layer).back();
  if (is(node, "aten::t")) node = node->output()->uses().at(0).user;
  check(node->owningBlock() == graph.block(), "{}: the layer '{}' is inside a condition or a loop of forward",
        state_->path, layer);
  jit::Value* read = nullptr;
  for (auto* input : node->inputs())
    if (!read && input->type()->isSubtypeOf(*c10::TensorType::get()) && path_of(input, graph).empty() &&
        !is(input->node(), "aten::t"))
      read = input;
  check(read != nullptr, "{}: the layer '{}' reads nothing that forward has computed", state_->path, layer);
  const auto parameters = this->parameters();
  const auto weight = std::find_if(parameters.begin(), parameters.end(),
                                   [&](const auto& entry) { return entry.first == layer + ".weight"; });
  check(weight != parameters.end() && weight->second.dim() == 2, "{}: the layer '{}' is not linear", state_->path,
        layer);
  auto* logits = graph.outputs()[0];
  if (logits->node()->kind() == c10::prim::TupleConstruct) logits = logits->node()->input(0);
  auto* pair = graph.createTuple({logits, read});
  graph.appendNode(pair);
  graph.eraseOutput(0);
  graph.registerOutput(pair->output());
  state_->compile();
  returned_ = true;
  return weight->second.size(1);
}

std::pair<at::Tensor, at::Tensor> ScriptNetwork::operator()(const std::vector<at::Tensor>& inputs) const {
  return guarded(state_->path, "failed", [&]() -> std::pair<at::Tensor, at::Tensor> {
    jit::GraphOptimizerEnabledGuard as_it_stands(false);
    jit::Stack stack = {state_->module._ivalue()};
    for (const auto& input : inputs) stack.emplace_back(input);
    state_->function->run(stack);
    const auto& result = stack.back();
    if (!returned_) {
      check(result.isTensor(), "{}: forward returns {}, not the logits alone: give the option features", state_->path,
            result.tagKind());
      return {result.toTensor(), {}};
    }
    check(result.isTuple() && result.toTupleRef().elements().size() >= 2 &&
              result.toTupleRef().elements()[0].isTensor() && result.toTupleRef().elements()[1].isTensor(),
          "{}: forward does not return a tuple of logits and features", state_->path);
    return {result.toTupleRef().elements()[0].toTensor(), result.toTupleRef().elements()[1].toTensor()};
  });
}

NamedTensors ScriptNetwork::parameters() const {
  NamedTensors out;
  for (const auto& entry : state_->module.named_parameters()) out.emplace_back(entry.name, entry.value);
  return out;
}

NamedTensors ScriptNetwork::buffers() const {
  NamedTensors out;
  for (const auto& entry : state_->module.named_buffers()) out.emplace_back(entry.name, entry.value);
  return out;
}

void ScriptNetwork::set_training(bool on) { state_->module.train(on); }

void ScriptNetwork::to(at::Device device) { state_->module.to(device); }

void ScriptNetwork::save(const std::string& path) const {
  std::vector<bool> before;
  for (auto& tensor : state_->trainable) {
    before.push_back(tensor.requires_grad());
    tensor.set_requires_grad(true);
  }
  guarded(state_->path, "cannot be saved", [&] { state_->module.save(path); });
  for (size_t i = 0; i < before.size(); ++i) state_->trainable[i].set_requires_grad(before[i]);
}

}  // namespace multiviz
