// Dequantises NF4 weights (QLoRA, arXiv 2305.14314), bit for bit as bitsandbytes: blocks of 64 values, whose largest
// magnitudes are themselves quantised to 8 bits in blocks of 256.
#include "base_weight.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/library.h>

namespace scalora {
namespace {

constexpr int64_t kBlockValues = 64;    // values that share a scale
constexpr int64_t kGroup = 256;   // scales that share a second scale
constexpr int64_t kGrain = 1024;  // blocks: the least work for a thread

int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

void check(const Nf4Parts& parts, int64_t out, int64_t in) {
  TORCH_CHECK(parts.size() == 6, "nf4: ", parts.size(), " parts; expected packed, absmax, nested_absmax, offset, levels, scales");
  const int64_t blocks = ceilDiv(out * in, kBlockValues);
  const at::Tensor &packed = parts[0], &absmax = parts[1], &nested = parts[2];
  TORCH_CHECK(packed.scalar_type() == at::kByte && packed.is_contiguous() && packed.numel() == ceilDiv(out * in, 2) &&
                  absmax.scalar_type() == at::kByte && absmax.numel() == blocks && nested.numel() == ceilDiv(blocks, kGroup) &&
                  parts[4].numel() == 16 && parts[4].is_contiguous() && parts[5].numel() == 256,
              "nf4: ", packed.numel(), " bytes of codes with ", absmax.numel(), " scales do not make a weight of shape [", out,
              ", ", in, "]");
}

// The scales of the blocks, [blocks].
at::Tensor blockScales(const Nf4Parts& parts) {
  const at::Tensor &absmax = parts[1], &nested = parts[2], &offset = parts[3], &scales = parts[5];
  const at::Tensor groups = nested.repeat_interleave(kGroup).narrow(0, 0, absmax.numel());
  return scales.index_select(0, absmax.to(at::kInt)).mul_(groups).add_(offset);
}

template <typename T>
void dequantizeBlocks(const uint8_t* packed, const float* scales, const float* levels, T* out, int64_t numel, int64_t begin,
                      int64_t end) {
  for (int64_t block = begin; block < end; ++block) {
    T values[16];
    for (int code = 0; code < 16; ++code) values[code] = static_cast<T>(levels[code] * scales[block]);
    const int64_t first = block * kBlockValues, last = std::min(first + kBlockValues, numel);
    for (int64_t i = first; i + 1 < last; i += 2) {
      const uint8_t both = packed[i / 2];
      out[i] = values[both >> 4];
      out[i + 1] = values[both & 15];
    }
    if (last % 2 == 1) out[last - 1] = values[packed[last / 2] >> 4];
  }
}

template <typename T>
void dequantizeOnCpu(const Nf4Parts& parts, at::Tensor& out) {
  const at::Tensor scales = blockScales(parts);
  const auto *packed = parts[0].const_data_ptr<uint8_t>();
  const auto *levels = parts[4].const_data_ptr<float>(), *scale = scales.const_data_ptr<float>();
  T* to = out.mutable_data_ptr<T>();
  at::parallel_for(0, scales.numel(), kGrain, [&](int64_t begin, int64_t end) {
    dequantizeBlocks<T>(packed, scale, levels, to, out.numel(), begin, end);
  });
}

// The same on any device, by libtorch's operators: the two values of each byte are looked up together.
at::Tensor dequantizeAnywhere(const Nf4Parts& parts, int64_t out, int64_t in, at::ScalarType dtype) {
  const at::Tensor &packed = parts[0], &levels = parts[4], scales = blockScales(parts).unsqueeze(1);
  const at::Tensor pairs = at::stack({levels.repeat_interleave(16), levels.repeat(16)}, 1);
  at::Tensor values = pairs.index_select(0, packed.to(at::kInt)).flatten();
  const int64_t missing = scales.numel() * kBlockValues - values.numel();
  if (missing > 0) values = at::constant_pad_nd(values, {0, missing});
  return values.view({-1, kBlockValues}).mul_(scales).to(dtype).flatten().narrow(0, 0, out * in).view({out, in});
}

at::Tensor dequantize(const std::vector<at::Tensor>& parts, int64_t out, int64_t in, at::ScalarType dtype) {
  return dequantizeNf4(parts, out, in, dtype);
}

}  // namespace

at::Tensor dequantizeNf4(const Nf4Parts& parts, int64_t out, int64_t in, at::ScalarType dtype) {
  check(parts, out, in);
  if (!parts[0].is_cpu() || (dtype != at::kFloat && dtype != at::kBFloat16)) return dequantizeAnywhere(parts, out, in, dtype);
  at::Tensor result = at::empty({out, in}, parts[0].options().dtype(dtype));
  if (dtype == at::kFloat) dequantizeOnCpu<float>(parts, result);
  else dequantizeOnCpu<at::BFloat16>(parts, result);
  return result;
}

TORCH_LIBRARY_FRAGMENT(scalora, library) {
  library.def("nf4_dequantize(Tensor[] parts, int rows, int columns, ScalarType dtype) -> Tensor", dequantize);
}

}  // namespace scalora
