// A block's 32 products are summed exactly, in integers; the sums of blocks are scaled and added in float32. Lanes of vectors are
// rows of the weight, so that a sum is scaled once for a block and never added up across lanes.
#include "q8_kernels.h"

#include <ATen/Version.h>

#include <algorithm>
#include <cstring>
#include <string>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace scalora {
namespace {

constexpr int64_t kAheadQ8 = 4096;  // bytes: prefetch distance for several rows of x, as measured on one CPU (Zen 4)

// Where the codes, scales and starts of a tile begin.
struct Q8TileInput {
  const int8_t* codes;
  const float* scales;
  const int32_t* starts;
};

Q8TileInput tileOf(const Q8Input& x, int64_t row, int64_t blocks) {
  return {x.codes + row * blocks * kQ8Block, x.scales + row * blocks, x.starts + row * blocks};
}

void storeSums(const float* sums, int64_t count, int64_t first, const Q8Matrix& weight, const float* bias, float* out) {
  const int64_t left = std::min(count, weight.outs - first);
  for (int64_t i = 0; i < left; ++i) out[first + i] = sums[i] + (bias ? bias[first + i] : 0);
}

#if defined(__x86_64__)
#define SCALORA_Q8_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#define SCALORA_Q8_AVX2 __attribute__((target("avx2,fma,f16c")))

// M rows of x by one group of the weight, with the products of unsigned and signed bytes of AVX-512 VNNI.
template <int M>
SCALORA_Q8_VNNI void vnniTile(const Q8TileInput& x, const Q8Matrix& weight, int64_t group, const float* bias, float* out) {
  const uint8_t* codes = weight.codes + group * weight.blocks * kQ8Group * kQ8Block;
  const c10::Half* scales = weight.scales + group * weight.blocks * kQ8Group;
  __m512 sums[M];
#pragma GCC unroll 8
  for (int m = 0; m < M; ++m) sums[m] = _mm512_setzero_ps();
  for (int64_t block = 0; block < weight.blocks; ++block) {
    __m512i products[M];
#pragma GCC unroll 8
    for (int m = 0; m < M; ++m) products[m] = _mm512_set1_epi32(x.starts[block * M + m]);
    const int8_t* values = x.codes + block * kQ8Block * M;
#pragma GCC unroll 8
    for (int four = 0; four < kQ8Fours; ++four) {
      const __m512i weights = _mm512_loadu_si512(codes + block * kQ8Group * kQ8Block + four * 64);
      if (M > 1) _mm_prefetch(reinterpret_cast<const char*>(codes + block * kQ8Group * kQ8Block + four * 64 + kAheadQ8), _MM_HINT_T0);
#pragma GCC unroll 8
      for (int m = 0; m < M; ++m) {
        int32_t both;
        std::memcpy(&both, values + (four * M + m) * kQ8Four, sizeof both);
        products[m] = _mm512_dpbusd_epi32(products[m], weights, _mm512_set1_epi32(both));
      }
    }
    const __m512 scale = _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(scales + block * kQ8Group)));
#pragma GCC unroll 8
    for (int m = 0; m < M; ++m)
      sums[m] = _mm512_fmadd_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(products[m]), scale), _mm512_set1_ps(x.scales[block * M + m]), sums[m]);
  }
  const int64_t left = std::min(kQ8Group, weight.outs - group * kQ8Group);
  const __mmask16 mask = static_cast<__mmask16>((1u << left) - 1);
  const __m512 added = bias ? _mm512_maskz_loadu_ps(mask, bias + group * kQ8Group) : _mm512_setzero_ps();
#pragma GCC unroll 8
  for (int m = 0; m < M; ++m)
    _mm512_mask_storeu_ps(out + m * weight.outs + group * kQ8Group, mask, _mm512_add_ps(sums[m], added));
}

