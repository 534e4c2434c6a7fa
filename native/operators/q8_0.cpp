// Weights in Q8_0, GGUF's blocks of 32 columns with one scale: packing for the products, looking rows up, and linear
// layers without gradients. Inputs are quantised in the same way, with a scale in float32, and multiplied as integers.
#include "huge_pages.h"
#include "q8_kernels.h"
#include "rows.h"
#include "short_work.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <tuple>
#include <vector>

namespace scalora {
namespace {

constexpr int64_t kQ8BlockBytes = 2 + kQ8Block;  // in a GGUF file: the scale, the codes
constexpr int64_t kQ8BytesAtOnce = 1 << 16;      // of a weight: the least work for a thread

int64_t q8GroupCount(int64_t rows) { return (rows + kQ8Group - 1) / kQ8Group; }

int64_t q8Grain(int64_t columns) { return std::max<int64_t>(1, kQ8BytesAtOnce / (kQ8Group * columns)); }

// Where a code of a packed weight is, for a row and a column of a weight with `blocks` blocks in a row.
int64_t q8CodeIndex(int64_t row, int64_t column, int64_t blocks) {
  const int64_t block = row / kQ8Group * blocks + column / kQ8Block, four = column % kQ8Block / kQ8Four;
  return ((block * kQ8Fours + four) * kQ8Group + row % kQ8Group) * kQ8Four + column % kQ8Four;
}

int64_t q8ScaleIndex(int64_t row, int64_t block, int64_t blocks) {
  return (row / kQ8Group * blocks + block) * kQ8Group + row % kQ8Group;
}

// Codes and scales as Q8Matrix has them, of the bytes of a GGUF file; rows that fill the last group are 0.
std::tuple<at::Tensor, at::Tensor> q8Pack(const at::Tensor& bytes) {
  TORCH_CHECK(bytes.is_cpu() && bytes.dim() == 2 && bytes.scalar_type() == at::kByte && bytes.size(1) % kQ8BlockBytes == 0,
              "q8_pack: expected bytes [out, blocks * 34] on the CPU, got ", bytes.scalar_type(), bytes.sizes());
  const at::Tensor source = bytes.contiguous();
  const int64_t rows = source.size(0), blocks = source.size(1) / kQ8BlockBytes, groups = q8GroupCount(rows);
  at::Tensor codes = zerosInHugePages({groups, blocks, kQ8Fours, kQ8Group, kQ8Four}, at::kByte).fill_(128);
  at::Tensor scales = zerosInHugePages({groups, blocks, kQ8Group}, at::kHalf);
  const uint8_t* from = source.const_data_ptr<uint8_t>();
  uint8_t* code = codes.mutable_data_ptr<uint8_t>();
  c10::Half* scale = scales.mutable_data_ptr<c10::Half>();
  at::parallel_for(0, groups, q8Grain(std::max<int64_t>(1, blocks * kQ8Block)), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin * kQ8Group; row < std::min(end * kQ8Group, rows); ++row)
      for (int64_t block = 0; block < blocks; ++block) {
        const uint8_t* at = from + (row * blocks + block) * kQ8BlockBytes;
        std::memcpy(scale + q8ScaleIndex(row, block, blocks), at, sizeof(c10::Half));
        for (int64_t i = 0; i < kQ8Block; ++i) code[q8CodeIndex(row, block * kQ8Block + i, blocks)] = at[2 + i] ^ 0x80;
      }
  });
  return {codes, scales};
}

void checkQ8(const char* name, const at::Tensor& codes, const at::Tensor& scales, int64_t out, int64_t in) {
  TORCH_CHECK(codes.is_cpu() && scales.is_cpu() && codes.scalar_type() == at::kByte && scales.scalar_type() == at::kHalf &&
                  codes.is_contiguous() && scales.is_contiguous() && out >= 0 && in >= 0 && in % kQ8Block == 0 &&
                  codes.numel() == q8GroupCount(out) * kQ8Group * in && scales.numel() * kQ8Block == codes.numel(),
              name, ": codes ", codes.scalar_type(), codes.sizes(), " and scales ", scales.scalar_type(), scales.sizes(),
              " are not those of a weight [", out, ", ", in, "] on the CPU");
}

template <typename T>
void dequantiseRow(const Q8Matrix& weight, int64_t row, T* out) {
  for (int64_t block = 0; block < weight.blocks; ++block) {
    const float scale = weight.scales[q8ScaleIndex(row, block, weight.blocks)];
    for (int64_t i = block * kQ8Block; i < (block + 1) * kQ8Block; ++i)
      out[i] = static_cast<T>(scale * static_cast<float>(weight.codes[q8CodeIndex(row, i, weight.blocks)] - 128));
  }
}

Q8Matrix matrixOf(const at::Tensor& codes, const at::Tensor& scales, int64_t out, int64_t in) {
  return {codes.const_data_ptr<uint8_t>(), scales.const_data_ptr<c10::Half>(), in / kQ8Block, out};
}

// The rows of a weight that `rows` (int64 [T]) names, dequantised: [T, in], float32 or bfloat16.
at::Tensor q8Embedding(const at::Tensor& codes, const at::Tensor& scales, int64_t out, int64_t in, const at::Tensor& rows,
                       at::ScalarType dtype) {
  checkQ8("q8_embedding", codes, scales, out, in);
  TORCH_CHECK(rows.is_cpu() && rows.scalar_type() == at::kLong && rows.dim() == 1 && (dtype == at::kFloat || dtype == at::kBFloat16),
              "q8_embedding: expected int64 [T] on the CPU and float32 or bfloat16, got ", rows.scalar_type(), rows.sizes(), " and ", dtype);
  const at::Tensor wanted = rows.contiguous();
  const int64_t* row = wanted.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < wanted.numel(); ++i)
    TORCH_CHECK_INDEX(row[i] >= 0 && row[i] < out, "q8_embedding: row ", row[i], " of a weight with ", out);
  at::Tensor result = at::empty({wanted.numel(), in}, codes.options().dtype(dtype));
  const Q8Matrix weight = matrixOf(codes, scales, out, in);
  at::parallel_for(0, wanted.numel(), grainOf(std::max<int64_t>(in, 1)), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      if (dtype == at::kFloat) dequantiseRow(weight, row[i], result.mutable_data_ptr<float>() + i * in);
      else dequantiseRow(weight, row[i], result.mutable_data_ptr<c10::BFloat16>() + i * in);
    }
  });
  return result;
}

