// The searches behind GGUF's blocks: a scale (and a minimum) whose rounded codes come nearest to the values. The steps, their
// order and their rounding are those of ggml-quants.c, because the files are to be equal.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace scalora {
namespace fits {

constexpr float kZero = 1e-15f;  // groups whose largest value is below are zero

// Rounds to the nearest integer, halves to the even one, for |x| < 2^22; what is larger gives other numbers, but always the same.
inline int32_t nearest(float x) {
  const float shifted = x + 12582912.0f;
  int32_t bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  return (bits & 0x007fffff) - 0x00400000;
}

// The low byte of the integer part; 0 where there is none (not a number, or beyond 32 bits).
inline uint8_t lowByte(float x) {
  return x > -2147483648.0f && x < 2147483648.0f ? static_cast<uint8_t>(static_cast<int32_t>(x)) : 0;
}

// The first value with the largest magnitude.
inline float farthest(const float* x, int count) {
  float magnitude = 0, value = 0;
  for (int i = 0; i < count; ++i)
    if (std::fabs(x[i]) > magnitude) magnitude = std::fabs(x[i]), value = x[i];
  return value;
}

struct Moments {
  float valueCode = 0, codeCode = 0;
};

// x ≈ scale · (code − half), codes of 0 to 2 · half − 1.
class SymmetricFit {
 public:
  // Without weights, values weigh their squares.
  SymmetricFit(const float* x, const float* weights, int count, int half) : x_(x), weights_(weights), count_(count), half_(half) {}

  float fit(uint8_t* codes) const {
    const float extreme = farthest(x_, count_);
    if (std::fabs(extreme) < kZero) {
      std::fill_n(codes, count_, uint8_t{0});
      return 0;
    }
    float inverse = -half_ / extreme;
    const Moments first = moments(inverse);
    write(inverse, codes);
    float scale = first.codeCode != 0 ? first.valueCode / first.codeCode : 0.0f, best = scale * first.valueCode;
    for (int step = -9; step <= 9; ++step) {
      if (step == 0) continue;
      inverse = -(half_ + 0.1f * step) / extreme;
      const Moments tried = moments(inverse);
      if (!(tried.codeCode > 0 && tried.valueCode * tried.valueCode > best * tried.codeCode)) continue;
      write(inverse, codes);
      scale = tried.valueCode / tried.codeCode;
      best = scale * tried.valueCode;
    }
    return scale;
  }

 private:
  int code(float inverse, int i) const { return std::max(-half_, std::min(half_ - 1, nearest(inverse * x_[i]))); }

  Moments moments(float inverse) const {
    Moments sums;
    for (int i = 0; i < count_; ++i) {
      const int level = code(inverse, i);
      const float weight = weights_ ? weights_[i] : x_[i] * x_[i];
      sums.valueCode += weight * x_[i] * level;
      sums.codeCode += weight * level * level;
    }
    return sums;
  }

  void write(float inverse, uint8_t* codes) const {
    for (int i = 0; i < count_; ++i) codes[i] = static_cast<uint8_t>(half_ + code(inverse, i));
  }

