// scalora::linear and scalora::lora_linear, and both on an NF4 weight: linear layers on a token stream. They have their own
// autograd, which saves only what the backward pass needs and uses gemm() for the products.
#include "base_weight.h"
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

void checkShapes(const char* name, const at::Tensor& x, at::IntArrayRef weight, const OptionalTensor& bias) {
  TORCH_CHECK(x.dim() == 2 && weight.size() == 2 && x.size(1) == weight[1], name, ": an input of shape ", x.sizes(),
              " does not fit a weight of shape ", weight, "; expected [tokens, in] and [out, in]");
  if (defined(bias)) {
    TORCH_CHECK(bias->dim() == 1 && bias->size(0) == weight[0], name, ": a bias of shape ", bias->sizes(),
                " does not fit a weight of shape ", weight);
  }
}

void checkLinear(const char* name, const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias) {
  checkShapes(name, x, weight.sizes(), bias);
  TORCH_CHECK(x.scalar_type() == weight.scalar_type(), name, ": the input is ", x.scalar_type(), " but the weight is ",
              weight.scalar_type());
}

// Checks that two factors fit a weight [out, in] and each other.
void checkPair(const char* name, const char* names, const at::Tensor& left, const at::Tensor& right, at::IntArrayRef weight) {
  TORCH_CHECK(left.dim() == 2 && right.dim() == 2 && left.size(0) == weight[0] && right.size(0) == weight[1] &&
                  left.size(1) == right.size(1),
              name, ": ", names[0], " of shape ", left.sizes(), " and ", names[1], " of shape ", right.sizes(),
              " do not fit a weight of shape ", weight, "; expected [out, r] and [in, r]");
}

void checkFactors(const char* name, const at::Tensor& A, const at::Tensor& B, const OptionalTensor& P, const OptionalTensor& Q,
                  at::IntArrayRef weight) {
  checkPair(name, "AB", A, B, weight);
  TORCH_CHECK(defined(P) == defined(Q), name, ": P and Q go together");
  if (!defined(P)) return;
  checkPair(name, "PQ", *P, *Q, weight);
  TORCH_CHECK(!P->requires_grad() && !Q->requires_grad(), name, ": P and Q must be frozen");
}

void checkFrozen(const char* name, const OptionalTensor& bias) {
  TORCH_CHECK(!(defined(bias) && bias->requires_grad()), name, ": the base weight and bias must be frozen");
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

// [frozen | own], transposed to [columns, rows]: one product instead of two.
at::Tensor joined(const OptionalTensor& frozen, const at::Tensor& own) {
  if (!defined(frozen)) return own.t().contiguous();
  return at::cat({frozen->to(own.scalar_type()).t(), own.t()});
}

// Saves what the backward pass needs: first `others`, then the parts of the weight.
void save(AutogradContext* ctx, variable_list others, const BaseWeight& weight) {
  ctx->saved_data["out"] = weight.out;
  ctx->saved_data["in"] = weight.in;
  others.insert(others.end(), weight.parts.begin(), weight.parts.end());
  ctx->save_for_backward(others);
}

BaseWeight savedWeight(AutogradContext* ctx, const variable_list& saved, int64_t others) {
  return {{saved.begin() + others, saved.end()}, ctx->saved_data["out"].toInt(), ctx->saved_data["in"].toInt()};
}

// y = x Wᵀ + b with a frozen weight that is dequantised for one product at a time.
struct FrozenLinear : public Function<FrozenLinear> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const BaseWeight& weight, const OptionalTensor& bias) {
    save(ctx, {}, weight);
    return gemm(x, weight.dense(x.scalar_type()), bias);
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const BaseWeight weight = savedWeight(ctx, ctx->get_saved_variables(), 0);
    const at::Tensor dy = gradients[0].contiguous();
    return {gemm(dy, weight.dense(dy.scalar_type()).t()), at::Tensor(), at::Tensor()};
  }
};

