#include <ATen/ATen.h>

#include "bindings/register.h"
#include "bindings/sparse_path.h"
#include "core/suggest.h"
#include "prediction/elastic_net.h"

namespace multiviz::script {
namespace {

int64_t class_of(const std::string& label, const std::vector<std::string>& names) {
  auto found = std::find(names.begin(), names.end(), label);
  check(found != names.end(), "there is no label '{}'{}", label, suggestion(label, names));
  return found - names.begin();
}

// The option `labels`: names, or numbers from 1, one per datapoint. Without names they are found among the labels.
void read_labels(lua_State* L, Options& options, Response& response) {
  std::vector<int64_t> labels;
  options.raw("labels");
  auto numbers = to_integers(L, lua_gettop(L));
  auto given = numbers ? std::nullopt : to_strings(L, lua_gettop(L));
  if (!numbers && !given) options.wrong("labels", "a table of labels, names or numbers from 1");
  lua_pop(L, 1);
  if (numbers) {
    labels = *numbers;
    int64_t most = labels.empty() ? 0 : *std::max_element(labels.begin(), labels.end());
    for (int64_t i = response.names.empty() ? 1 : most + 1; i <= most; ++i) response.names.push_back(std::to_string(i));
    for (int64_t& label : labels) {
      check(label >= 1 && label <= std::ssize(response.names),
            "label {} is out of range: there are {} classes, counted from 1", label, response.names.size());
      --label;
    }
  } else {
    std::vector<std::string> names = *given;
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    if (response.names.empty()) response.names = names;
    for (const std::string& label : *given) labels.push_back(class_of(label, response.names));
  }
  response.labels = at::tensor(labels, at::kLong);
  response.targets = at::Tensor();
}

void read_targets(Options& options, Response& response) {
  at::Tensor targets = *options.tensor("targets");
  response.targets = targets.dim() == 1 ? targets.unsqueeze(1) : targets;
  response.labels = at::Tensor();
  int64_t count = response.targets.dim() == 2 ? response.targets.size(1) : 0;
  if (std::ssize(response.names) == count) return;
  response.names.clear();
  for (int64_t i = 1; i <= count; ++i) response.names.push_back(fmt::format("target {}", i));
}

Response read_response(lua_State* L, Options& options, const FeaturesPtr& features) {
  Response response;
  bool predicted = options.boolean("predicted", false);
  bool labels = options.has("labels"), targets = options.has("targets");
  check(!(labels && targets), "options 'labels' and 'targets' exclude one another: give one of them");
  if (features) response.names = features->names;
  if (auto names = options.strings("names")) response.names = *names;
  if (labels)
    read_labels(L, options, response);
  else if (targets)
    read_targets(options, response);
  else {
    check(features != nullptr, "a tensor of features has no labels: give the option 'labels' or 'targets'");
    response = response_of(*features, predicted);
  }
  return response;
}

ElasticNetOptions read_options(lua_State* L, Options& options) {
  ElasticNetOptions net;
  net.family = parse_family(options.choice("family", {"gaussian", "multinomial"}, family_name(net.family)));
  if (options.raw("lambdas") == LUA_TTABLE)
    net.grid = options.numbers("lambdas").value_or(std::vector<double>{});
  else
    net.lambdas = options.integer("lambdas", net.lambdas, {.min = 1});
  if (lua_istable(L, -1) && net.grid.empty()) options.wrong("lambdas", "a count, or a table of at least one number");
  lua_pop(L, 1);
  net.alpha = options.number("alpha", net.alpha);
  net.epsilon = options.number("epsilon", net.epsilon);
  net.holdout = options.number("holdout", net.holdout);
  net.standardize = options.boolean("standardize", net.standardize);
  net.intercept = options.boolean("intercept", net.intercept);
  net.tolerance = options.number("tolerance");
  net.max_iterations = options.integer("max_iterations", net.max_iterations, {.min = 1});
  net.saturation = options.number("saturation", net.saturation);
  net.seed = options.seed();
  return net;
}

int fit(lua_State* L) {
  auto* given = test<FeaturesPtr>(L, 1);
  FeaturesPtr features = given ? *given : nullptr;
  at::Tensor z = features ? features->z : arg_tensor(L, 1, "z");
  Options options(L, 2);
  ElasticNetOptions net = read_options(L, options);
  Response response = read_response(L, options, features);
  at::Tensor weights = options.tensor("weights").value_or(at::Tensor());
  options.done();
  FittedPath path{std::make_shared<const SparsePath>(elastic_net(z, response, weights, net)), features};
  return push(L, std::make_shared<const FittedPath>(std::move(path)));
}

}  // namespace

void register_sparse_linear(Binder& binder) {
  binder.function(
      "sparse_linear",
      "mv.sparse_linear(z, {family=\"gaussian\", lambdas=100, alpha=0.99, epsilon=0.001, holdout=0.2, "
      "standardize=true, "
      "intercept=true, labels=, targets=, predicted=false, weights=, ...}) -> path",
      "Stage P: elastic-net models that predict the labels from the features z (or a tensor, with labels or targets), "
      "for a "
      "grid of `lambdas` values of lambda (or the table given) down to epsilon of the largest. predicted=true fits "
      "what the "
      "model predicts in place of the true labels. More options: names, tolerance, max_iterations, saturation, seed.",
      fit);
}

}  // namespace multiviz::script
