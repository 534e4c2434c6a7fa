// RMS norm and RoPE of a decoder in one pass each, for fp32 on the CPU without gradients. A decoding step has few rows, for
// which calling an ATen operator takes longer than its arithmetic.
#include "vectors.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>

namespace scalora {
namespace {

constexpr int64_t kElementsAtOnce = 1 << 14;  // the least work for a thread

int64_t grainOf(int64_t width) { return std::max<int64_t>(1, kElementsAtOnce / width); }

bool isPlain(const at::Tensor& tensor) {
  return tensor.is_cpu() && tensor.scalar_type() == at::kFloat && tensor.is_contiguous();
}

void checkNoGradients(const char* name, at::TensorList tensors) {
  if (!at::GradMode::is_enabled()) return;
  for (const at::Tensor& tensor : tensors) TORCH_CHECK(!tensor.requires_grad(), name, ": it records no gradients");
}

SCALORA_CLONES void normRow(const float* x, const float* weight, int64_t width, float epsilon, float shift, float* out) {
  const int64_t whole = width / kLanes * kLanes;
  Vector squares{};
  for (int64_t d = 0; d < whole; d += kLanes) squares += load(x + d) * load(x + d);
  float total = sum(squares);
  for (int64_t d = whole; d < width; ++d) total += x[d] * x[d];
  const float scale = 1 / std::sqrt(total / static_cast<float>(width) + epsilon);
  for (int64_t d = 0; d < whole; d += kLanes) store(out + d, load(x + d) * scale * (load(weight + d) + shift));
  for (int64_t d = whole; d < width; ++d) out[d] = x[d] * scale * (weight[d] + shift);
}

// x / sqrt(mean(x²) + epsilon) ∘ w, or ∘ (1 + w), for x [..., width] and w [width].
at::Tensor rmsNorm(const at::Tensor& input, const at::Tensor& weight, double epsilon, bool fromOne) {
  const at::Tensor x = input.contiguous();
  TORCH_CHECK(isPlain(x) && isPlain(weight) && x.dim() > 0 && weight.dim() == 1 && weight.size(0) > 0 &&
                  x.size(-1) == weight.size(0),
              "rms_norm: an input of shape ", x.sizes(), " and a weight of shape ", weight.sizes(),
              " do not fit; expected float32 on the CPU, [..., width] and [width], no width of 0");
  checkNoGradients("rms_norm", {input, weight});
  at::Tensor out = at::empty_like(x);
  const int64_t width = weight.size(0);
  at::parallel_for(0, x.numel() / width, grainOf(width), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      normRow(x.const_data_ptr<float>() + row * width, weight.const_data_ptr<float>(), width, static_cast<float>(epsilon),
              fromOne ? 1 : 0, out.mutable_data_ptr<float>() + row * width);
  });
  return out;
}

// One half of a head: x ∘ cos + other ∘ sin.
SCALORA_CLONES void rotateHalf(const float* x, const float* other, const float* cosine, const float* sine, int64_t half, float* out) {
  int64_t d = 0;
  for (; d + kLanes <= half; d += kLanes) store(out + d, load(x + d) * load(cosine + d) + load(other + d) * load(sine + d));
  for (; d < half; ++d) out[d] = x[d] * cosine[d] + other[d] * sine[d];
}

// x [T, heads, width], each token's cosines and sines [T, 1, width], the sines of the first half negated.
at::Tensor rotate(const at::Tensor& input, const at::Tensor& cosines, const at::Tensor& sines) {
  const at::Tensor x = input.contiguous();
  TORCH_CHECK(isPlain(x) && isPlain(cosines) && isPlain(sines) && x.dim() == 3 && cosines.dim() == 3 &&
                  cosines.sizes() == sines.sizes() && cosines.size(0) == x.size(0) && cosines.size(1) == 1 &&
                  cosines.size(2) == x.size(2) && x.size(2) > 0 && x.size(2) % 2 == 0,
              "rotate: an input of shape ", x.sizes(), " does not fit cosines of shape ", cosines.sizes(), " and sines of shape ",
              sines.sizes(), "; expected float32 on the CPU, [T, heads, width] and twice [T, 1, width], the width even and not 0");
  checkNoGradients("rotate", {input});
  at::Tensor out = at::empty_like(x);
  const int64_t heads = x.size(1), width = x.size(2), half = width / 2;
  at::parallel_for(0, x.size(0) * heads, grainOf(width), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float *from = x.const_data_ptr<float>() + row * width, *cosine = cosines.const_data_ptr<float>() + row / heads * width,
                  *sine = sines.const_data_ptr<float>() + row / heads * width;
      float* to = out.mutable_data_ptr<float>() + row * width;
      rotateHalf(from, from + half, cosine, sine, half, to);
      rotateHalf(from + half, from, cosine + half, sine + half, half, to + half);
    }
  });
  return out;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(scalora, library) {
  library.def("rms_norm(Tensor x, Tensor weight, float epsilon, bool from_one=False) -> Tensor", rmsNorm);
  library.def("rotate(Tensor x, Tensor cosines, Tensor sines) -> Tensor", rotate);
}

}  // namespace scalora
