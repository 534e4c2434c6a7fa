// scalora::linear and scalora::lora_linear: linear layers on a flat stream of tokens, with their own autograd so that
// no more than needed is saved and every product goes through gemm().
#include "gemm.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

namespace scalora {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;
using OptionalTensor = std::optional<at::Tensor>;

bool defined(const OptionalTensor& tensor) { return tensor && tensor->defined(); }

void checkLinear(const char* name, const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias) {
  TORCH_CHECK(x.dim() == 2 && weight.dim() == 2 && x.size(1) == weight.size(1), name, ": an input of shape ", x.sizes(),
              " does not fit a weight of shape ", weight.sizes(), "; expected [tokens, in] and [out, in]");
  TORCH_CHECK(x.scalar_type() == weight.scalar_type(), name, ": the input is ", x.scalar_type(), " but the weight is ",
              weight.scalar_type());
  if (defined(bias)) {
    TORCH_CHECK(bias->dim() == 1 && bias->size(0) == weight.size(0), name, ": a bias of shape ", bias->sizes(),
                " does not fit a weight of shape ", weight.sizes());
  }
}

// y = x Wᵀ + b
struct Linear : public Function<Linear> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias) {
    ctx->save_for_backward({weight.requires_grad() ? x : at::Tensor(), x.requires_grad() ? weight : at::Tensor()});
    ctx->saved_data["bias"] = defined(bias) && bias->requires_grad();
    return gemm(x, weight, bias);
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    auto saved = ctx->get_saved_variables();
    const at::Tensor dy = gradients[0].contiguous();
    at::Tensor dx, dweight, dbias;
    if (ctx->needs_input_grad(0)) dx = gemm(dy, saved[1].t());
    if (ctx->needs_input_grad(1)) dweight = gemm(dy.t(), saved[0].t());
    if (ctx->saved_data["bias"].toBool()) dbias = dy.sum(0);
    return {dx, dweight, dbias};
  }
};

// [frozen | own], transposed to [columns, rows]: two products with the rows become one.
at::Tensor joined(const OptionalTensor& frozen, const at::Tensor& own) {
  if (!defined(frozen)) return own.t().contiguous();
  return at::cat({frozen->to(own.scalar_type()).t(), own.t()});
}

// y = x Wᵀ + b + s (x B) Aᵀ + (x Q) Pᵀ with A [out, r], B [in, r] and frozen P [out, R], Q [in, R], which may be absent:
// saves x and x B only, never forms dW. Products with a side of r are written so that the long operand is read along its
// rows: several times faster than the other way round.
struct LoraLinear : public Function<LoraLinear> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias,
                            const at::Tensor& A, const at::Tensor& B, double scale, const OptionalTensor& P,
                            const OptionalTensor& Q) {
    const auto compute = x.scalar_type();
    const int64_t rank = B.size(1);
    at::Tensor xQB = gemm(x, joined(Q, B.to(compute)));
    const at::Tensor xB = xQB.narrow(1, xQB.size(1) - rank, rank);
    at::Tensor y = gemm(x, weight, bias);
    if (defined(P)) {
      y.addmm_(xQB, joined(P, A.mul(scale).to(compute)));
    } else {
      y.addmm_(xQB, A.to(compute).t(), 1, scale);
    }
    ctx->save_for_backward({x, weight, A, B, xB.contiguous(), P.value_or(at::Tensor()), Q.value_or(at::Tensor())});
    ctx->saved_data["scale"] = scale;
    return y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    auto saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &A = saved[2], &B = saved[3], &xB = saved[4];
    const double scale = ctx->saved_data["scale"].toDouble();
    const at::Tensor dy = gradients[0].contiguous();
    const auto compute = x.scalar_type();
    const int64_t rank = B.size(1);
    at::Tensor dxQB = gemm(dy, joined(saved[5], A.to(compute)));
    at::Tensor dxB = dxQB.narrow(1, dxQB.size(1) - rank, rank).mul_(scale).contiguous();
    at::Tensor dx;
    if (ctx->needs_input_grad(0)) {
      dx = gemm(dy, weight.t());
      dx.addmm_(dxQB, saved[6].defined() ? joined(saved[6], B.to(compute)) : B.to(compute).t());
    }
    at::Tensor dA = gemm(xB.t(), dy.t()).t().to(A.scalar_type()).mul_(scale);
    at::Tensor dB = gemm(dxB.t(), x.t()).t().to(B.scalar_type());
    return {dx, at::Tensor(), at::Tensor(), dA, dB, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias) {
  checkLinear("linear", x, weight, bias);
  return Linear::apply(x, weight, bias);
}

// Whether two factors fit a weight [out, in] and each other.
bool fitting(const at::Tensor& left, const at::Tensor& right, const at::Tensor& weight) {
  return left.dim() == 2 && right.dim() == 2 && left.size(0) == weight.size(0) && right.size(0) == weight.size(1) &&
         left.size(1) == right.size(1);
}

at::Tensor loraLinear(const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias, const at::Tensor& A,
                      const at::Tensor& B, double scale, const OptionalTensor& P, const OptionalTensor& Q) {
  checkLinear("lora_linear", x, weight, bias);
  TORCH_CHECK(fitting(A, B, weight), "lora_linear: A of shape ", A.sizes(), " and B of shape ", B.sizes(),
              " do not fit a weight of shape ", weight.sizes(), "; expected [out, r] and [in, r]");
  TORCH_CHECK(!weight.requires_grad() && !(defined(bias) && bias->requires_grad()),
              "lora_linear: the base weight and bias must be frozen");
  TORCH_CHECK(defined(P) == defined(Q), "lora_linear: P and Q go together");
  if (defined(P)) {
    TORCH_CHECK(fitting(*P, *Q, weight), "lora_linear: P of shape ", P->sizes(), " and Q of shape ", Q->sizes(),
                " do not fit a weight of shape ", weight.sizes(), "; expected [out, R] and [in, R]");
    TORCH_CHECK(!P->requires_grad() && !Q->requires_grad(), "lora_linear: P and Q must be frozen");
  }
  return LoraLinear::apply(x, weight, bias, A, B, scale, P, Q);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(scalora, library) {
  library.def("linear(Tensor x, Tensor weight, Tensor? bias=None) -> Tensor", linear);
  library.def("lora_linear(Tensor x, Tensor weight, Tensor? bias, Tensor A, Tensor B, float scale, Tensor? P=None, Tensor? Q=None) -> Tensor",
              loraLinear);
}

}  // namespace scalora
