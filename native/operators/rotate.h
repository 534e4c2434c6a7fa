// Rotary position embeddings of one head.
#pragma once
#include "rows.h"

namespace scalora {

// x [2 half] ∘ cosine + the halves of x exchanged ∘ (toFirst | toSecond)
template <typename T>
SCALORA_INLINE void rotateHead(const T* x, const float* cosine, const float* toFirst, const float* toSecond, T* out, int64_t half) {
  for (int64_t d = 0; d < half; d += kLanes) {
    const int64_t left = half - d;
    const Vector a = load(x + d, left), b = load(x + half + d, left);
    store(out + d, a * load(cosine + d, left) + b * load(toFirst + d, left), left);
    store(out + half + d, b * load(cosine + half + d, left) + a * load(toSecond + d, left), left);
  }
}

}  // namespace scalora
