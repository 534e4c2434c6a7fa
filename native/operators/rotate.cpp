// scalora::rotate: rotary position embeddings in one pass, forward and backward, in float32 or bfloat16 on the CPU. The
// backward pass keeps the cosines and sines, which all layers share, and nothing of the input.
#include "rotate.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

namespace scalora {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

// Rows of heads; those of one token have the same cosines and sines [T, width]. The sine that a half of x is multiplied by
// is that of the half it is added to; transposed, as in the backward pass, it is that of the half it comes from.
struct Rotation {
  const void* x;
  const float *cosines, *sines;
  void* out;
  int64_t heads, half;
  bool transposed;
};

template <typename T>
SCALORA_INLINE void rotateRows(const Rotation& pass, int64_t begin, int64_t end) {
  const int64_t half = pass.half, width = 2 * half;
  for (int64_t row = begin; row < end; ++row) {
    const float *cosine = pass.cosines + row / pass.heads * width, *sine = pass.sines + row / pass.heads * width;
    const float *toFirst = pass.transposed ? sine + half : sine, *toSecond = pass.transposed ? sine : sine + half;
    rotateHead(static_cast<const T*>(pass.x) + row * width, cosine, toFirst, toSecond, static_cast<T*>(pass.out) + row * width, half);
  }
}

SCALORA_CLONES void rotateRows(const Rotation& pass, bool half, int64_t begin, int64_t end) {
  if (half) rotateRows<c10::BFloat16>(pass, begin, end);
  else rotateRows<float>(pass, begin, end);
}

at::Tensor rotated(const at::Tensor& input, const at::Tensor& cosines, const at::Tensor& sines, bool transposed) {
  const at::Tensor x = input.contiguous();
  at::Tensor out = at::empty_like(x);
  const int64_t heads = x.size(1), width = x.size(2);
  const Rotation pass{x.const_data_ptr(), cosines.const_data_ptr<float>(), sines.const_data_ptr<float>(), out.mutable_data_ptr(),
                      heads, width / 2, transposed};
  at::parallel_for(0, x.size(0) * heads, grainOf(width), [&](int64_t begin, int64_t end) {
    rotateRows(pass, x.scalar_type() == at::kBFloat16, begin, end);
  });
  return out;
}

struct Rotate : public Function<Rotate> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& cosines, const at::Tensor& sines) {
    ctx->save_for_backward({cosines, sines});
    return rotated(x, cosines, sines, false);
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    return {rotated(gradients[0], saved[0], saved[1], true), at::Tensor(), at::Tensor()};
  }
};

// x [T, heads, width]; each token's cosines and sines [T, 1, width], the sines of the first half negated.
at::Tensor rotate(const at::Tensor& x, const at::Tensor& cosines, const at::Tensor& sines) {
  const auto isTable = [](const at::Tensor& table) { return hasRows(table) && table.scalar_type() == at::kFloat; };
  TORCH_CHECK(isTable(cosines) && isTable(sines) && x.is_cpu() &&
                  (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) && x.dim() == 3 && cosines.dim() == 3 &&
                  cosines.sizes() == sines.sizes() && cosines.size(0) == x.size(0) && cosines.size(1) == 1 &&
                  cosines.size(2) == x.size(2) && x.size(2) > 0 && x.size(2) % 2 == 0,
              "rotate: an input ", x.scalar_type(), x.sizes(), " does not fit cosines ", cosines.scalar_type(), cosines.sizes(),
              " and sines ", sines.scalar_type(), sines.sizes(),
              "; expected float32 or bfloat16 on the CPU, [T, heads, width], and float32 twice, [T, 1, width], the width even and not 0");
  TORCH_CHECK(!cosines.requires_grad() && !sines.requires_grad(), "rotate: cosines and sines have no gradients");
  return recordsGradients({x}) ? Rotate::apply(x, cosines, sines) : rotated(x, cosines, sines, false);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(scalora, library) {
  library.def("rotate(Tensor x, Tensor cosines, Tensor sines) -> Tensor", rotate);
}

}  // namespace scalora
