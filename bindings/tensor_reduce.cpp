#include <ATen/ATen.h>

#include "bindings/tensor.h"

namespace multiviz::script {
namespace {

// What a reduction is asked for: dimensions (all when empty) and whether they stay as size 1.
struct Over {
  std::vector<int64_t> dims;
  bool keep = false;
};

Over read_over(lua_State* L, const at::Tensor& self, int index = 2) {
  Over over;
  bool options_first = lua_istable(L, index) && lua_rawlen(L, index) == 0;
  if (!absent(L, index) && !options_first) over.dims = arg_dims(L, index++, self.dim());
  if (absent(L, index)) {
    lua_settop(L, index - 1);
  } else if (lua_isboolean(L, index)) {
    over.keep = lua_toboolean(L, index);
  } else {
    Options options(L, index);
    over.keep = options.boolean("keepdim", false);
    options.done();
  }
  if (over.dims.empty())
    for (int64_t d = 0; d < self.dim(); ++d) over.dims.push_back(d);
  return over;
}

at::Tensor floating(const at::Tensor& x) { return x.is_floating_point() ? x : x.to(at::kFloat); }

struct Reduction {
  const char* name;
  const char* help;
  at::Tensor (*apply)(const at::Tensor&, const std::vector<int64_t>&, bool);
  bool empty;  // whether a tensor without entries has one
};

// One dimension after another, for what LibTorch reduces over one only.
template <typename Apply>
at::Tensor one_by_one(at::Tensor x, std::vector<int64_t> dims, bool keep, const Apply& apply) {
  std::sort(dims.begin(), dims.end());
  for (auto dim = dims.rbegin(); dim != dims.rend(); ++dim) x = apply(x, *dim, keep);
  return x;
}

const Reduction reductions[] = {
    {"sum", "Sum", [](const at::Tensor& x, const std::vector<int64_t>& d, bool k) { return x.sum(d, k); }, true},
    {"mean", "Mean", [](const at::Tensor& x, const std::vector<int64_t>& d, bool k) { return floating(x).mean(d, k); },
     true},
    {"std", "Standard deviation (n - 1)",
     [](const at::Tensor& x, const std::vector<int64_t>& d, bool k) { return floating(x).std(d, true, k); }, true},
    {"var", "Variance (n - 1)",
     [](const at::Tensor& x, const std::vector<int64_t>& d, bool k) { return floating(x).var(d, true, k); }, true},
    {"amax", "Largest entry", [](const at::Tensor& x, const std::vector<int64_t>& d, bool k) { return x.amax(d, k); },
     false},
    {"amin", "Smallest entry", [](const at::Tensor& x, const std::vector<int64_t>& d, bool k) { return x.amin(d, k); },
     false},
    {"logsumexp", "log of the sum of exponentials",
     [](const at::Tensor& x, const std::vector<int64_t>& d, bool k) { return floating(x).logsumexp(d, k); }, true},
    {"prod", "Product",
     [](const at::Tensor& x, const std::vector<int64_t>& d, bool k) {
       return one_by_one(x, d, k, [](const at::Tensor& y, int64_t dim, bool keep) { return y.prod(dim, keep); });
     },
     true},
    {"any", "Whether one is true",
     [](const at::Tensor& x, const std::vector<int64_t>& d, bool k) {
       return one_by_one(x.to(at::kBool), d, k,
                         [](const at::Tensor& y, int64_t dim, bool keep) { return y.any(dim, keep); });
     },
     true},
    {"all", "Whether all are true",
     [](const at::Tensor& x, const std::vector<int64_t>& d, bool k) {
       return one_by_one(x.to(at::kBool), d, k,
                         [](const at::Tensor& y, int64_t dim, bool keep) { return y.all(dim, keep); });
     },
     true},
};

void check_not_empty(lua_State* L, const at::Tensor& self) {
  check(self.numel() > 0, "{}: a tensor of shape {} has no entries", function_name(L), shape_text(self.sizes()));
}

void register_reductions(TensorType& type) {
  for (const auto& reduction : reductions) {
    auto signature = fmt::format("t:{}([dim | {{dim, ...}} [, {{keepdim=}}]]) -> tensor", reduction.name);
    auto help = fmt::format("{} over the dimensions given, or over all.", reduction.help);
    type.method(reduction.name, signature.c_str(), help.c_str(), [reduction](lua_State* L, at::Tensor& self) {
      auto over = read_over(L, self);
      if (!reduction.empty) check_not_empty(L, self);
      return push(L, over.dims.empty() && self.dim() == 0 ? reduction.apply(self.reshape({1}), {0}, false)
                                                          : reduction.apply(self, over.dims, over.keep));
    });
  }
}

// The best entry of a dimension and its position, or of all without a position.
struct Extreme {
  const char* name;
  const char* help;
  std::tuple<at::Tensor, at::Tensor> (*along)(const at::Tensor&, int64_t, bool);
  at::Tensor (*all)(const at::Tensor&);
};

const Extreme extremes[] = {
    {"max", "Largest", [](const at::Tensor& x, int64_t d, bool k) { return x.max(d, k); },
     [](const at::Tensor& x) { return x.max(); }},
    {"min", "Smallest", [](const at::Tensor& x, int64_t d, bool k) { return x.min(d, k); },
     [](const at::Tensor& x) { return x.min(); }},
    {"median", "Median", [](const at::Tensor& x, int64_t d, bool k) { return x.median(d, k); },
     [](const at::Tensor& x) { return x.median(); }},
};

void register_extremes(TensorType& type) {
  for (const auto& extreme : extremes) {
    auto signature = fmt::format("t:{}([dim [, {{keepdim=}}]]) -> tensor [, positions]", extreme.name);
    auto help = fmt::format("{} entry; along a dimension, also where it is.", extreme.help);
    type.method(extreme.name, signature.c_str(), help.c_str(), [extreme](lua_State* L, at::Tensor& self) {
      check_not_empty(L, self);
      if (absent(L, 2)) return push(L, extreme.all(self));
      auto dim = arg_dim(L, 2, self.dim());
      auto [values, positions] = extreme.along(self, dim, read_over(L, self).keep);
      return push(L, values) + push(L, one_based(positions));
    });
  }
  using Where = at::Tensor (*)(const at::Tensor&, std::optional<int64_t>, bool);
  for (auto [name, where] : {std::pair<const char*, Where>{"argmax", at::argmax}, {"argmin", at::argmin}}) {
    auto signature = fmt::format("t:{}([dim [, {{keepdim=}}]]) -> positions", name);
    type.method(name, signature.c_str(), "Where the extreme entry is, along a dimension or of the flattened tensor.",
                [where](lua_State* L, at::Tensor& self) {
                  check_not_empty(L, self);
                  if (absent(L, 2)) return push(L, one_based(where(self, std::nullopt, false)));
                  auto dim = arg_dim(L, 2, self.dim());
                  return push(L, one_based(where(self, dim, read_over(L, self).keep)));
                });
  }
}

int norm(lua_State* L, at::Tensor& self) {
  double p = absent(L, 2) ? 2 : arg_number(L, 2, "p", {.min = 0});
  auto over = read_over(L, self, 3);
  return push(L, floating(self).norm(p, over.dims, over.keep));
}

int topk(lua_State* L, at::Tensor& self) {
  check(self.dim() > 0, "tensor:topk: a tensor without dimensions has only one entry");
  auto k = arg_integer(L, 2, "k", {.min = 0});
  int next = lua_type(L, 3) == LUA_TNUMBER ? 4 : 3;
  auto dim = next == 4 ? arg_dim(L, 3, self.dim()) : self.dim() - 1;
  Options options(L, next);
  bool largest = options.boolean("largest", true);
  options.done();
  check(k <= self.size(dim), "tensor:topk: 'k' is {} but dimension {} has only {} entries", k, dim + 1, self.size(dim));
  auto [values, positions] = self.topk(k, dim, largest, true);
  return push(L, values) + push(L, one_based(positions));
}

int sort(lua_State* L, at::Tensor& self) {
  check(self.dim() > 0, "tensor:sort: a tensor without dimensions has nothing to sort");
  int next = lua_type(L, 2) == LUA_TNUMBER ? 3 : 2;
  auto dim = next == 3 ? arg_dim(L, 2, self.dim()) : self.dim() - 1;
  Options options(L, next);
  bool descending = options.boolean("descending", false);
  options.done();
  auto [values, positions] = self.sort(true, dim, descending);
  return push(L, values) + push(L, one_based(positions));
}

int unique(lua_State* L, at::Tensor& self) {
  auto [values, inverse, counts] = at::_unique2(self, true, false, true);
  return push(L, values) + push(L, counts);
}

int cumsum(lua_State* L, at::Tensor& self) { return push(L, self.cumsum(arg_dim(L, 2, self.dim()))); }

int nonzero(lua_State* L, at::Tensor& self) { return push(L, one_based(self.nonzero())); }

int quantile(lua_State* L, at::Tensor& self) {
  check_not_empty(L, self);
  double q = arg_number(L, 2, "q", {.min = 0, .max = 1});
  return push(L, floating(self).flatten().quantile(q));
}

}  // namespace

void register_tensor_reduce(TensorType& type) {
  register_reductions(type);
  register_extremes(type);
  type.method("norm", "t:norm([p=2 [, dim [, {keepdim=}]]]) -> tensor", "The p-norm.", norm);
  type.method("topk", "t:topk(k [, dim [, {largest=true}]]) -> values, positions",
              "The k largest (or smallest) entries of a dimension, the last by default, best first.", topk);
  type.method("sort", "t:sort([dim [, {descending=false}]]) -> values, positions",
              "Sorted along a dimension, the last by default; equal entries keep their order.", sort);
  type.method("unique", "t:unique() -> values, counts", "The different entries, ascending, and how often each occurs.",
              unique);
  type.method("cumsum", "t:cumsum(dim) -> tensor", "Running sum along a dimension.", cumsum);
  type.method("nonzero", "t:nonzero() -> positions [n, dims]", "Where the entries are not 0 or false.", nonzero);
  type.method("quantile", "t:quantile(q) -> tensor", "The q-quantile of all entries, interpolated.", quantile);
}

}  // namespace multiviz::script
