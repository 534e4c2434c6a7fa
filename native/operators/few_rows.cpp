// x Wᵀ + b for a few rows of x, as in a decoding step: the time is that of reading W once from memory. GEMM libraries read
// several rows of W side by side, which the CPU prefetches at half the speed of one stream or less; here W is read once, in
// memory order.
#include "few_rows.h"

#include "vectors.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

namespace scalora {
namespace {

constexpr int64_t kTile = 8;  // rows of x at once: their sums and those of two rows of W stay in registers
constexpr int64_t kRowsAtOnce = 16;  // rows of W that stay in the cache for all tiles
constexpr int64_t kAhead = 8192 / sizeof(float);  // prefetch distance, for tiles whose arithmetic would delay the reads
constexpr int64_t kBytesAtOnce = 1 << 16;  // of W: the least work for a thread

struct Product {
  const float *x, *weight, *bias;
  float* out;
  int64_t rows, inner, outs;
};

// Multiplies rows [row, row + M) of x by rows [from, to) of W, R of these at a time.
template <int M, int R>
SCALORA_INLINE int64_t tile(const Product& p, int64_t row, int64_t from, int64_t to) {
  for (; from + R <= to; from += R) {
    const float* weight = p.weight + from * p.inner;
    Vector sums[R][M] = {};
    for (int64_t d = 0; d < p.inner; d += kLanes) {
      Vector weights[R];
#pragma GCC unroll 2
      for (int r = 0; r < R; ++r) {
        weights[r] = load(weight + r * p.inner + d);
        if (M > 1) __builtin_prefetch(weight + R * d + r * kLanes + kAhead, 0, 1);
      }
#pragma GCC unroll 8
      for (int m = 0; m < M; ++m) {
        const Vector values = load(p.x + (row + m) * p.inner + d);
#pragma GCC unroll 2
        for (int r = 0; r < R; ++r) sums[r][m] += weights[r] * values;
      }
    }
#pragma GCC unroll 2
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
      for (int m = 0; m < M; ++m)
        p.out[(row + m) * p.outs + from + r] = sum(sums[r][m]) + (p.bias ? p.bias[from + r] : 0);
  }
  return from;
}

template <int M>
SCALORA_INLINE void tiles(const Product& p, int64_t row, int64_t from, int64_t to) {
  tile<M, 1>(p, row, M == 1 ? from : tile<M, 2>(p, row, from, to), to);
}

SCALORA_CLONES void multiply(const Product& p, int64_t begin, int64_t end) {
  for (int64_t from = begin; from < end; from += kRowsAtOnce) {
    const int64_t to = std::min(from + kRowsAtOnce, end);
    for (int64_t row = 0; row < p.rows; row += kTile) {
      switch (std::min(kTile, p.rows - row)) {
        case 1: tiles<1>(p, row, from, to); break;
        case 2: tiles<2>(p, row, from, to); break;
        case 3: tiles<3>(p, row, from, to); break;
        case 4: tiles<4>(p, row, from, to); break;
        case 5: tiles<5>(p, row, from, to); break;
        case 6: tiles<6>(p, row, from, to); break;
        case 7: tiles<7>(p, row, from, to); break;
        default: tiles<kTile>(p, row, from, to);
      }
    }
  }
}

// The number of rows up to which this is faster than MKL and oneDNN: one in general, where reading W takes most of the time;
// with AVX-512, whose registers hold a tile's sums, as measured on one CPU (Zen 4).
int64_t mostRows() {
#if defined(__x86_64__)
  static const int64_t most = __builtin_cpu_supports("avx512f") ? 32 : 1;
  return most;
#else
  return 1;
#endif
}

bool isPlain(const at::Tensor& tensor) {
  return tensor.dim() == 2 && tensor.scalar_type() == at::kFloat && tensor.is_cpu() && tensor.is_contiguous();
}

}  // namespace

bool suitsFewRows(const at::Tensor& x, const at::Tensor& weight) {
  return isPlain(x) && isPlain(weight) && x.size(0) > 0 && x.size(0) <= mostRows() && x.size(1) == weight.size(1) &&
         x.size(1) > 0 && x.size(1) % kLanes == 0;
}

at::Tensor fewRowsLinear(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
  at::Tensor out = at::empty({x.size(0), weight.size(0)}, x.options());
  const at::Tensor added = bias && bias->defined() ? bias->contiguous() : at::Tensor();
  const Product product{x.const_data_ptr<float>(), weight.const_data_ptr<float>(),
                        added.defined() ? added.const_data_ptr<float>() : nullptr, out.mutable_data_ptr<float>(),
                        x.size(0), x.size(1), weight.size(0)};
  const int64_t grain = std::max<int64_t>(1, kBytesAtOnce / static_cast<int64_t>(sizeof(float)) / x.size(1));
  at::parallel_for(0, weight.size(0), grain, [&](int64_t begin, int64_t end) { multiply(product, begin, end); });
  return out;
}

}  // namespace scalora
