// scalora::rms_norm: RMSNorm in one pass over each row, forward and backward, in float32 or bfloat16 on the CPU. The backward
// pass keeps the input and one number for each row.
#include "rows.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <cmath>

namespace scalora {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

// y = x r ∘ (w + shift) with r = 1 / √(mean(x²) + ε) for each row: "inverses".
struct Norm {
  int64_t width;
  float epsilon, shift;
};

struct NormForward {
  Norm norm;
  const void *x, *weight;
  void* out;
  float* inverses;
};

template <typename T>
SCALORA_INLINE void forwardRows(const NormForward& pass, int64_t begin, int64_t end) {
  const auto [width, epsilon, shift] = pass.norm;
  const T* weight = static_cast<const T*>(pass.weight);
  for (int64_t row = begin; row < end; ++row) {
    const T* x = static_cast<const T*>(pass.x) + row * width;
    T* out = static_cast<T*>(pass.out) + row * width;
    Vector squares{};
    for (int64_t d = 0; d < width; d += kLanes) {
      const Vector value = load(x + d, width - d);
      squares += value * value;
    }
    const float inverse = 1 / std::sqrt(sum(squares) / static_cast<float>(width) + epsilon);
    if (pass.inverses) pass.inverses[row] = inverse;
    for (int64_t d = 0; d < width; d += kLanes)
      store(out + d, load(x + d, width - d) * inverse * (load(weight + d, width - d) + shift), width - d);
  }
}

SCALORA_CLONES void forwardRows(const NormForward& pass, bool half, int64_t begin, int64_t end) {
  if (half) forwardRows<c10::BFloat16>(pass, begin, end);
  else forwardRows<float>(pass, begin, end);
}

struct NormBackward {
  Norm norm;
  const void *x, *weight, *dout;
  const float* inverses;
  void* dx;
};

// dx = r (g - x r² mean(g x)) with g = dout ∘ (w + shift). Adds dout ∘ x r to `dweight` unless it is null.
template <typename T>
SCALORA_INLINE void backwardRows(const NormBackward& pass, int64_t begin, int64_t end, float* dweight) {
  const auto [width, epsilon, shift] = pass.norm;
  const T* weight = static_cast<const T*>(pass.weight);
  for (int64_t row = begin; row < end; ++row) {
    const T *x = static_cast<const T*>(pass.x) + row * width, *dout = static_cast<const T*>(pass.dout) + row * width;
    T* dx = static_cast<T*>(pass.dx) + row * width;
    const float inverse = pass.inverses[row];
    Vector products{};
    for (int64_t d = 0; d < width; d += kLanes) {
      const Vector along = load(dout + d, width - d) * load(x + d, width - d);
      products += along * (load(weight + d, width - d) + shift);
      if (dweight) store(dweight + d, load(dweight + d, width - d) + along * inverse, width - d);
    }
    const float back = sum(products) / static_cast<float>(width) * inverse * inverse;
    for (int64_t d = 0; d < width; d += kLanes) {
      const Vector g = load(dout + d, width - d) * (load(weight + d, width - d) + shift);
      store(dx + d, (g - load(x + d, width - d) * back) * inverse, width - d);
    }
  }
}

SCALORA_CLONES void backwardRows(const NormBackward& pass, bool half, int64_t begin, int64_t end, float* dweight) {
  if (half) backwardRows<c10::BFloat16>(pass, begin, end, dweight);
  else backwardRows<float>(pass, begin, end, dweight);
}

Norm normOf(const at::Tensor& weight, double epsilon, bool fromOne) {
  return {weight.size(0), static_cast<float>(epsilon), fromOne ? 1.0f : 0.0f};
}

// Writes the inverses of all rows unless `inverses` is undefined.
at::Tensor normalised(const at::Tensor& x, const at::Tensor& weight, const Norm& norm, const at::Tensor& inverses) {
  at::Tensor out = at::empty_like(x);
  const NormForward pass{norm, x.const_data_ptr(), weight.const_data_ptr(), out.mutable_data_ptr(),
                     inverses.defined() ? inverses.mutable_data_ptr<float>() : nullptr};
  at::parallel_for(0, x.numel() / norm.width, grainOf(norm.width), [&](int64_t begin, int64_t end) {
    forwardRows(pass, x.scalar_type() == at::kBFloat16, begin, end);
  });
  return out;
}

struct RmsNorm : public Function<RmsNorm> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& input, const at::Tensor& weight, double epsilon, bool fromOne) {
    const at::Tensor x = input.contiguous(), inverses = at::empty({x.numel() / weight.size(0)}, x.options().dtype(at::kFloat));
    at::Tensor out = normalised(x, weight, normOf(weight, epsilon, fromOne), inverses);
    ctx->save_for_backward({x, weight, inverses});
    ctx->saved_data["epsilon"] = epsilon;
    ctx->saved_data["fromOne"] = fromOne;
    return out;
  }

  // The weight's gradient is summed in blocks of rows that do not depend on the number of threads.
  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &inverses = saved[2], dout = gradients[0].contiguous();
    const int64_t width = weight.size(0), rows = inverses.size(0), block = grainOf(width), blocks = (rows + block - 1) / block;
    const bool needsWeight = ctx->needs_input_grad(1);
    at::Tensor dx = at::empty_like(x), sums = needsWeight ? at::zeros({blocks, width}, inverses.options()) : at::Tensor();
    const Norm norm = normOf(weight, ctx->saved_data["epsilon"].toDouble(), ctx->saved_data["fromOne"].toBool());
    const NormBackward pass{norm, x.const_data_ptr(), weight.const_data_ptr(), dout.const_data_ptr(), inverses.const_data_ptr<float>(),
                        dx.mutable_data_ptr()};
    at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        backwardRows(pass, x.scalar_type() == at::kBFloat16, i * block, std::min(rows, (i + 1) * block),
                     needsWeight ? sums.mutable_data_ptr<float>() + i * width : nullptr);
    });
    return {dx, needsWeight ? sums.sum(0).to(weight.scalar_type()) : at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

// x / √(mean(x²) + epsilon) ∘ w, or ∘ (1 + w), for x [..., width] and w [width].
at::Tensor rmsNorm(const at::Tensor& x, const at::Tensor& weight, double epsilon, bool fromOne) {
  TORCH_CHECK(hasRows(weight) && x.is_cpu() && x.scalar_type() == weight.scalar_type() && x.dim() > 0 && weight.dim() == 1 &&
                  weight.size(0) > 0 && x.size(-1) == weight.size(0),
              "rms_norm: an input ", x.scalar_type(), x.sizes(), " and a weight ", weight.scalar_type(), weight.sizes(),
              " do not fit; expected float32 or bfloat16 on the CPU, [..., width] and [width], no width of 0");
  if (recordsGradients({x, weight})) return RmsNorm::apply(x, weight, epsilon, fromOne);
  return normalised(x.contiguous(), weight, normOf(weight, epsilon, fromOne), at::Tensor());
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(scalora, library) {
  library.def("rms_norm(Tensor x, Tensor weight, float epsilon, bool from_one=False) -> Tensor", rmsNorm);
}

}  // namespace scalora
