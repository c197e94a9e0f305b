#pragma once
#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "bindings/binder.h"

// What the files of bindings/tensor_*.cpp share. Positions and dimensions are 1-based in scripts, negative from the
// end.
namespace multiviz::script {

using TensorType = Type<at::Tensor>;

void register_tensor_autograd(Binder& binder, TensorType& type);
void register_tensor_create(Binder& binder);
void register_tensor_index(TensorType& type);
void register_tensor_math(Binder& binder, TensorType& type);
void register_tensor_nn(Binder& binder);
void register_tensor_reduce(TensorType& type);
void register_tensor_shape(Binder& binder, TensorType& type);

// A dimension of a tensor with `dims` of them, 0-based.
int64_t arg_dim(lua_State* L, int index, int64_t dims);
// One dimension or a table of them.
std::vector<int64_t> arg_dims(lua_State* L, int index, int64_t dims);
// Sizes given one by one or as a table; `next` becomes the index after them. -1 is allowed when `infer`.
std::vector<int64_t> arg_sizes(lua_State* L, int index, int& next, bool infer = false);
// A tensor, or a number that takes part in arithmetic as LibTorch's Python numbers do.
at::Tensor arg_operand(lua_State* L, int index, const char* name);
// 1-based positions along a dimension of size n, as 0-based int64 on the same device.
at::Tensor zero_based(lua_State* L, const at::Tensor& positions, int64_t n, const char* name);
inline at::Tensor one_based(const at::Tensor& positions) { return positions + 1; }

// Turns the recording of gradients on or off; throws Error for a tensor that cannot have them, or must.
void set_requires_grad(at::Tensor& tensor, bool on);

std::string shape_text(at::IntArrayRef shape);      // "[2, 3]"
std::string tensor_text(const at::Tensor& tensor);  // what it prints

}  // namespace multiviz::script
