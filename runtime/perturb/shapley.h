#pragma once
#include <ATen/core/Tensor.h>

namespace multiviz {

// Shapley values [P, K] of games with all 2^P values known, [2^P, K] in the order of all_coalitions:
// phi_i = sum over S without i of |S|! (P - |S| - 1)! / P! (v(S + i) - v(S)).
at::Tensor shapley_values(const at::Tensor& values);

// Pairwise Shapley interaction indices (Grabisch and Roubens 1999) of the first `rows` players with the others,
// [rows, P - rows, K]: I_ij = sum over S without i, j of |S|! (P - |S| - 2)! / (P - 1)! D_ij(S), where
// D_ij(S) = v(S + i + j) - v(S + i) - v(S + j) + v(S). Zero for players whose effects add up.
at::Tensor shapley_interaction_index(const at::Tensor& values, int64_t rows);

// KernelSHAP's regression (Lundberg and Lee 2017): weights [P, K] that fit values [S, K] of coalitions [S, P] best under
// the kernel's `weights` [S], among those that add up to whole - empty ([K] each) exactly.
at::Tensor solve_shap(const at::Tensor& coalitions, const at::Tensor& weights, const at::Tensor& values,
                      const at::Tensor& whole, const at::Tensor& empty);

}  // namespace multiviz
