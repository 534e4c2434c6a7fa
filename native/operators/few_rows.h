// x Wᵀ + b where x has few rows.
#pragma once
#include <ATen/core/Tensor.h>

#include <optional>

namespace scalora {

// Whether fewRowsLinear supports these arguments and is faster than libtorch.
bool suitsFewRows(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias);

// x [rows, in] · wᵀ [in, out] (+ bias [out]) -> [rows, out]; below autograd.
at::Tensor fewRowsLinear(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias);

}  // namespace scalora
