// Weights as GGUF's quantised blocks.
#include "gguf_blocks.h"
#include "rows.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/library.h>

namespace scalora {
namespace {

constexpr int64_t kQuantisedAtOnce = 1 << 14;  // values: the least work for a thread

const GgufBlockType& requireBlockType(c10::string_view name) {
  const GgufBlockType* type = findGgufBlockType({name.data(), name.size()});
  TORCH_CHECK(type, "gguf_quantize: no type ", name);
  return *type;
}

// The bytes of a weight [out, in] in a GGUF file: [out, in / values · bytes].
// `importance` [in]: the mean squares of the weight's inputs.
at::Tensor ggufQuantize(const at::Tensor& weight, c10::string_view type, const std::optional<at::Tensor>& importance) {
  const GgufBlockType& blocks = requireBlockType(type);
  TORCH_CHECK(weight.is_cpu() && weight.dim() == 2 && at::isFloatingType(weight.scalar_type()) && weight.size(1) % blocks.values == 0,
              "gguf_quantize: expected floats [out, in] on the CPU, with `in` a multiple of ", blocks.values, ", got ",
              weight.scalar_type(), weight.sizes());
  const int64_t rows = weight.size(0), columns = weight.size(1), rowBytes = columns / blocks.values * blocks.bytes;
  const bool weighted = importance && importance->defined();
  TORCH_CHECK(!weighted || (importance->is_cpu() && importance->dim() == 1 && importance->size(0) == columns),
              "gguf_quantize: an importance of shape ", weighted ? importance->sizes() : at::IntArrayRef(), " does not fit ", columns,
              " columns");
  const at::Tensor values = weight.to(at::kFloat).contiguous();
  const at::Tensor importances = weighted ? importance->to(at::kFloat).contiguous() : at::Tensor();
  at::Tensor out = at::empty({rows, rowBytes}, weight.options().dtype(at::kByte));
  const float* from = values.const_data_ptr<float>();
  const float* weights = weighted ? importances.const_data_ptr<float>() : nullptr;
  uint8_t* to = out.mutable_data_ptr<uint8_t>();
  const int64_t grain = std::max<int64_t>(1, kQuantisedAtOnce / std::max<int64_t>(1, columns));
  at::parallel_for(0, rows, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float* x = from + row * columns;
      const float rowMeanSquare = weighted ? sumOfSquares(x, columns) / columns : 0;
      for (int64_t block = 0; block * blocks.values < columns; ++block) {
        const int64_t first = block * blocks.values;
        blocks.quantise({x + first, weighted ? weights + first : nullptr, rowMeanSquare}, to + row * rowBytes + block * blocks.bytes);
      }
    }
  });
  return out;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(scalora, library) {
  library.def("gguf_quantize(Tensor weight, str type, Tensor? importance=None) -> Tensor", ggufQuantize);
}

}  // namespace scalora
