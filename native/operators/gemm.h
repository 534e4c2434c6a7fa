// The matrix product behind every linear layer, through the fastest exact kernel of this machine.
#pragma once
#include <ATen/core/Tensor.h>

#include <optional>

namespace scalora {

// Aten: at::linear (MKL on x86). OneDnn: oneDNN in fp32, twice as fast on AMD CPUs with the same precision. A probe of speed
// and error chooses in src/torch/gemm-backend.ts; the choice applies to fp32 on the CPU only. Each thread has its own, so that
// a worker thread's choice does not change the results of another.
enum class GemmBackend { Aten, OneDnn };
bool hasOneDnn();
void setGemmBackend(GemmBackend backend);

// x [N, k] · wᵀ [k, m] (+ bias [m]) -> [N, m]; below autograd. Either may be a transposed view.
at::Tensor gemm(const at::Tensor& x, const at::Tensor& w, const std::optional<at::Tensor>& bias = std::nullopt);

}  // namespace scalora
