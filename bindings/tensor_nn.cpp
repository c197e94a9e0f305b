#include <ATen/ATen.h>
#include <ATen/ExpandUtils.h>

#include <cmath>

#include "bindings/tensor.h"

// Layers as functions of their weights, for models written in Lua: weights have PyTorch's shapes.
namespace multiviz::script {
namespace {

at::Tensor optional_tensor(lua_State* L, int index, const char* name) {
  return absent(L, index) ? at::Tensor() : arg<at::Tensor>(L, index, name);
}

std::vector<int64_t> pair_option(Options& options, const char* name, int64_t fallback) {
  auto values = options.integers(name).value_or(std::vector<int64_t>{fallback});
  check(values.size() == 1 || values.size() == 2, "option '{}' must be one integer or two", name);
  for (auto value : values) check(value >= 0, "option '{}' must not be negative, got {}", name, value);
  return values;
}

void check_dims(lua_State* L, const at::Tensor& tensor, int64_t dims, const char* name, const char* shape) {
  check(tensor.dim() == dims, "{}: '{}' must have shape {}, got {}", function_name(L), name, shape,
        shape_text(tensor.sizes()));
}

int linear(lua_State* L) {
  auto &x = arg<at::Tensor>(L, 1, "x"), &weight = arg<at::Tensor>(L, 2, "weight");
  auto bias = optional_tensor(L, 3, "bias");
  check_dims(L, weight, 2, "weight", "[out, in]");
  check(x.dim() > 0 && x.size(-1) == weight.size(1), "{}: 'x' of shape {} does not fit 'weight' of shape {}",
        function_name(L), shape_text(x.sizes()), shape_text(weight.sizes()));
  return push(L, at::linear(x, weight, bias));
}

int conv2d(lua_State* L) {
  auto &x = arg<at::Tensor>(L, 1, "x"), &weight = arg<at::Tensor>(L, 2, "weight");
  auto bias = optional_tensor(L, 3, "bias");
  Options options(L, 4);
  auto stride = pair_option(options, "stride", 1), padding = pair_option(options, "padding", 0);
  auto groups = options.integer("groups", 1, {.min = 1});
  options.done();
  check_dims(L, x, 4, "x", "[B, C, H, W]");
  check_dims(L, weight, 4, "weight", "[out, C, kernel, kernel]");
  check(x.size(1) == weight.size(1) * groups, "{}: 'x' has {} channels, 'weight' takes {}", function_name(L), x.size(1),
        weight.size(1) * groups);
  return push(L, at::conv2d(x, weight, bias, stride, padding, 1, groups));
}

int embedding(lua_State* L) {
  auto& weight = arg<at::Tensor>(L, 1, "weight");
  check_dims(L, weight, 2, "weight", "[words, size]");
  auto positions = zero_based(L, arg_tensor(L, 2, "positions"), weight.size(0), "positions");
  return push(L, at::embedding(weight, positions.to(weight.device())));
}

int layer_norm(lua_State* L) {
  auto& x = arg<at::Tensor>(L, 1, "x");
  auto weight = optional_tensor(L, 2, "weight"), bias = optional_tensor(L, 3, "bias");
  Options options(L, 4);
  double eps = options.number("eps", 1e-5, {.min = 0});
  options.done();
  check(x.dim() > 0, "{}: 'x' has no dimension to normalise", function_name(L));
  for (const auto* tensor : {&weight, &bias})
    check(!tensor->defined() || (tensor->dim() == 1 && tensor->size(0) == x.size(-1)),
          "{}: 'weight' and 'bias' must have shape [{}], as the last dimension of 'x'", function_name(L), x.size(-1));
  return push(L, at::layer_norm(x, {x.size(-1)}, weight, bias, eps));
}

using Pool = at::Tensor (*)(const at::Tensor&, at::IntArrayRef, at::IntArrayRef, at::IntArrayRef);

int pool(lua_State* L, Pool apply) {
  auto& x = arg<at::Tensor>(L, 1, "x");
  auto size = arg_integer(L, 2, "size", {.min = 1});
  Options options(L, 3);
  auto stride = pair_option(options, "stride", size), padding = pair_option(options, "padding", 0);
  options.done();
  check_dims(L, x, 4, "x", "[B, C, H, W]");
  return push(L, apply(x, {size, size}, stride, padding));
}

int cross_entropy(lua_State* L) {
  auto& logits = arg<at::Tensor>(L, 1, "logits");
  check_dims(L, logits, 2, "logits", "[B, C]");
  auto labels = zero_based(L, arg_tensor(L, 2, "labels"), logits.size(1), "labels");
  check(labels.dim() == 1 && labels.size(0) == logits.size(0), "{}: 'labels' must have shape [{}], got {}",
        function_name(L), logits.size(0), shape_text(labels.sizes()));
  return push(L, at::cross_entropy_loss(logits, labels.to(logits.device())));
}

// Written out, so that it can be differentiated twice.
int attention(lua_State* L) {
  auto &query = arg<at::Tensor>(L, 1, "query"), &key = arg<at::Tensor>(L, 2, "key"),
       &value = arg<at::Tensor>(L, 3, "value");
  auto mask = optional_tensor(L, 4, "mask");
  check(query.dim() >= 2 && key.dim() >= 2 && value.dim() >= 2 && query.size(-1) == key.size(-1) &&
            key.size(-2) == value.size(-2),
        "{}: 'query' {}, 'key' {} and 'value' {} do not fit: they must be [..., T, E], [..., S, E] and [..., S, V]",
        function_name(L), shape_text(query.sizes()), shape_text(key.sizes()), shape_text(value.sizes()));
  auto scores = query.matmul(key.transpose(-2, -1)) / std::sqrt(static_cast<double>(query.size(-1)));
  if (mask.defined()) {
    check(mask.scalar_type() == at::kBool && at::is_expandable_to(mask.sizes(), scores.sizes()),
          "{}: 'mask' must be booleans that fit shape {}", function_name(L), shape_text(scores.sizes()));
    scores = scores.masked_fill(mask.logical_not(), -INFINITY);
  }
  auto weights = scores.softmax(-1);
  return push(L, weights.matmul(value)) + push(L, weights);
}

at::Tensor max_pool(const at::Tensor& x, at::IntArrayRef size, at::IntArrayRef stride, at::IntArrayRef padding) {
  return at::max_pool2d(x, size, stride, padding);
}
at::Tensor average_pool(const at::Tensor& x, at::IntArrayRef size, at::IntArrayRef stride, at::IntArrayRef padding) {
  return at::avg_pool2d(x, size, stride, padding);
}

}  // namespace

void register_tensor_nn(Binder& binder) {
  binder.function("nn.linear", "mv.nn.linear(x, weight [, bias]) -> tensor",
                  "x times weight [out, in] transposed, plus bias.", linear);
  binder.function("nn.conv2d", "mv.nn.conv2d(x, weight [, bias [, {stride=1, padding=0, groups=1}]]) -> tensor",
                  "Convolution of x [B, C, H, W] with weight [out, C / groups, kernel, kernel].", conv2d);
  binder.function("nn.embedding", "mv.nn.embedding(weight, positions) -> tensor",
                  "The rows of weight [words, size] at these positions, counted from 1.", embedding);
  binder.function("nn.layer_norm", "mv.nn.layer_norm(x [, weight [, bias [, {eps=1e-5}]]]) -> tensor",
                  "Mean 0 and variance 1 over the last dimension, then times weight plus bias.", layer_norm);
  binder.function("nn.max_pool2d", "mv.nn.max_pool2d(x, size [, {stride=size, padding=0}]) -> tensor",
                  "The largest entry of each window of x [B, C, H, W].",
                  [](lua_State* L) { return pool(L, max_pool); });
  binder.function("nn.avg_pool2d", "mv.nn.avg_pool2d(x, size [, {stride=size, padding=0}]) -> tensor",
                  "The mean of each window of x [B, C, H, W].", [](lua_State* L) { return pool(L, average_pool); });
  binder.function("nn.cross_entropy", "mv.nn.cross_entropy(logits, labels) -> tensor",
                  "Mean of -log softmax(logits [B, C]) at the labels [B], counted from 1.", cross_entropy);
  binder.function("nn.attention", "mv.nn.attention(query, key, value [, mask]) -> tensor, weights",
                  "softmax(query key' / sqrt(E)) value; the mask is true where a key may be seen.", attention);
}

}  // namespace multiviz::script
