// Operations on sixteen floats. Functions with SCALORA_CLONES are compiled for several kinds of CPU; the fitting version is
// chosen at load time.
#pragma once
#include <cstdint>
#include <cstring>

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)  // others cannot choose at load time
#define SCALORA_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define SCALORA_CLONES
#endif
#pragma GCC diagnostic ignored "-Wpsabi"  // these functions are inlined: no vector crosses a call

namespace scalora {

constexpr int64_t kLanes = 16;
typedef float Vector __attribute__((vector_size(64), aligned(4)));
typedef int32_t IntVector __attribute__((vector_size(64), aligned(4)));
#define SCALORA_INLINE static inline __attribute__((always_inline))

SCALORA_INLINE Vector load(const float* from) {
  Vector value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

SCALORA_INLINE void store(float* to, Vector value) { std::memcpy(to, &value, sizeof value); }

SCALORA_INLINE Vector larger(Vector a, Vector b) { return a > b ? a : b; }

// Adds halves, so that the additions do not depend on each other.
SCALORA_INLINE float sum(Vector value) {
  typedef float Eight __attribute__((vector_size(32)));
  typedef float Four __attribute__((vector_size(16)));
  Eight eights[2];
  std::memcpy(eights, &value, sizeof value);
  const Eight eight = eights[0] + eights[1];
  Four fours[2];
  std::memcpy(fours, &eight, sizeof eight);
  const Four four = fours[0] + fours[1];
  return (four[0] + four[1]) + (four[2] + four[3]);
}

SCALORA_INLINE float largest(Vector value) {
  float found = value[0];
  for (int i = 1; i < kLanes; ++i) found = value[i] > found ? value[i] : found;
  return found;
}

// e^x for x ≤ 88 to 2 units in the last place; 0 below -87 (Cephes' expf: x = n ln 2 + r, a polynomial in r).
SCALORA_INLINE Vector exponential(Vector x) {
  const Vector rounder = Vector{} + 12582912.0f;  // 1.5 · 2^23: adding it rounds to an integer in the low bits
  const Vector shifted = x * 1.44269504088896341f + rounder;
  const IntVector n = (IntVector)shifted - (IntVector)rounder;
  const Vector whole = shifted - rounder;
  const Vector r = (x - whole * 0.693359375f) - whole * -2.12194440e-4f;
  Vector p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const Vector result = p * (Vector)((n + 127) << 23);
  return x < -87.0f ? Vector{} : result;
}

// tanh x to a few units in the last place (Cephes' tanhf: a polynomial near 0, the exponential elsewhere).
SCALORA_INLINE Vector hyperbolicTangent(Vector x) {
  const Vector size = larger(x, -x), square = x * x;
  const Vector shrunk = exponential(size * -2.0f);
  const Vector far = (1.0f - shrunk) / (1.0f + shrunk);
  Vector p = square * -5.70498872745e-3f + 2.06390887954e-2f;
  p = p * square - 5.37397155531e-2f;
  p = p * square + 1.33314422036e-1f;
  p = p * square - 3.33332819422e-1f;
  return size < 0.625f ? p * square * x + x : x < 0.0f ? -far : far;
}

}  // namespace scalora