// At most four rows of x by half a group of the weight. AVX2 multiplies unsigned by signed bytes, and would saturate at the sum of
// two products of 255 and 127: so the codes' magnitudes are multiplied by x with the codes' signs.
template <int M>
SCALORA_Q8_AVX2 void avx2Part(const Q8TileInput& x, int64_t width, int64_t from, const Q8Matrix& weight, int64_t group,
                              int64_t half, const float* bias, float* out) {
  const uint8_t* codes = weight.codes + group * weight.blocks * kQ8Group * kQ8Block + half * 32;
  const c10::Half* scales = weight.scales + group * weight.blocks * kQ8Group + half * 8;
  const __m256i middle = _mm256_set1_epi8(static_cast<char>(0x80)), ones = _mm256_set1_epi16(1);
  __m256 sums[M];
#pragma GCC unroll 4
  for (int m = 0; m < M; ++m) sums[m] = _mm256_setzero_ps();
  for (int64_t block = 0; block < weight.blocks; ++block) {
    __m256i products[M];
#pragma GCC unroll 4
    for (int m = 0; m < M; ++m) products[m] = _mm256_setzero_si256();
    for (int four = 0; four < kQ8Fours; ++four) {
      const auto* at = reinterpret_cast<const __m256i*>(codes + block * kQ8Group * kQ8Block + four * 64);
      const __m256i weights = _mm256_xor_si256(_mm256_loadu_si256(at), middle), sizes = _mm256_abs_epi8(weights);
#pragma GCC unroll 4
      for (int m = 0; m < M; ++m) {
        int32_t both;
        std::memcpy(&both, x.codes + (block * kQ8Fours + four) * width * kQ8Four + (from + m) * kQ8Four, sizeof both);
        const __m256i pairs = _mm256_maddubs_epi16(sizes, _mm256_sign_epi8(_mm256_set1_epi32(both), weights));
        products[m] = _mm256_add_epi32(products[m], _mm256_madd_epi16(pairs, ones));
      }
    }
    const __m256 scale = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(scales + block * kQ8Group)));
#pragma GCC unroll 4
    for (int m = 0; m < M; ++m)
      sums[m] = _mm256_fmadd_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(products[m]), scale),
                                _mm256_set1_ps(x.scales[block * width + from + m]), sums[m]);
  }
  for (int m = 0; m < M; ++m) {
    float values[8];
    _mm256_storeu_ps(values, sums[m]);
    storeSums(values, 8, group * kQ8Group + half * 8, weight, bias, out + (from + m) * weight.outs);
  }
}

template <int M>
void avx2Tile(const Q8TileInput& x, const Q8Matrix& weight, int64_t group, const float* bias, float* out) {
  constexpr int rest = M % 4;
  for (int64_t half = 0; half < 2; ++half) {
    if constexpr (M >= 4) avx2Part<4>(x, M, 0, weight, group, half, bias, out);
    if constexpr (M >= 8) avx2Part<4>(x, M, 4, weight, group, half, bias, out);
    if constexpr (rest > 0) avx2Part<rest>(x, M, M - rest, weight, group, half, bias, out);
  }
}
#endif

#if defined(__aarch64__)
inline int32x4_t dotFours(int32x4_t sum, int8x16_t a, int8x16_t b) {
#if defined(__ARM_FEATURE_DOTPROD)
  return vdotq_s32(sum, a, b);
#else
  const int16x8_t low = vmull_s8(vget_low_s8(a), vget_low_s8(b)), high = vmull_s8(vget_high_s8(a), vget_high_s8(b));
  return vaddq_s32(sum, vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high)));
#endif
}

// M rows of x by a quarter of a group at a time.
template <int M>
void neonTile(const Q8TileInput& x, const Q8Matrix& weight, int64_t group, const float* bias, float* out) {
  for (int64_t quarter = 0; quarter < 4; ++quarter) {
    const uint8_t* codes = weight.codes + group * weight.blocks * kQ8Group * kQ8Block + quarter * 16;
    const c10::Half* scales = weight.scales + group * weight.blocks * kQ8Group + quarter * 4;
    float32x4_t sums[M];
    for (int m = 0; m < M; ++m) sums[m] = vdupq_n_f32(0);
    for (int64_t block = 0; block < weight.blocks; ++block) {
      int32x4_t products[M];
      for (int m = 0; m < M; ++m) products[m] = vdupq_n_s32(0);
      for (int four = 0; four < kQ8Fours; ++four) {
        const uint8x16_t shifted = vld1q_u8(codes + block * kQ8Group * kQ8Block + four * 64);
        const int8x16_t weights = vreinterpretq_s8_u8(veorq_u8(shifted, vdupq_n_u8(0x80)));
#pragma GCC unroll 8
        for (int m = 0; m < M; ++m) {
          int32_t both;
          std::memcpy(&both, x.codes + ((block * kQ8Fours + four) * M + m) * kQ8Four, sizeof both);
          products[m] = dotFours(products[m], weights, vreinterpretq_s8_s32(vdupq_n_s32(both)));
        }
      }
      const c10::Half* halves = scales + block * kQ8Group;
      const float four[4] = {halves[0], halves[1], halves[2], halves[3]};
      const float32x4_t scale = vld1q_f32(four);
#pragma GCC unroll 8
      for (int m = 0; m < M; ++m)
        sums[m] = vfmaq_n_f32(sums[m], vmulq_f32(vcvtq_f32_s32(products[m]), scale), x.scales[block * M + m]);
    }
    for (int m = 0; m < M; ++m) {
      float values[4];
      vst1q_f32(values, sums[m]);
      storeSums(values, 4, group * kQ8Group + quarter * 4, weight, bias, out + m * weight.outs);
    }
  }
}
#endif

