// Rows of float32 or bfloat16, read and written as vectors of floats, which all arithmetic is done with. The last vector of a
// row may be a part of one: what is beyond the row is read as 0 and not written.
#pragma once
#include "vectors.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <c10/util/BFloat16.h>

#include <algorithm>

namespace scalora {

constexpr int64_t kElementsAtOnce = 1 << 14;  // the least work for a thread

// How many rows that is.
inline int64_t grainOf(int64_t width) { return std::max<int64_t>(1, kElementsAtOnce / width); }

inline bool hasRows(const at::Tensor& tensor) {
  return tensor.is_cpu() && tensor.is_contiguous() && (tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kBFloat16);
}

// Whether autograd must know of an operator; its node costs more than a decoding step's few rows.
inline bool recordsGradients(at::TensorList tensors) {
  return at::GradMode::is_enabled() && std::any_of(tensors.begin(), tensors.end(), [](const at::Tensor& x) { return x.requires_grad(); });
}

typedef uint16_t HalfVector __attribute__((vector_size(32)));
typedef uint32_t BitVector __attribute__((vector_size(64)));

SCALORA_INLINE Vector widened(HalfVector value) { return (Vector)(__builtin_convertvector(value, BitVector) << 16); }

// Rounds to the nearest, of two equally near to the even one; NaN stays NaN.
SCALORA_INLINE HalfVector rounded(Vector value) {
  const BitVector bits = (BitVector)value, nearest = bits + 0x7fff + ((bits >> 16) & 1);
  return __builtin_convertvector((value == value ? nearest : bits | 0x400000) >> 16, HalfVector);
}

// `count` is how much of the row is left, from here to its end.
SCALORA_INLINE Vector load(const float* from, int64_t count) {
  if (count >= kLanes) return load(from);
  Vector value{};
  std::memcpy(&value, from, count * sizeof(float));
  return value;
}

SCALORA_INLINE void store(float* to, Vector value, int64_t count) {
  if (count >= kLanes) return store(to, value);
  std::memcpy(to, &value, count * sizeof(float));
}

SCALORA_INLINE Vector load(const c10::BFloat16* from, int64_t count) {
  HalfVector value{};
  if (count >= kLanes) std::memcpy(&value, from, sizeof value);
  else std::memcpy(&value, from, count * sizeof(c10::BFloat16));
  return widened(value);
}

SCALORA_INLINE void store(c10::BFloat16* to, Vector value, int64_t count) {
  const HalfVector half = rounded(value);
  if (count >= kLanes) std::memcpy(static_cast<void*>(to), &half, sizeof half);
  else std::memcpy(static_cast<void*>(to), &half, count * sizeof(c10::BFloat16));
}

}  // namespace scalora
