// The frozen weight that an adapter is put on: a tensor, or the codes of an NF4 one.
#pragma once
#include <ATen/core/Tensor.h>

#include <vector>

namespace scalora {

// What an NF4 weight is made of (src/nn/nf4.ts), in this order:
//   packed         uint8 [⌈numel/2⌉]  two codes a byte, the first in the upper half
//   absmax         uint8 [blocks]     code of the largest magnitude of 64 numbers
//   nested_absmax  float [groups]     what 256 of these codes are multiplied by
//   offset         float []           what is added to them
//   levels         float [16]         the number of each code
//   scales         float [256]        the number of each code of absmax
using Nf4Parts = std::vector<at::Tensor>;

// The numbers [out, in] that the codes stand for, each the product of two floats rounded to `dtype`.
at::Tensor dequantizeNf4(const Nf4Parts& parts, int64_t out, int64_t in, at::ScalarType dtype);

struct BaseWeight {
  std::vector<at::Tensor> parts;  // one dense tensor, or those of NF4
  int64_t out, in;

  // [out, in]: the tensor itself, or a new one of the dtype.
  at::Tensor dense(at::ScalarType dtype) const {
    return parts.size() == 1 ? parts[0] : dequantizeNf4(parts, out, in, dtype);
  }
};

}  // namespace scalora