// Anywhere.
template <int M>
void plainTile(const Q8TileInput& x, const Q8Matrix& weight, int64_t group, const float* bias, float* out) {
  for (int m = 0; m < M; ++m) {
    float sums[kQ8Group] = {};
    for (int64_t block = 0; block < weight.blocks; ++block) {
      int32_t products[kQ8Group] = {};
      for (int four = 0; four < kQ8Fours; ++four) {
        const uint8_t* codes = weight.codes + ((group * weight.blocks + block) * kQ8Fours + four) * kQ8Group * kQ8Four;
        const int8_t* values = x.codes + ((block * kQ8Fours + four) * M + m) * kQ8Four;
        for (int i = 0; i < kQ8Group; ++i)
          for (int k = 0; k < kQ8Four; ++k) products[i] += (codes[i * kQ8Four + k] - 128) * values[k];
      }
      const c10::Half* scales = weight.scales + (group * weight.blocks + block) * kQ8Group;
      for (int i = 0; i < kQ8Group; ++i)
        sums[i] += static_cast<float>(products[i]) * static_cast<float>(scales[i]) * x.scales[block * M + m];
    }
    storeSums(sums, kQ8Group, group * kQ8Group, weight, bias, out + m * weight.outs);
  }
}

using Q8Tile = void (*)(const Q8TileInput& x, const Q8Matrix& weight, int64_t group, const float* bias, float* out);

// Each group stays in the cache for all tiles. `tiles[m - 1]` computes m rows of x.
void q8Groups(const Q8Tile (&tiles)[kQ8Tile], const Q8Input& x, const Q8Matrix& weight, const float* bias, float* out,
              int64_t begin, int64_t end) {
  for (int64_t group = begin; group < end; ++group)
    for (int64_t row = 0; row < x.rows; row += kQ8Tile)
      tiles[std::min(kQ8Tile, x.rows - row) - 1](tileOf(x, row, weight.blocks), weight, group, bias, out + row * weight.outs);
}

#define SCALORA_Q8_MULTIPLY(name, tile)                                                                                         \
  void name(const Q8Input& x, const Q8Matrix& weight, const float* bias, float* out, int64_t begin, int64_t end) {              \
    static constexpr Q8Tile tiles[] = {tile<1>, tile<2>, tile<3>, tile<4>, tile<5>, tile<6>, tile<7>, tile<8>};                 \
    q8Groups(tiles, x, weight, bias, out, begin, end);                                                                          \
  }
SCALORA_Q8_MULTIPLY(q8Plain, plainTile)
#if defined(__x86_64__)
SCALORA_Q8_MULTIPLY(q8Vnni, vnniTile)
SCALORA_Q8_MULTIPLY(q8Avx2, avx2Tile)
#elif defined(__aarch64__)
SCALORA_Q8_MULTIPLY(q8Neon, neonTile)
#endif
#undef SCALORA_Q8_MULTIPLY

Q8Multiply fittingQ8Multiply() {
  const std::string capability = at::get_cpu_capability();
#if defined(__x86_64__)
  if (capability == "AVX512" && __builtin_cpu_supports("avx512vnni")) return q8Vnni;
  if (capability == "AVX512" || capability == "AVX2") return q8Avx2;
#elif defined(__aarch64__)
  return q8Neon;
#endif
  return q8Plain;
}

}  // namespace

Q8Multiply q8Multiply() {
  static const Q8Multiply chosen = fittingQ8Multiply();
  return chosen;
}

}  // namespace scalora
