#include "gguf_blocks.h"

#include <c10/util/Half.h>

#include <array>

// A multiplication and an addition that are fused round once instead of twice.
#if defined(__clang__)
#pragma clang fp contract(off)
#elif defined(_MSC_VER)
#pragma fp_contract(off)
#else
#pragma GCC push_options
#pragma GCC optimize("fp-contract=off")
#endif
#include "gguf_fits.h"

namespace scalora {

float sumOfSquares(const float* values, int64_t count) {
  float sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += values[i] * values[i];
  return sum;
}

namespace {

constexpr int kBlock = 32, kSuperBlock = 256, kParts = kSuperBlock / kBlock, kSixBitParts = kSuperBlock / 16;

float putHalf(float value, uint8_t* to) {
  const c10::Half half = value;
  std::memcpy(to, &half, sizeof half);
  return half;
}

using Weights = std::array<float, kBlock>;

// Weights of 32 values that an importance is known of.
Weights importanceWeights(const float* x, const float* importance, float meanSquare) {
  Weights weights;
  for (int i = 0; i < kBlock; ++i) weights[i] = importance[i] * std::sqrt(meanSquare + x[i] * x[i]);
  return weights;
}

// Two codes of four bits in a byte, the first half of the block in the low ones.
void putNibbles(const uint8_t* codes, uint8_t* to) {
  for (int i = 0; i < kBlock / 2; ++i) to[i] = (codes[i] & 15) | ((codes[i + kBlock / 2] & 15) << 4);
}

// Codes of five bits: the fifth bits together, then nibbles.
void putFiveBits(const uint8_t* codes, uint8_t* to) {
  uint32_t fifth = 0;
  for (int i = 0; i < kBlock; ++i) fifth |= static_cast<uint32_t>((codes[i] >> 4) & 1) << i;
  std::memcpy(to, &fifth, sizeof fifth);
  putNibbles(codes, to + sizeof fifth);
}

template <int Half>
void putSymmetricCodes(const uint8_t* codes, uint8_t* to) {
  if constexpr (Half == 8) putNibbles(codes, to);
  else putFiveBits(codes, to);
}

// Q4_0 and Q5_0: the extreme value becomes the code 0.
template <int Half>
void quantiseSymmetric(const BlockToQuantise& block, uint8_t* to) {
  uint8_t codes[kBlock];
  if (block.importance) {
    const Weights weights = importanceWeights(block.values, block.importance, block.rowMeanSquare);
    putHalf(fits::SymmetricFit(block.values, weights.data(), kBlock, Half).fit(codes), to);
  } else {
    const float scale = fits::farthest(block.values, kBlock) / -Half, inverse = scale != 0 ? 1 / scale : 0;
    putHalf(scale, to);
    for (int i = 0; i < kBlock; ++i) {
      const int level = static_cast<int8_t>(fits::lowByte(block.values[i] * inverse + (Half + 0.5f)));
      codes[i] = static_cast<uint8_t>(std::min(2 * Half - 1, level));
    }
  }
  putSymmetricCodes<Half>(codes, to + 2);
}

// Q4_1 and Q5_1: from the smallest value to the largest.
template <int Top>
void quantiseOffset(const BlockToQuantise& block, uint8_t* to) {
  uint8_t codes[kBlock];
  if (block.importance) {
    const Weights weights = importanceWeights(block.values, block.importance, block.rowMeanSquare);
    const auto [scale, minimum] = fits::fitOffset(block.values, weights.data(), Top, {-0.9f, 0.05f, 36}, codes);
    putHalf(scale, to);
    putHalf(-minimum, to + 2);
  } else {
    float minimum = block.values[0], maximum = minimum;  // of 0 and -0, the first
    for (int i = 1; i < kBlock; ++i) {
      if (block.values[i] < minimum) minimum = block.values[i];
      if (block.values[i] > maximum) maximum = block.values[i];
    }
    const float scale = (maximum - minimum) / Top, inverse = scale != 0 ? 1 / scale : 0;
    putHalf(scale, to);
    putHalf(minimum, to + 2);
    for (int i = 0; i < kBlock; ++i) {
      const uint8_t level = fits::lowByte((block.values[i] - minimum) * inverse + 0.5f);
      codes[i] = Top == 15 ? std::min<uint8_t>(Top, level) : level;
    }
  }
  putSymmetricCodes<(Top + 1) / 2>(codes, to + 4);
}

// Scales and minimums of eight parts, six bits each, in twelve bytes.
void putSubScales(const uint8_t* scales, const uint8_t* minimums, uint8_t* to) {
  for (int part = 0; part < 4; ++part) {
    to[part] = scales[part];
    to[part + 4] = minimums[part];
  }
  for (int part = 4; part < kParts; ++part) {
    to[part + 4] = (scales[part] & 15) | ((minimums[part] & 15) << 4);
    to[part - 4] |= (scales[part] >> 4) << 6;
    to[part] |= (minimums[part] >> 4) << 6;
  }
}

uint8_t subScale(const uint8_t* from, int part) {
  return part < 4 ? from[part] & 63 : (from[part + 4] & 15) | ((from[part - 4] >> 6) << 4);
}

uint8_t subMinimum(const uint8_t* from, int part) {
  return part < 4 ? from[part + 4] & 63 : (from[part + 4] >> 4) | ((from[part] >> 6) << 4);
}

struct Parts {
  float scales[kParts], minimums[kParts], weightSums[kParts];
};

Parts fitParts(const BlockToQuantise& block, int top, uint8_t* codes) {
  Parts parts;
  const float* x = block.values;
  const float spread = block.importance ? 2 * sumOfSquares(x, kSuperBlock) / kSuperBlock : 0;
  const fits::Trials plain = top == 15 ? fits::Trials{-1.0f, 0.1f, 20} : fits::Trials{-0.5f, 0.1f, 15};
  const fits::Trials& trials = block.importance ? fits::Trials{-0.9f, 0.05f, 36} : plain;
  for (int part = 0; part < kParts; ++part, x += kBlock, codes += kBlock) {
    Weights weights;
    if (block.importance) {
      weights = importanceWeights(x, block.importance + part * kBlock, spread);
    } else {
      const float size = std::sqrt(sumOfSquares(x, kBlock) / kBlock);
      for (int i = 0; i < kBlock; ++i) weights[i] = size + std::fabs(x[i]);
    }
    float sum = 0;
    for (const float weight : weights) sum += weight;
    const auto [scale, minimum] = fits::fitOffset(x, weights.data(), top, trials, codes);
    parts.scales[part] = scale, parts.minimums[part] = minimum, parts.weightSums[part] = sum;
  }
  return parts;
}

// The largest becomes 63; returns the scale of the codes.
float roundToLargest(const float* values, uint8_t* codes) {
  float largest = 0;
  for (int part = 0; part < kParts; ++part) largest = std::max(largest, values[part]);
  const float inverse = largest > 0 ? 63.0f / largest : 0.0f;
  for (int part = 0; part < kParts; ++part)
    codes[part] = std::min<uint8_t>(63, static_cast<uint8_t>(fits::nearest(inverse * values[part])));
  return largest / 63.0f;
}

// Head of a Q4_K or Q5_K block: scale, minimum, those of the parts; and the codes that fit them best.
template <int Top>
void quantiseParts(const BlockToQuantise& block, uint8_t* to, uint8_t* codes) {
  const Parts parts = fitParts(block, Top, codes);
  uint8_t scales[kParts], minimums[kParts];
  float scale, minimum;
  if (block.importance) {
    scale = fits::PositiveFit(parts.scales, parts.weightSums).fit(scales);
    minimum = fits::PositiveFit(parts.minimums, parts.weightSums).fit(minimums);
    if (Top == 31)  // ggml does so here only; it makes a difference for scales below 0
      for (int part = 0; part < kParts; ++part) {
        scales[part] = std::min<uint8_t>(63, scales[part]);
        minimums[part] = std::min<uint8_t>(63, minimums[part]);
      }
  } else {
    scale = roundToLargest(parts.scales, scales);
    minimum = roundToLargest(parts.minimums, minimums);
  }
  const float storedScale = putHalf(scale, to), storedMinimum = putHalf(minimum, to + 2);
  uint8_t* packed = to + 4;
  putSubScales(scales, minimums, packed);
  for (int part = 0; part < kParts; ++part) {
    const float step = storedScale * subScale(packed, part), low = storedMinimum * subMinimum(packed, part);
    if (step == 0) continue;
    for (int i = part * kBlock; i < (part + 1) * kBlock; ++i)
      codes[i] = static_cast<uint8_t>(std::max(0, std::min(Top, fits::nearest((block.values[i] + low) / step))));
  }
}

// Pairs of parts: the first in the low nibbles, the second in the high ones.
void putNibblesOfParts(const uint8_t* codes, uint8_t* to) {
  for (int pair = 0; pair < kParts / 2; ++pair)
    for (int i = 0; i < kBlock; ++i) {
      const uint8_t* at = codes + pair * 2 * kBlock + i;
      to[pair * kBlock + i] = (at[0] & 15) | ((at[kBlock] & 15) << 4);
    }
}

void quantiseQ4K(const BlockToQuantise& block, uint8_t* to) {
  uint8_t codes[kSuperBlock];
  quantiseParts<15>(block, to, codes);
  putNibblesOfParts(codes, to + 16);
}

void quantiseQ5K(const BlockToQuantise& block, uint8_t* to) {
  uint8_t codes[kSuperBlock];
  quantiseParts<31>(block, to, codes);
  uint8_t* fifth = to + 16;
  std::fill_n(fifth, kBlock, uint8_t{0});
  for (int i = 0; i < kSuperBlock; ++i) fifth[i % kBlock] |= (codes[i] >> 4) << (i / kBlock);
  putNibblesOfParts(codes, to + 48);
}

// Low nibbles, then the two high bits, of two halves with four rows of 32 codes.
void putSixBits(const uint8_t* codes, uint8_t* low, uint8_t* high) {
  for (int half = 0; half < 2; ++half, codes += 128, low += 64, high += 32)
    for (int i = 0; i < 32; ++i) {
      const uint8_t a = codes[i], b = codes[i + 32], c = codes[i + 64], d = codes[i + 96];
      low[i] = (a & 15) | ((c & 15) << 4);
      low[i + 32] = (b & 15) | ((d & 15) << 4);
      high[i] = (a >> 4) | ((b >> 4) << 2) | ((c >> 4) << 4) | ((d >> 4) << 6);
    }
}

void quantiseQ6K(const BlockToQuantise& block, uint8_t* to) {
  uint8_t codes[kSuperBlock];
  float scales[kSixBitParts];
  for (int part = 0; part < kSixBitParts; ++part) {
    const float* weights = block.importance ? block.importance + part * 16 : nullptr;
    scales[part] = fits::SymmetricFit(block.values + part * 16, weights, 16, 32).fit(codes + part * 16);
  }
  const float extreme = fits::farthest(scales, kSixBitParts);
  if (std::fabs(extreme) < fits::kZero) {
    std::fill_n(to, 210, uint8_t{0});
    return;
  }
  const float inverse = -128.0f / extreme, stored = putHalf(1 / inverse, to + 208);
  for (int part = 0; part < kSixBitParts; ++part) {
    const auto code = static_cast<int8_t>(std::min(127, fits::nearest(inverse * scales[part])));
    to[192 + part] = static_cast<uint8_t>(code);
    const float step = stored * code;
    if (step == 0) continue;
    for (int i = part * 16; i < (part + 1) * 16; ++i)
      codes[i] = static_cast<uint8_t>(32 + std::max(-32, std::min(31, fits::nearest(block.values[i] / step))));
  }
  putSixBits(codes, to, to + 128);
}

void quantiseQ80(const BlockToQuantise& block, uint8_t* to) {
  const float scale = std::fabs(fits::farthest(block.values, kBlock)) / 127, inverse = scale != 0 ? 1 / scale : 0;
  putHalf(scale, to);
  for (int i = 0; i < kBlock; ++i) to[2 + i] = fits::lowByte(std::round(block.values[i] * inverse));
}

constexpr std::array<GgufBlockType, 8> kBlockTypes{{
    {"Q4_0", kBlock, 18, quantiseSymmetric<8>},
    {"Q4_1", kBlock, 20, quantiseOffset<15>},
    {"Q5_0", kBlock, 22, quantiseSymmetric<16>},
    {"Q5_1", kBlock, 24, quantiseOffset<31>},
    {"Q8_0", kBlock, 34, quantiseQ80},
    {"Q4_K", kSuperBlock, 144, quantiseQ4K},
    {"Q5_K", kSuperBlock, 176, quantiseQ5K},
    {"Q6_K", kSuperBlock, 210, quantiseQ6K},
}};

}  // namespace

const GgufBlockType* findGgufBlockType(std::string_view name) {
  const auto* found = std::find_if(kBlockTypes.begin(), kBlockTypes.end(), [name](const GgufBlockType& type) { return type.name == name; });
  return found == kBlockTypes.end() ? nullptr : found;
}

}  // namespace scalora

#if defined(__clang__)
#pragma clang fp contract(on)  // as for all that is compiled after this file
#elif !defined(_MSC_VER)
#pragma GCC pop_options
#endif
