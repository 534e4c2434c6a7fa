// The frozen weight of a layer with an adapter: a tensor, or the parts of an NF4 weight.
#pragma once
#include <ATen/core/Tensor.h>

#include <vector>

namespace scalora {

// The parts of an NF4 weight (src/nn/nf4.ts), in this order:
//   packed         uint8 [⌈numel/2⌉]  two codes per byte, the first in the upper half
//   absmax         uint8 [blocks]     code of the largest magnitude of 64 values
//   nested_absmax  float [groups]     scale of 256 absmax values
//   offset         float []           added to the scaled absmax values
//   levels         float [16]         the value of each code
//   scales         float [256]        the value of each code of absmax
using Nf4Parts = std::vector<at::Tensor>;

// The dequantised weight [out, in]; each value is the product of two floats, rounded to `dtype`.
at::Tensor dequantizeNf4(const Nf4Parts& parts, int64_t out, int64_t in, at::ScalarType dtype);

struct BaseWeight {
  std::vector<at::Tensor> parts;  // one dense tensor, or those of NF4
  int64_t out, in;

  // [out, in]: the dense tensor itself, or a dequantised one of the dtype.
  at::Tensor dense(at::ScalarType dtype) const {
    return parts.size() == 1 ? parts[0] : dequantizeNf4(parts, out, in, dtype);
  }
};

}  // namespace scalora