// Rows of input as Q8Input has them. A block with a number that is not finite gets a scale that is not.
struct Q8Rows {
  std::vector<int8_t> codes;
  std::vector<float> scales;
  std::vector<int32_t> starts;
  int64_t rows, blocks;
};

typedef int8_t ByteVector __attribute__((vector_size(16)));

SCALORA_CLONES void quantiseInputRow(const float* x, int64_t row, Q8Rows* to) {
  const int64_t first = row / kQ8Tile * kQ8Tile, width = std::min(kQ8Tile, to->rows - first), place = row - first;
  for (int64_t block = 0; block < to->blocks; ++block) {
    const Vector low = load(x + block * kQ8Block), high = load(x + block * kQ8Block + kLanes);
    const float amax = largest(larger(larger(low, -low), larger(high, -high)));
    const float inverse = amax > 0 ? 127 / amax : 0;
    const Vector rounder = Vector{} + 12582912.0f;  // 1.5 · 2^23: adding it rounds to an integer in the low bits
    const IntVector codes[2] = {(IntVector)(low * inverse + rounder) - (IntVector)rounder,
                                (IntVector)(high * inverse + rounder) - (IntVector)rounder};
    const int64_t at = first * to->blocks + block * width + place;
    to->scales[at] = amax / 127 + sum((low + high) * 0.0f);
    const IntVector both = codes[0] + codes[1];
    int32_t total = 0;
    for (int64_t i = 0; i < kLanes; ++i) total += both[i];
    const ByteVector bytes[2] = {__builtin_convertvector(codes[0], ByteVector), __builtin_convertvector(codes[1], ByteVector)};
    int8_t ordered[kQ8Block];
    std::memcpy(ordered, bytes, sizeof ordered);
    int8_t* out = to->codes.data() + (first * to->blocks + block * width) * kQ8Block + place * kQ8Four;
    for (int64_t four = 0; four < kQ8Fours; ++four)
      std::memcpy(out + four * width * kQ8Four, ordered + four * kQ8Four, kQ8Four);
    to->starts[at] = -128 * total;
  }
}

Q8Rows quantiseInput(const at::Tensor& x) {
  const int64_t rows = x.size(0), in = x.size(1), blocks = in / kQ8Block;
  Q8Rows result{std::vector<int8_t>(rows * in), std::vector<float>(rows * blocks), std::vector<int32_t>(rows * blocks), rows, blocks};
  const float* from = x.const_data_ptr<float>();
  at::parallel_for(0, rows, grainOf(std::max<int64_t>(in, 1)), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) quantiseInputRow(from + row * in, row, &result);
  });
  return result;
}

// x Wᵀ + b for x [rows, in] in float32 or bfloat16, which the result has too.
at::Tensor q8Linear(const at::Tensor& x, const at::Tensor& codes, const at::Tensor& scales, int64_t out, const std::optional<at::Tensor>& bias) {
  TORCH_CHECK(x.is_cpu() && x.dim() == 2 && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16),
              "q8_linear: expected float32 or bfloat16 [rows, in] on the CPU, got ",
              x.scalar_type(), x.sizes());
  checkQ8("q8_linear", codes, scales, out, x.size(1));
  const bool biased = bias && bias->defined();
  TORCH_CHECK(!biased || (bias->is_cpu() && bias->dim() == 1 && bias->size(0) == out), "q8_linear: a bias of shape ",
              biased ? bias->sizes() : at::IntArrayRef(), " does not fit a weight with ", out, " rows");
  TORCH_CHECK(!recordsGradients(biased ? at::TensorList{x, *bias} : at::TensorList{x}),
              "q8_linear: weights in Q8_0 have no gradients: use them within noGrad");
  const Q8Rows rows = quantiseInput(x.to(at::kFloat).contiguous());
  const Q8Input input{rows.codes.data(), rows.scales.data(), rows.starts.data(), rows.rows};
  const at::Tensor added = biased ? bias->to(at::kFloat).contiguous() : at::Tensor();
  at::Tensor result = at::empty({x.size(0), out}, x.options().dtype(at::kFloat));
  float* to = result.mutable_data_ptr<float>();
  const float* from = biased ? added.const_data_ptr<float>() : nullptr;
  const Q8Matrix weight = matrixOf(codes, scales, out, x.size(1));
  shareShortWork(q8GroupCount(out), q8Grain(std::max<int64_t>(1, x.size(1))), [&](int64_t begin, int64_t end) {
    q8Multiply()(input, weight, from, to, begin, end);
  });
  return result.to(x.scalar_type());
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(scalora, library) {
  library.def("q8_pack(Tensor bytes) -> (Tensor, Tensor)", q8Pack);
  library.def("q8_embedding(Tensor codes, Tensor scales, int rows, int columns, Tensor tokens, ScalarType dtype) -> Tensor", q8Embedding);
  library.def("q8_linear(Tensor x, Tensor codes, Tensor scales, int rows, Tensor? bias=None) -> Tensor", q8Linear);
}

}  // namespace scalora