// y = x Wᵀ + b + s (x B) Aᵀ + (x Q) Pᵀ with A [out, r], B [in, r] and an optional frozen delta P [out, R], Q [in, R]. Saves x
// and x B only, never computes dW. Products with a side of r read the long operand along its rows, which is several times
// faster.
struct LoraLinear : public Function<LoraLinear> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const BaseWeight& weight, const OptionalTensor& bias,
                            const at::Tensor& A, const at::Tensor& B, double scale, const OptionalTensor& P,
                            const OptionalTensor& Q) {
    const auto compute = x.scalar_type();
    const int64_t rank = B.size(1);
    at::Tensor xQB = gemm(x, joined(Q, B.to(compute)));
    const at::Tensor xB = xQB.narrow(1, xQB.size(1) - rank, rank);
    at::Tensor y = gemm(x, weight.dense(compute), bias);
    if (defined(P)) {
      y.addmm_(xQB, joined(P, A.mul(scale).to(compute)));
    } else {
      y.addmm_(xQB, A.to(compute).t(), 1, scale);
    }
    save(ctx, {x, A, B, xB.contiguous(), P.value_or(at::Tensor()), Q.value_or(at::Tensor())}, weight);
    ctx->saved_data["scale"] = scale;
    return y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    auto saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &A = saved[1], &B = saved[2], &xB = saved[3], &P = saved[4], &Q = saved[5];
    const double scale = ctx->saved_data["scale"].toDouble();
    const at::Tensor dy = gradients[0].contiguous();
    const auto compute = x.scalar_type();
    const int64_t rank = B.size(1);
    at::Tensor dxQB = gemm(dy, joined(P, A.to(compute)));
    at::Tensor dxB = dxQB.narrow(1, dxQB.size(1) - rank, rank).mul_(scale).contiguous();
    at::Tensor dx;
    if (ctx->needs_input_grad(0)) {
      dx = gemm(dy, savedWeight(ctx, saved, 6).dense(compute).t());
      dx.addmm_(dxQB, Q.defined() ? joined(Q, B.to(compute)) : B.to(compute).t());
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

at::Tensor loraLinear(const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias, const at::Tensor& A,
                      const at::Tensor& B, double scale, const OptionalTensor& P, const OptionalTensor& Q) {
  checkLinear("lora_linear", x, weight, bias);
  checkFactors("lora_linear", A, B, P, Q, weight.sizes());
  TORCH_CHECK(!weight.requires_grad(), "lora_linear: the base weight and bias must be frozen");
  checkFrozen("lora_linear", bias);
  return LoraLinear::apply(x, BaseWeight{{weight}, weight.size(0), weight.size(1)}, bias, A, B, scale, P, Q);
}

at::Tensor nf4Linear(const at::Tensor& x, const std::vector<at::Tensor>& parts, int64_t out, int64_t in,
                     const OptionalTensor& bias) {
  checkShapes("nf4_linear", x, {out, in}, bias);
  checkFrozen("nf4_linear", bias);
  return FrozenLinear::apply(x, BaseWeight{parts, out, in}, bias);
}

at::Tensor nf4LoraLinear(const at::Tensor& x, const std::vector<at::Tensor>& parts, int64_t out, int64_t in,
                         const OptionalTensor& bias, const at::Tensor& A, const at::Tensor& B, double scale,
                         const OptionalTensor& P, const OptionalTensor& Q) {
  checkShapes("nf4_lora_linear", x, {out, in}, bias);
  checkFactors("nf4_lora_linear", A, B, P, Q, {out, in});
  checkFrozen("nf4_lora_linear", bias);
  return LoraLinear::apply(x, BaseWeight{parts, out, in}, bias, A, B, scale, P, Q);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(scalora, library) {
  library.def("linear(Tensor x, Tensor weight, Tensor? bias=None) -> Tensor", linear);
  library.def("lora_linear(Tensor x, Tensor weight, Tensor? bias, Tensor A, Tensor B, float scale, Tensor? P=None, Tensor? Q=None) -> Tensor",
              loraLinear);
  library.def("nf4_linear(Tensor x, Tensor[] parts, int rows, int columns, Tensor? bias=None) -> Tensor", nf4Linear);
  library.def("nf4_lora_linear(Tensor x, Tensor[] parts, int rows, int columns, Tensor? bias, Tensor A, Tensor B, float scale, "
              "Tensor? P=None, Tensor? Q=None) -> Tensor",
              nf4LoraLinear);
}

}  // namespace scalora
