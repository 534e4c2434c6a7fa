// RMSNorm on the second device: libtorch's fused operator, whose kernels are those of GPUs. Without it libtorch writes the norm out,
// which keeps more for the backward pass than a GPU does.
#include "second_graph.h"

#include <ATen/ATen.h>
#include <torch/library.h>

#include <array>
#include <limits>
#include <tuple>
#include <vector>

namespace scalora {
namespace {

using OptionalTensor = std::optional<at::Tensor>;

int64_t rowsOf(const at::Tensor& input, at::IntArrayRef shape) {
  TORCH_CHECK(shape.size() == 1 && input.size(-1) == shape[0], "only norms over the last dimension are supported");
  return input.dim() - 1;
}

std::tuple<at::Tensor, at::Tensor> normForward(const at::Tensor& input, at::IntArrayRef shape, const OptionalTensor& weight,
                                           std::optional<double> epsilon) {
  rowsOf(input, shape);
  const double added = epsilon.value_or(std::numeric_limits<float>::epsilon());
  const at::Tensor x = onHost(input);
  const at::Tensor scale = x.to(at::kFloat).square().mean(-1, true).add(added).rsqrt();
  return {onSecond(at::rms_norm(x, shape, weight ? OptionalTensor(onHost(*weight)) : weight, added)), onSecond(scale)};
}

std::tuple<at::Tensor, at::Tensor> normBackward(const at::Tensor& gradient, const at::Tensor& input, at::IntArrayRef shape,
                                            const at::Tensor& scale, const OptionalTensor& weight, std::array<bool, 2> wanted) {
  const int64_t rows = rowsOf(input, shape);
  const at::Tensor given = onHost(gradient).to(at::kFloat), root = onHost(scale);
  const at::Tensor normed = onHost(input).to(at::kFloat) * root;
  std::tuple<at::Tensor, at::Tensor> result;
  if (wanted[0]) {
    const at::Tensor weighted = weight ? given * onHost(*weight) : given;
    const at::Tensor along = normed * (weighted * normed).mean(-1, true);
    std::get<0>(result) = onSecond(((weighted - along) * root).to(input.scalar_type()));
  }
  if (wanted[1] && weight) {
    std::vector<int64_t> leading;
    for (int64_t i = 0; i < rows; ++i) leading.push_back(i);
    std::get<1>(result) = onSecond((given * normed).sum(leading).to(weight->scalar_type()));
  }
  return result;
}

}  // namespace

void registerSecondNorm() {
  static torch::Library kernels(torch::Library::IMPL, "aten", c10::DispatchKey::PrivateUse1, __FILE__, __LINE__);
  kernels.impl("_fused_rms_norm", &Recorded<&normForward>::call);
  kernels.impl("_fused_rms_norm_backward", &Recorded<&normBackward>::call);
}

}  // namespace scalora
