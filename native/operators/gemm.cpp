#include "gemm.h"

#include "few_rows.h"
#include "signals.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>

namespace scalora {
namespace {
thread_local GemmBackend backend = GemmBackend::Aten;
constexpr const char* kOneDnnLinear = "mkldnn::_linear_pointwise";

at::Tensor oneDnnLinear(const at::Tensor& x, const at::Tensor& w, const std::optional<at::Tensor>& bias) {
  static auto handle = c10::Dispatcher::singleton().findSchemaOrThrow(kOneDnnLinear, "");
  torch::jit::Stack stack{x, w, bias, std::string("none"), c10::List<std::optional<at::Scalar>>(), c10::IValue()};
  SignalsBlocked guard;
  blockSignalsOfWorkers();
  handle.callBoxed(&stack);
  return std::move(stack[0]).toTensor();
}

}  // namespace

bool hasOneDnn() { return c10::Dispatcher::singleton().findSchema({kOneDnnLinear, ""}).has_value(); }

void setGemmBackend(GemmBackend chosen) { backend = chosen; }

at::Tensor gemm(const at::Tensor& x, const at::Tensor& w, const std::optional<at::Tensor>& bias) {
  if (suitsFewRows(x, w, bias)) return fewRowsLinear(x, w, bias);
  bool oneDnn = backend == GemmBackend::OneDnn && x.dim() == 2 && x.scalar_type() == at::kFloat && x.is_cpu() &&
                w.scalar_type() == at::kFloat && x.numel() > 0;
  if (!oneDnn) return at::linear(x, w, bias);
  TORCH_CHECK(w.dim() == 2 && x.size(1) == w.size(1), "linear: an input of shape ", x.sizes(),
              " does not fit a weight of shape ", w.sizes());
  return oneDnnLinear(x, w, bias);
}

}  // namespace scalora
