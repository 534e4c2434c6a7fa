// scalora::act_and_mul: the gate of an MLP, act(gate) ∘ up, in one pass, forward and backward, in float32 or bfloat16 on the
// CPU. The backward pass keeps gate and up, and computes the activation again. An activation is g σ(z) with
// z = linear g + cubic g³: SiLU, the approximation of GELU by tanh (1 + tanh u = 2 σ(2u)), and the quick GELU.
// Elements do not depend on each other, so those of bfloat16 are taken as they lie, two in 32 bits, without sorting them.
#include "rows.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

namespace scalora {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

struct Activation {
  float linear, cubic;
};

constexpr int64_t kPair = 2 * kLanes;

// Thirty-two elements. Of the last ones of a tensor, `count`, what is beyond is read as 0 and not written.
struct Pair {
  Vector first, second;
};

SCALORA_INLINE Pair loadPair(const float* from, int64_t count) {
  return {load(from, count), count > kLanes ? load(from + kLanes, count - kLanes) : Vector{}};
}

SCALORA_INLINE void storePair(float* to, const Pair& value, int64_t count) {
  store(to, value.first, count);
  if (count > kLanes) store(to + kLanes, value.second, count - kLanes);
}

SCALORA_INLINE Pair loadPair(const c10::BFloat16* from, int64_t count) {
  BitVector bits{};
  if (count >= kPair) std::memcpy(&bits, from, sizeof bits);
  else std::memcpy(&bits, from, count * sizeof(c10::BFloat16));
  return {(Vector)(bits << 16), (Vector)(bits & 0xffff0000)};
}

// The bits of the nearest bfloat16, and others below them. A NaN stays one: it comes from a bfloat16, so its other bits are 0.
SCALORA_INLINE BitVector nearest(Vector value) {
  const BitVector bits = (BitVector)value;
  return bits + 0x7fff + ((bits >> 16) & 1);
}

SCALORA_INLINE void storePair(c10::BFloat16* to, const Pair& value, int64_t count) {
  const BitVector bits = nearest(value.first) >> 16 | (nearest(value.second) & 0xffff0000);
  if (count >= kPair) std::memcpy(static_cast<void*>(to), &bits, sizeof bits);
  else std::memcpy(static_cast<void*>(to), &bits, count * sizeof(c10::BFloat16));
}

// σ(z), 1 - σ(z) and dz/dg, without cancellation.
struct Slope {
  Vector on, off, steepness;
};

template <bool isCubic>
SCALORA_INLINE Slope slopeAt(Vector gate, Activation activation) {
  const Vector square = gate * gate, limit = Vector{} + 87.0f;  // e^87 is finite
  const Vector minus = isCubic ? gate * (square * -activation.cubic - activation.linear) : gate * -activation.linear;
  const Vector power = exponential(minus < limit ? minus : limit), on = 1.0f / (1.0f + power);
  return {on, power * on, isCubic ? square * (3 * activation.cubic) + activation.linear : Vector{} + activation.linear};
}

struct GateForward {
  Activation activation;
  const void *gate, *up;
  void* out;
};

template <bool isCubic>
SCALORA_INLINE Vector forwardVector(Vector gate, Vector up, Activation activation) {
  return gate * slopeAt<isCubic>(gate, activation).on * up;
}

template <typename T, bool isCubic>
SCALORA_INLINE void forwardRange(const GateForward& pass, int64_t begin, int64_t end) {
  const T *gate = static_cast<const T*>(pass.gate), *up = static_cast<const T*>(pass.up);
  T* out = static_cast<T*>(pass.out);
  for (int64_t i = begin; i < end; i += kPair) {
    const Pair g = loadPair(gate + i, end - i), u = loadPair(up + i, end - i);
    const Vector first = forwardVector<isCubic>(g.first, u.first, pass.activation);
    storePair(out + i, {first, forwardVector<isCubic>(g.second, u.second, pass.activation)}, end - i);
  }
}

template <typename T>
SCALORA_INLINE void forwardRange(const GateForward& pass, int64_t begin, int64_t end) {
  if (pass.activation.cubic == 0) forwardRange<T, false>(pass, begin, end);
  else forwardRange<T, true>(pass, begin, end);
}

SCALORA_CLONES void forwardRange(const GateForward& pass, bool half, int64_t begin, int64_t end) {
  if (half) forwardRange<c10::BFloat16>(pass, begin, end);
  else forwardRange<float>(pass, begin, end);
}

struct GateBackward {
  Activation activation;
  const void *gate, *up, *dout;
  void *dgate, *dup;
};

struct GateGradients {
  Vector gate, up;
};

// d act / d gate = σ + g σ (1 - σ) dz/dg.
template <bool isCubic>
SCALORA_INLINE GateGradients backwardVector(Vector gate, Vector up, Vector dout, Activation activation) {
  const Slope slope = slopeAt<isCubic>(gate, activation);
  const Vector along = dout * slope.on;
  return {along * up * (gate * slope.off * slope.steepness + 1.0f), along * gate};
}

template <typename T, bool isCubic>
SCALORA_INLINE void backwardRange(const GateBackward& pass, int64_t begin, int64_t end) {
  const T *gate = static_cast<const T*>(pass.gate), *up = static_cast<const T*>(pass.up), *dout = static_cast<const T*>(pass.dout);
  T *dgate = static_cast<T*>(pass.dgate), *dup = static_cast<T*>(pass.dup);
  for (int64_t i = begin; i < end; i += kPair) {
    const Pair g = loadPair(gate + i, end - i), u = loadPair(up + i, end - i), d = loadPair(dout + i, end - i);
    const GateGradients first = backwardVector<isCubic>(g.first, u.first, d.first, pass.activation);
    const GateGradients second = backwardVector<isCubic>(g.second, u.second, d.second, pass.activation);
    storePair(dgate + i, {first.gate, second.gate}, end - i);
    storePair(dup + i, {first.up, second.up}, end - i);
  }
}

template <typename T>
SCALORA_INLINE void backwardRange(const GateBackward& pass, int64_t begin, int64_t end) {
  if (pass.activation.cubic == 0) backwardRange<T, false>(pass, begin, end);
  else backwardRange<T, true>(pass, begin, end);
}

SCALORA_CLONES void backwardRange(const GateBackward& pass, bool half, int64_t begin, int64_t end) {
  if (half) backwardRange<c10::BFloat16>(pass, begin, end);
  else backwardRange<float>(pass, begin, end);
}

at::Tensor activated(const at::Tensor& gate, const at::Tensor& up, Activation activation) {
  at::Tensor out = at::empty_like(gate);
  const GateForward pass{activation, gate.const_data_ptr(), up.const_data_ptr(), out.mutable_data_ptr()};
  at::parallel_for(0, gate.numel(), kElementsAtOnce, [&](int64_t begin, int64_t end) {
    forwardRange(pass, gate.scalar_type() == at::kBFloat16, begin, end);
  });
  return out;
}

Activation activationOf(double linear, double cubic) { return {static_cast<float>(linear), static_cast<float>(cubic)}; }

struct ActAndMul : public Function<ActAndMul> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& gates, const at::Tensor& ups, double linear, double cubic) {
    const at::Tensor gate = gates.contiguous(), up = ups.contiguous();
    at::Tensor out = activated(gate, up, activationOf(linear, cubic));
    ctx->save_for_backward({gate, up});
    ctx->saved_data["linear"] = linear;
    ctx->saved_data["cubic"] = cubic;
    return out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &gate = saved[0], &up = saved[1], dout = gradients[0].contiguous();
    at::Tensor dgate = at::empty_like(gate), dup = at::empty_like(up);
    const Activation activation = activationOf(ctx->saved_data["linear"].toDouble(), ctx->saved_data["cubic"].toDouble());
    const GateBackward pass{activation, gate.const_data_ptr(), up.const_data_ptr(), dout.const_data_ptr(), dgate.mutable_data_ptr(),
                        dup.mutable_data_ptr()};
    at::parallel_for(0, gate.numel(), kElementsAtOnce, [&](int64_t begin, int64_t end) {
      backwardRange(pass, gate.scalar_type() == at::kBFloat16, begin, end);
    });
    return {dgate, dup, at::Tensor(), at::Tensor()};
  }
};

// gate σ(linear gate + cubic gate³) ∘ up, for gate and up of one shape.
at::Tensor actAndMul(const at::Tensor& gate, const at::Tensor& up, double linear, double cubic) {
  TORCH_CHECK(gate.is_cpu() && up.is_cpu() && gate.scalar_type() == up.scalar_type() &&
                  (gate.scalar_type() == at::kFloat || gate.scalar_type() == at::kBFloat16) && gate.sizes() == up.sizes(),
              "act_and_mul: a gate ", gate.scalar_type(), gate.sizes(), " and an input ", up.scalar_type(), up.sizes(),
              " do not fit; expected two of one shape, float32 or bfloat16 on the CPU");
  if (recordsGradients({gate, up})) return ActAndMul::apply(gate, up, linear, cubic);
  return activated(gate.contiguous(), up.contiguous(), activationOf(linear, cubic));
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(scalora, library) {
  library.def("act_and_mul(Tensor gate, Tensor up, float linear, float cubic) -> Tensor", actAndMul);
}

}  // namespace scalora