  const float *x_, *weights_;
  int count_, half_;
};

// How many scales an OffsetFit tries: (first + step · i + top) / range, for i of 0 to `last`.
struct Trials {
  float first, step;
  int last;
};

// x ≈ scale · code − minimum, for 32 values, codes of 0 to `top`, and minimum ≥ 0.
struct OffsetFit {
  static constexpr int kCount = 32;
  float scale, minimum;
};

inline float offsetError(const float* x, const float* weights, const uint8_t* codes, float scale, float low) {
  float error = 0;
  for (int i = 0; i < OffsetFit::kCount; ++i) {
    const float difference = scale * codes[i] + low - x[i];
    error += weights[i] * (difference * difference);
  }
  return error;
}

struct OffsetSums {
  float codes = 0, squares = 0, products = 0;
};

inline OffsetSums offsetCodes(const float* x, const float* weights, float inverse, float low, int top, uint8_t* codes) {
  OffsetSums sums;
  for (int i = 0; i < OffsetFit::kCount; ++i) {
    const int level = std::max(0, std::min(top, nearest(inverse * (x[i] - low))));
    codes[i] = static_cast<uint8_t>(level);
    sums.codes += weights[i] * level;
    sums.squares += weights[i] * level * level;
    sums.products += weights[i] * level * x[i];
  }
  return sums;
}

inline OffsetFit fitOffset(const float* x, const float* weights, int top, const Trials& trials, uint8_t* codes) {
  constexpr int count = OffsetFit::kCount;
  float low = x[0], high = x[0], weightSum = weights[0], valueSum = weightSum * x[0];
  for (int i = 1; i < count; ++i) {
    if (x[i] < low) low = x[i];
    if (x[i] > high) high = x[i];
    weightSum += weights[i];
    valueSum += weights[i] * x[i];
  }
  if (low > 0) low = 0;
  if (high <= low) {
    std::fill_n(codes, count, uint8_t{0});
    return {0, -low};
  }
  const float lowest = low, inverse = top / (high - lowest);
  float scale = 1 / inverse;
  offsetCodes(x, weights, inverse, lowest, top, codes);
  float best = offsetError(x, weights, codes, scale, low);
  uint8_t tried[count];
  for (int i = 0; i <= trials.last; ++i) {
    // As in ggml, the minimum found so far takes part in the next trial.
    const OffsetSums sums = offsetCodes(x, weights, (trials.first + trials.step * i + top) / (high - low), low, top, tried);
    const float determinant = weightSum * sums.squares - sums.codes * sums.codes;
    if (!(determinant > 0)) continue;
    float nextScale = (weightSum * sums.products - valueSum * sums.codes) / determinant;
    float nextLow = (sums.squares * valueSum - sums.codes * sums.products) / determinant;
    if (nextLow > 0) nextLow = 0, nextScale = sums.products / sums.squares;
    const float error = offsetError(x, weights, tried, nextScale, nextLow);
    if (!(error < best)) continue;
    std::copy_n(tried, count, codes);
    best = error, scale = nextScale, low = nextLow;
  }
  return {scale, -low};
}

// Eight scales that are ≥ 0 in codes of 0 to 63 with one scale.
class PositiveFit {
 public:
  static constexpr int kCount = 8, kTop = 63;

  PositiveFit(const float* x, const float* weights) : x_(x), weights_(weights) {}

  float fit(uint8_t* codes) const {
    float largest = 0;
    for (int i = 0; i < kCount; ++i) largest = std::max(largest, x_[i]);
    if (largest < kZero) {
      std::fill_n(codes, kCount, uint8_t{0});
      return 0;
    }
    Moments sums = firstCodes(bestInverse(largest, codes), codes);
    for (int round = 0; round < 5 && improve(&sums, codes); ++round) {
    }
    return sums.codeCode > 0 ? sums.valueCode / sums.codeCode : 0.0f;
  }

 private:
  float bestInverse(float largest, uint8_t* codes) const {
    float inverse = kTop / largest;
    const float scale = 1 / inverse;
    float best = 0;
    for (int i = 0; i < kCount; ++i) {
      codes[i] = static_cast<uint8_t>(nearest(inverse * x_[i]));
      const float difference = x_[i] - scale * codes[i];
      best += weights_[i] * difference * difference;
    }
    for (int step = -4; step <= 4; ++step) {
      if (step == 0) continue;
      const float tried = (0.1f * step + kTop) / largest, error = errorOf(tried);
      if (error < best) best = error, inverse = tried;
    }
    return inverse;
  }

  float errorOf(float inverse) const {
    const float scale = 1 / inverse;
    float error = 0;
    for (int i = 0; i < kCount; ++i) {
      const float difference = x_[i] - scale * std::min(kTop, nearest(inverse * x_[i]));
      error += weights_[i] * difference * difference;
    }
    return error;
  }

  Moments firstCodes(float inverse, uint8_t* codes) const {
    Moments sums;
    for (int i = 0; i < kCount; ++i) {
      const int level = std::min(kTop, nearest(inverse * x_[i]));
      codes[i] = static_cast<uint8_t>(level);
      sums.valueCode += weights_[i] * x_[i] * level;
      sums.codeCode += weights_[i] * level * level;
    }
    return sums;
  }

  // Moves one code after another to where it fits the others' scale best; whether any moved.
  bool improve(Moments* sums, uint8_t* codes) const {
    bool changed = false;
    for (int i = 0; i < kCount; ++i) {
      const float weight = weights_[i];
      float valueCode = sums->valueCode - weight * x_[i] * codes[i], codeCode = sums->codeCode - weight * codes[i] * codes[i];
      if (!(valueCode > 0 && codeCode > 0)) continue;
      const int level = std::min(kTop, nearest(x_[i] * codeCode / valueCode));
      if (level == codes[i]) continue;
      valueCode += weight * x_[i] * level;
      codeCode += weight * level * level;
      if (!(valueCode * valueCode * sums->codeCode > sums->valueCode * sums->valueCode * codeCode)) continue;
      codes[i] = static_cast<uint8_t>(level);
      *sums = {valueCode, codeCode};
      changed = true;
    }
    return changed;
  }

  const float *x_, *weights_;
};

}  // namespace fits
}  // namespace scalora
