// Attention on the second device. Flash attention over a token stream is libtorch's operator, whose kernels are CUDA's, computed by
// ours of the CPU. It refuses what CUDA's kernel refuses, so a test without a GPU sees that the operator is called as that kernel
// expects. Scaled dot-product attention is libtorch's of the CPU, which keeps as little for the backward pass as CUDA's.
#include "second_graph.h"

#include <ATen/ATen.h>
#include <ATen/SDPBackend.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/native/transformers/attention.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/library.h>

#include <array>
#include <tuple>
#include <vector>

namespace scalora {
namespace {

// How the queries, keys and values of a stream are attended to.
struct StreamRule {
  std::vector<int64_t> offsets;
  double scale;
  std::optional<int64_t> window;
  bool isCausal;
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
  static const auto causal = c10::Dispatcher::singleton().findSchemaOrThrow("scalora::causal_attention", "");
  static const auto bidirectional = c10::Dispatcher::singleton().findSchemaOrThrow("scalora::bidirectional_attention", "");
  torch::jit::Stack stack{q, k, v, rule.offsets, rule.scale};
  if (rule.isCausal) stack.push_back(rule.window ? c10::IValue(*rule.window) : c10::IValue());
  stack.emplace_back();
  (rule.isCausal ? causal : bidirectional).callBoxed(&stack);
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
  TORCH_CHECK(dropout == 0 && scale && !used && !slopes && longestQ == longestK, "only attention within sequences is supported");
  const StreamRule rule{offsetsIn(cumulativeQ, q, longestQ), *scale, windowOf(left, right), isCausal};
  TORCH_CHECK(isCausal || !rule.window, "only causal attention has a window here");
  TORCH_CHECK(rule.offsets == offsetsIn(cumulativeK, q, longestK), "queries and keys must have the same sequences");
  at::Tensor out = at::empty_like(q, at::MemoryFormat::Contiguous);
  onHost(out).copy_(attend(onHost(q), onHost(k), onHost(v), rule));
  at::Tensor sums = at::zeros({q.size(1), q.size(0)}, q.options().dtype(at::kFloat)), none = at::empty({0}, q.options().dtype(at::kLong));
  return {out, sums, none, none, none};
}

Backward flashBackward(const at::Tensor& dout, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor&,
                       const at::Tensor&, const at::Tensor& cumulativeQ, const at::Tensor&, int64_t longestQ, int64_t, double,
                       bool isCausal, const at::Tensor&, const at::Tensor&, std::optional<double> scale, OptionalInt left, OptionalInt right) {
  const at::AutoGradMode record(true);
  const StreamRule rule{offsetsIn(cumulativeQ, q, longestQ), scale.value(), windowOf(left, right), isCausal};
  // What CUDA's kernel takes meanwhile, as mha_varlen_bwd in aten/src/ATen/native/transformers/cuda/flash_attn/flash_api.cpp of PyTorch
  // allocates it without deterministic algorithms: the gradients of the queries in float32 (dq_accum) and a sum for each (softmax_d),
  // whose sequences lie 128 rows apart, and the gradients of keys and values for each head of the queries (dk_expanded, dv_expanded).
  const int64_t rows = q.size(0) + 128 * (cumulativeQ.numel() - 1);
  const int64_t multiple = q.size(2) <= 128 ? 32 : 64, width = (q.size(2) + multiple - 1) / multiple * multiple;
  const bool isGrouped = q.size(1) != k.size(1);
  const at::Tensor accumulated = at::empty({rows, q.size(1), width}, q.options().dtype(at::kFloat));
  const at::Tensor sums = at::empty({q.size(1), rows}, q.options().dtype(at::kFloat));
  const at::Tensor dense = dout.contiguous();
  const at::Tensor spread = at::empty({isGrouped ? 2 : 0, k.size(0), q.size(1), q.size(2)}, q.options());
  std::vector<at::Tensor> inputs, gradients;
  for (const at::Tensor& heads : {q, k, v}) inputs.push_back(onHost(heads).detach().requires_grad_());
  const at::Tensor out = attend(inputs[0], inputs[1], inputs[2], rule);
  for (const at::Tensor& gradient : torch::autograd::grad({out}, inputs, {onHost(dense)})) {
    gradients.push_back(at::empty(gradient.sizes(), q.options()));
    onHost(gradients.back()).copy_(gradient);
  }
  return {gradients[0], gradients[1], gradients[2]};
}

// Which of libtorch's ways computes an attention: in one kernel, or written out where that has no backward pass, or other types.
int64_t chooseAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const OptionalTensor& mask, double dropout, bool,
                        std::optional<double>, bool) {
  const auto dtype = q.scalar_type();
  const bool isSupported = dtype == at::kFloat || dtype == at::kBFloat16;
  const bool isPlain = dropout == 0 && !(mask && mask->requires_grad()) && q.dim() == 4 && q.size(1) == k.size(1) && q.size(3) == v.size(3);
  return static_cast<int64_t>(isSupported && isPlain ? at::SDPBackend::overrideable : at::SDPBackend::math);
}

OptionalTensor maskOnHost(const OptionalTensor& mask) {
  return mask && mask->defined() ? OptionalTensor(onHost(*mask)) : std::nullopt;
}

using Fused = std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, c10::SymInt, c10::SymInt, at::Tensor, at::Tensor, at::Tensor>;
using FusedBackward = std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor>;

Fused fusedForward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const OptionalTensor& mask, double dropout,
                   bool isCausal, bool, std::optional<double> scale) {
  const auto [out, sums] =
      at::_scaled_dot_product_flash_attention_for_cpu(onHost(q), onHost(k), onHost(v), dropout, isCausal, maskOnHost(mask), scale);
  return {onSecond(out), onSecond(sums), {}, {}, q.size(2), k.size(2), {}, {}, {}};
}

FusedBackward fusedBackward(const at::Tensor& dout, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const at::Tensor& mask, std::array<bool, 4>, const at::Tensor& out, const at::Tensor& sums,
                            const at::Tensor&, const at::Tensor&, c10::SymInt, c10::SymInt, double dropout,
                            bool isCausal, const at::Tensor&, const at::Tensor&, std::optional<double> scale) {
  const auto [dq, dk, dv] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
      onHost(dout), onHost(q), onHost(k), onHost(v), onHost(out), onHost(sums), dropout, isCausal, maskOnHost(mask), scale);
  return {onSecond(dq), onSecond(dk), onSecond(dv), {}};
}

}  // namespace

void registerSecondAttention() {
  static torch::Library kernels(torch::Library::IMPL, "aten", c10::DispatchKey::PrivateUse1, __FILE__, __LINE__);
  kernels.impl("_flash_attention_forward", &Recorded<&flashForward>::call);
  kernels.impl("_flash_attention_backward", &Recorded<&flashBackward>::call);
  at::native::_fused_sdp_choice_stub.set_privateuse1_dispatch_ptr(&chooseAttention);
  kernels.impl("_scaled_dot_product_fused_attention_overrideable", &Recorded<&fusedForward>::call);
  kernels.impl("_scaled_dot_product_fused_attention_overrideable_backward", &Recorded<&fusedBackward>::call);
}

}  // namespace scalora
