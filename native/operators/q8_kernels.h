// Products of rows of int8 numbers and weights in Q8_0, by the instructions that this CPU has.
#pragma once
#include <c10/util/Half.h>

#include <cstdint>

namespace scalora {

constexpr int64_t kQ8Block = 32;  // columns that share a scale
constexpr int64_t kQ8Group = 16;  // rows of the weight that are computed side by side
constexpr int64_t kQ8Tile = 8;    // rows of the input that are computed at once
constexpr int64_t kQ8Four = 4;    // columns that one instruction multiplies and adds
constexpr int64_t kQ8Fours = kQ8Block / kQ8Four;

// Rows of input, in tiles of kQ8Tile rows of which the last may have fewer: for each tile, block and row, 32 codes with one
// scale. The codes of a block are ordered [8][rows][4], so that those which are multiplied together are neighbours.
struct Q8Input {
  const int8_t* codes;
  const float* scales;   // [block][row] in each tile
  const int32_t* starts; // -128 times the sum of the block's codes; ordered as the scales
  int64_t rows;
};

// A weight in Q8_0, in groups of kQ8Group rows: the codes, plus 128, are ordered [group][block][8][16][4], the scales
// [group][block][16]. Each is read once from front to back.
struct Q8Matrix {
  const uint8_t* codes;
  const c10::Half* scales;
  int64_t blocks, outs;
};

// Writes rows of the product for the groups [begin, end) of the weight: out [rows, outs], with bias [outs] unless it is null.
using Q8Multiply = void (*)(const Q8Input& x, const Q8Matrix& weight, const float* bias, float* out, int64_t begin, int64_t end);

// The fastest for this CPU, within ATEN_CPU_CAPABILITY.
Q8Multiply q8Multiply();

}  // namespace scalora
