// Flash attention over a token stream on the second device: libtorch's operator, whose kernels are CUDA's, computed by ours of the
// CPU. It refuses what CUDA's kernel refuses, so a test without a GPU sees that the operator is called as that kernel expects.
#include "second_device.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/library.h>

#include <tuple>
#include <vector>

namespace scalora {
namespace {

// How the queries, keys and values of a stream are attended to.
struct StreamRule {
  std::vector<int64_t> offsets;
  double scale;
  std::optional<int64_t> window;
};

void checkHeads(const char* what, const at::Tensor& heads, const at::Tensor& queries) {
  const auto dtype = heads.scalar_type();
  TORCH_CHECK(dtype == at::kHalf || dtype == at::kBFloat16, "FlashAttention only support fp16 and bf16 data type, found ", dtype);
  TORCH_CHECK(dtype == queries.scalar_type() && heads.device() == queries.device(), what, " and queries differ in dtype or device");
  TORCH_CHECK(heads.dim() == 3 && heads.stride(-1) == 1 && heads.size(2) == queries.size(2), what, " ", heads.sizes(),
              ": expected [T, heads, width] with a contiguous last dimension");
  TORCH_CHECK(heads.size(2) % 8 == 0 && heads.size(2) <= 256, "the width of a head must be a multiple of 8, at most 256");
}

std::vector<int64_t> offsetsIn(const std::optional<at::Tensor>& cumulative, const at::Tensor& queries, int64_t longest) {
  TORCH_CHECK(cumulative && cumulative->scalar_type() == at::kInt && cumulative->is_contiguous() && cumulative->dim() == 1 &&
                  cumulative->device() == queries.device(),
              "cum_seq must be contiguous int32 on the device of the queries");
  const at::Tensor host = onHost(*cumulative);
  const auto* values = host.const_data_ptr<int32_t>();
  std::vector<int64_t> offsets(values, values + host.numel());
  for (size_t i = 1; i < offsets.size(); ++i)
    TORCH_CHECK(offsets[i] - offsets[i - 1] <= longest, "a sequence is longer than max_seqlen, ", longest);
  return offsets;
}

at::Tensor attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const StreamRule& rule) {
  static const auto handle = c10::Dispatcher::singleton().findSchemaOrThrow("scalora::causal_attention", "");
  torch::jit::Stack stack{q, k, v, rule.offsets, rule.scale, rule.window ? c10::IValue(*rule.window) : c10::IValue(), c10::IValue()};
  handle.callBoxed(&stack);
  return std::move(stack[0]).toTensor();
}

std::optional<int64_t> windowOf(std::optional<int64_t> left, std::optional<int64_t> right) {
  TORCH_CHECK(!right || *right <= 0, "only windows that end at the query's own token are supported");
  return left && *left >= 0 ? std::optional(*left + 1) : std::nullopt;
}

using Forward = std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor>;
using Backward = std::tuple<at::Tensor, at::Tensor, at::Tensor>;
using OptionalTensor = std::optional<at::Tensor>;
using OptionalInt = std::optional<int64_t>;

Forward flashForward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const OptionalTensor& cumulativeQ,
                     const OptionalTensor& cumulativeK, int64_t longestQ, int64_t longestK, double dropout, bool isCausal, bool,
                     std::optional<double> scale, OptionalInt left, OptionalInt right, const OptionalTensor& used,
                     const OptionalTensor& slopes) {
  checkHeads("queries", q, q);
  checkHeads("keys", k, q);
  checkHeads("values", v, q);
  TORCH_CHECK(isCausal && dropout == 0 && scale && !used && !slopes && longestQ == longestK, "only causal attention is supported");
  const StreamRule rule{offsetsIn(cumulativeQ, q, longestQ), *scale, windowOf(left, right)};
  TORCH_CHECK(rule.offsets == offsetsIn(cumulativeK, q, longestK), "queries and keys must have the same sequences");
  at::Tensor out = at::empty_like(q, at::MemoryFormat::Contiguous);
  onHost(out).copy_(attend(onHost(q), onHost(k), onHost(v), rule));
  at::Tensor sums = at::zeros({q.size(1), q.size(0)}, q.options().dtype(at::kFloat)), none = at::empty({0}, q.options().dtype(at::kLong));
  return {out, sums, none, none, none};
}

Backward flashBackward(const at::Tensor& dout, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor&,
                       const at::Tensor&, const at::Tensor& cumulativeQ, const at::Tensor&, int64_t longestQ, int64_t, double, bool,
                       const at::Tensor&, const at::Tensor&, std::optional<double> scale, OptionalInt left, OptionalInt right) {
  const at::AutoGradMode record(true);
  const StreamRule rule{offsetsIn(cumulativeQ, q, longestQ), scale.value(), windowOf(left, right)};
  std::vector<at::Tensor> inputs, gradients;
  for (const at::Tensor& heads : {q, k, v}) inputs.push_back(onHost(heads).detach().requires_grad_());
  const at::Tensor out = attend(inputs[0], inputs[1], inputs[2], rule);
  for (const at::Tensor& gradient : torch::autograd::grad({out}, inputs, {onHost(dout)})) {
    gradients.push_back(at::empty(gradient.sizes(), q.options()));
    onHost(gradients.back()).copy_(gradient);
  }
  return {gradients[0], gradients[1], gradients[2]};
}

}  // namespace

void registerSecondAttention() {
  static torch::Library kernels(torch::Library::IMPL, "aten", c10::DispatchKey::PrivateUse1, __FILE__, __LINE__);
  kernels.impl("_flash_attention_forward", &flashForward);
  kernels.impl("_flash_attention_backward", &flashBackward);
}

}  // namespace scalora
