// x Wᵀ + b for a few rows of x, as in a decoding step: the time is that of reading W once from memory. GEMM libraries read
// several rows of W side by side, which the CPU prefetches at half the speed of one stream or less; here W is read once, in
// memory order. Numbers are float32 or bfloat16, sums float32.
#include "few_rows.h"

#include "rows.h"
#include "short_work.h"

#include <ATen/ATen.h>
#include <ATen/Version.h>

#include <algorithm>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace scalora {
namespace {

constexpr int64_t kTile = 8;  // rows of x at once: their sums and those of two rows of W stay in registers
constexpr int64_t kRowsAtOnce = 16;  // rows of W that stay in the cache for all tiles
constexpr int64_t kAhead = 8192;  // bytes: prefetch distance, for tiles whose arithmetic would delay the reads
constexpr int64_t kBytesAtOnce = 1 << 16;  // of W: the least work for a thread

template <typename T>
struct Product {
  const T *x, *weight, *bias;
  T* out;
  int64_t rows, inner, outs;

  void put(int64_t row, int64_t column, float value) const {
    out[row * outs + column] = value + (bias ? static_cast<float>(bias[column]) : 0);
  }
};

// Multiplies rows [row, row + M) of x by rows [from, to) of W, R of these at a time.
template <int M, int R, typename T>
SCALORA_INLINE int64_t tile(const Product<T>& p, int64_t row, int64_t from, int64_t to) {
  for (; from + R <= to; from += R) {
    const T* weight = p.weight + from * p.inner;
    Vector sums[R][M] = {};
    for (int64_t d = 0; d < p.inner; d += kLanes) {
      Vector weights[R];
#pragma GCC unroll 2
      for (int r = 0; r < R; ++r) {
        weights[r] = load(weight + r * p.inner + d, kLanes);
        if (M > 1) __builtin_prefetch(weight + R * d + r * kLanes + kAhead / static_cast<int64_t>(sizeof(T)), 0, 1);
      }
#pragma GCC unroll 8
      for (int m = 0; m < M; ++m) {
        const Vector values = load(p.x + (row + m) * p.inner + d, kLanes);
#pragma GCC unroll 2
        for (int r = 0; r < R; ++r) sums[r][m] += weights[r] * values;
      }
    }
#pragma GCC unroll 2
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
      for (int m = 0; m < M; ++m) p.put(row + m, from + r, sum(sums[r][m]));
  }
  return from;
}

template <int M, typename T>
SCALORA_INLINE void tiles(const Product<T>& p, int64_t row, int64_t from, int64_t to) {
  tile<M, 1>(p, row, M == 1 ? from : tile<M, 2>(p, row, from, to), to);
}

template <typename T>
SCALORA_INLINE void multiplyRows(const Product<T>& p, int64_t begin, int64_t end) {
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

SCALORA_CLONES void multiplyWide(const Product<float>& p, int64_t begin, int64_t end) { multiplyRows(p, begin, end); }
SCALORA_CLONES void multiplyWide(const Product<c10::BFloat16>& p, int64_t begin, int64_t end) { multiplyRows(p, begin, end); }

#if defined(__x86_64__)
#define SCALORA_PAIRS __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))
using HalfProduct = Product<c10::BFloat16>;

SCALORA_PAIRS inline __m512bh loadPairs(const c10::BFloat16* from, int64_t count) {
  return (__m512bh)_mm512_maskz_loadu_epi16(count >= 2 * kLanes ? ~0u : 0xffffu, from);
}

// The same as `tile`, with an instruction that adds the products of pairs of bfloat16 numbers.
template <int M, int R>
SCALORA_PAIRS int64_t pairsTile(const HalfProduct& p, int64_t row, int64_t from, int64_t to) {
  for (; from + R <= to; from += R) {
    const c10::BFloat16* weight = p.weight + from * p.inner;
    __m512 sums[R][M];
#pragma GCC unroll 2
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
      for (int m = 0; m < M; ++m) sums[r][m] = _mm512_setzero_ps();
    for (int64_t d = 0; d < p.inner; d += 2 * kLanes) {
      __m512bh weights[R];
#pragma GCC unroll 2
      for (int r = 0; r < R; ++r) {
        weights[r] = loadPairs(weight + r * p.inner + d, p.inner - d);
        if (M > 1) __builtin_prefetch(weight + R * d + r * 2 * kLanes + kAhead / 2, 0, 1);
      }
#pragma GCC unroll 8
      for (int m = 0; m < M; ++m) {
        const __m512bh values = loadPairs(p.x + (row + m) * p.inner + d, p.inner - d);
#pragma GCC unroll 2
        for (int r = 0; r < R; ++r) sums[r][m] = _mm512_dpbf16_ps(sums[r][m], weights[r], values);
      }
    }
#pragma GCC unroll 2
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
      for (int m = 0; m < M; ++m) p.put(row + m, from + r, _mm512_reduce_add_ps(sums[r][m]));
  }
  return from;
}

template <int M>
void pairsTiles(const HalfProduct& p, int64_t row, int64_t from, int64_t to) {
  pairsTile<M, 1>(p, row, M == 1 ? from : pairsTile<M, 2>(p, row, from, to), to);
}

void multiplyPairs(const HalfProduct& p, int64_t begin, int64_t end) {
  using Tiles = void (*)(const HalfProduct& p, int64_t row, int64_t from, int64_t to);
  static constexpr Tiles byRows[] = {pairsTiles<1>, pairsTiles<2>, pairsTiles<3>, pairsTiles<4>,
                                     pairsTiles<5>, pairsTiles<6>, pairsTiles<7>, pairsTiles<8>};
  for (int64_t from = begin; from < end; from += kRowsAtOnce)
    for (int64_t row = 0; row < p.rows; row += kTile)
      byRows[std::min(kTile, p.rows - row) - 1](p, row, from, std::min(from + kRowsAtOnce, end));
}

bool multipliesPairs() {
  static const bool does = __builtin_cpu_supports("avx512bf16") && at::get_cpu_capability() == "AVX512";
  return does;
}
#endif

void multiplyRange(const Product<float>& p, int64_t begin, int64_t end) { multiplyWide(p, begin, end); }

void multiplyRange(const Product<c10::BFloat16>& p, int64_t begin, int64_t end) {
#if defined(__x86_64__)
  if (multipliesPairs()) return multiplyPairs(p, begin, end);
#endif
  multiplyWide(p, begin, end);
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

template <typename T>
void multiplyInto(at::Tensor& out, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const Product<T> product{x.const_data_ptr<T>(), weight.const_data_ptr<T>(), bias.defined() ? bias.const_data_ptr<T>() : nullptr,
                           out.mutable_data_ptr<T>(), x.size(0), x.size(1), weight.size(0)};
  const int64_t grain = std::max<int64_t>(1, kBytesAtOnce / static_cast<int64_t>(sizeof(T)) / x.size(1));
  shareShortWork(weight.size(0), grain, [&](int64_t begin, int64_t end) { multiplyRange(product, begin, end); });
}

}  // namespace

bool suitsFewRows(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
  const bool plainBias = !bias || !bias->defined() ||
                         (bias->is_cpu() && bias->scalar_type() == x.scalar_type() && bias->dim() == 1 && bias->size(0) == weight.size(0));
  return x.dim() == 2 && weight.dim() == 2 && hasRows(x) && hasRows(weight) && x.scalar_type() == weight.scalar_type() && plainBias &&
         x.size(0) > 0 && x.size(0) <= mostRows() && x.size(1) == weight.size(1) && x.size(1) > 0 && x.size(1) % kLanes == 0;
}

at::Tensor fewRowsLinear(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
  at::Tensor out = at::empty({x.size(0), weight.size(0)}, x.options());
  const at::Tensor added = bias && bias->defined() ? bias->contiguous() : at::Tensor();
  if (x.scalar_type() == at::kFloat) multiplyInto<float>(out, x, weight, added);
  else multiplyInto<c10::BFloat16>(out, x, weight, added);
  return out;
}

}  // namespace scalora
