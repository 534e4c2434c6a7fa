// GGUF's quantised blocks, made as ggml's own quantiser makes them, bit for bit: every step rounds to float32, sums are added up
// in order, and nothing is contracted into fused operations.
#pragma once
#include <cstdint>
#include <string_view>

namespace scalora {

struct BlockToQuantise {
  const float* values;
  const float* importance;  // of the block's columns; null: none is known
  float rowMeanSquare;      // of the whole row; used only with an importance
};

struct GgufBlockType {
  std::string_view name;
  int64_t values, bytes;
  void (*quantise)(const BlockToQuantise& block, uint8_t* to);
};

// Null for a name that is not in the list.
const GgufBlockType* findGgufBlockType(std::string_view name);

// As ggml adds it up: in order.
float sumOfSquares(const float* values, int64_t count);

}  // namespace scalora
