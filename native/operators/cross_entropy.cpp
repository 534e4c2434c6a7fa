// scalora::linear_cross_entropy: the loss of a language model's head without storing the logits of a whole batch. Rows are
// processed in chunks; the losses and gradients of a chunk are computed together, and its logits are then freed.
#include "gemm.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "vectors.h"

namespace scalora {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

// Logits of one chunk: about 16 MiB in fp32, small enough for the CPU's caches; more with a large vocabulary, of which the weight
// is read twice for each chunk (with 16 rows instead of 128, both products of Gemma's head take 1.7 to 2 times as long).
// A GPU needs more rows at once, and has no caches for them: 1024 rows of 128,000 tokens are half a GiB.
constexpr int64_t kChunkElements = 4 << 20, kLeastRows = 128, kLeastRowsOnGpu = 1024;

int64_t chunkRows(int64_t vocabulary, bool isOnCpu) {
  return std::clamp<int64_t>(kChunkElements / vocabulary, isOnCpu ? kLeastRows : kLeastRowsOnGpu, 4096);
}

// Turns a row of logits into probabilities; returns the logarithm of the sum of the exponentials.
SCALORA_CLONES float softmaxRow(float* row, int64_t length) {
  const int64_t whole = length / kLanes * kLanes;
  float highest = row[0];
  Vector maxima = Vector{} + highest;
  for (int64_t i = 0; i < whole; i += kLanes) maxima = larger(maxima, load(row + i));
  for (int64_t i = whole; i < length; ++i) highest = std::max(highest, row[i]);
  highest = std::max(highest, largest(maxima));
  Vector sums{};
  for (int64_t i = 0; i < whole; i += kLanes) {
    const Vector value = exponential(load(row + i) - highest);
    store(row + i, value);
    sums += value;
  }
  float total = sum(sums);
  for (int64_t i = whole; i < length; ++i) total += row[i] = std::exp(row[i] - highest);
  const float inverse = 1 / total;
  for (int64_t i = 0; i < whole; i += kLanes) store(row + i, load(row + i) * inverse);
  for (int64_t i = whole; i < length; ++i) row[i] *= inverse;
  return highest + std::log(total);
}

// Turns logits [rows, vocabulary] into the gradient of their losses, softmax minus one at the target; returns the sum of the
// losses, each times the weight of its row where there are weights. In fp32 on the CPU each row stays in the cache for all passes.
at::Tensor lossAndGradient(at::Tensor& logits, const at::Tensor& targets, const at::Tensor& weights) {
  if (!logits.is_cpu() || logits.scalar_type() != at::kFloat || !logits.is_contiguous()) {
    const at::Tensor target = targets.unsqueeze(1);
    logits = at::log_softmax(logits, 1);
    const at::Tensor chosen = logits.gather(1, target), factor = weights.defined() ? weights.unsqueeze(1) : at::Tensor();
    const at::Tensor loss = (factor.defined() ? chosen * factor : chosen).sum(at::kDouble).neg();
    logits.exp_().scatter_add_(1, target, at::full(target.sizes(), -1, logits.options()));
    if (factor.defined()) logits.mul_(factor);
    return loss;
  }
  const int64_t vocabulary = logits.size(1);
  TORCH_CHECK_INDEX(targets.numel() == 0 || (targets.min().item<int64_t>() >= 0 && targets.max().item<int64_t>() < vocabulary),
                    "linear_cross_entropy: a target is out of bounds of the vocabulary, ", vocabulary, " tokens");
  at::Tensor losses = at::empty({logits.size(0)}, logits.options().dtype(at::kDouble));
  float* data = logits.data_ptr<float>();
  const at::Tensor indices = targets.contiguous(), factors = weights.defined() ? weights.contiguous() : at::Tensor();
  at::parallel_for(0, logits.size(0), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      float *const row = data + i * vocabulary, *const target = row + indices.data_ptr<int64_t>()[i];
      const double logit = *target;
      losses.data_ptr<double>()[i] = softmaxRow(row, vocabulary) - logit;
      *target -= 1;
      if (!factors.defined()) continue;
      const float factor = factors.data_ptr<float>()[i];
      losses.data_ptr<double>()[i] *= factor;
      for (int64_t j = 0; j < vocabulary; ++j) row[j] *= factor;
    }
  });
  return losses.sum();
}

// Replaces logits z by c tanh(z/c); returns the derivative.
at::Tensor capSoftly(at::Tensor& logits, double cap) {
  logits.div_(cap).tanh_();
  const at::Tensor slope = 1 - logits.square();
  logits.mul_(cap);
  return slope;
}

struct LinearCrossEntropy : public Function<LinearCrossEntropy> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets,
                            const std::optional<at::Tensor>& rowWeights, double softCap, bool record) {
    const bool needsHidden = record && hidden.requires_grad(), needsWeight = record && weight.requires_grad();
    const int64_t rows = hidden.size(0), step = chunkRows(weight.size(0), hidden.is_cpu());
    at::Tensor dhidden = needsHidden ? at::empty_like(hidden, at::MemoryFormat::Contiguous) : at::Tensor();
    at::Tensor dweight = needsWeight ? at::zeros(weight.sizes(), weight.options().dtype(at::promote_types(weight.scalar_type(), at::kFloat))) : at::Tensor();
    at::Tensor total = at::zeros({}, hidden.options().dtype(at::kDouble));
    for (int64_t begin = 0; begin < rows; begin += step) {
      const int64_t count = std::min(step, rows - begin);
      const at::Tensor x = hidden.narrow(0, begin, count);
      at::Tensor dlogits = gemm(x, weight).to(at::promote_types(hidden.scalar_type(), at::kFloat));
      const at::Tensor slope = softCap > 0 ? capSoftly(dlogits, softCap) : at::Tensor();
      const at::Tensor weights = rowWeights ? rowWeights->narrow(0, begin, count) : at::Tensor();
      total.add_(lossAndGradient(dlogits, targets.narrow(0, begin, count), weights));
      if (!needsHidden && !needsWeight) continue;
      if (slope.defined()) dlogits.mul_(slope);
      dlogits = dlogits.to(weight.scalar_type());
      if (needsHidden) dhidden.narrow(0, begin, count).copy_(gemm(dlogits, weight.t()));
      if (needsWeight) dweight.add_(gemm(dlogits.t(), x.t()));
    }
    if (needsWeight) dweight = dweight.to(weight.scalar_type());
    ctx->save_for_backward({dhidden, dweight});
    return total.to(at::promote_types(hidden.scalar_type(), at::kFloat));
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    auto saved = ctx->get_saved_variables();
    auto scaled = [&](const at::Tensor& gradient) {
      return gradient.defined() ? gradient.mul(gradients[0].to(gradient.scalar_type())) : gradient;
    };
    return {scaled(saved[0]), scaled(saved[1]), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

at::Tensor linearCrossEntropy(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets,
                              std::optional<double> softCap, const std::optional<at::Tensor>& rowWeights) {
  TORCH_CHECK(hidden.dim() == 2 && weight.dim() == 2 && hidden.size(1) == weight.size(1), "linear_cross_entropy: hidden states of shape ",
              hidden.sizes(), " do not fit a weight of shape ", weight.sizes(), "; expected [rows, hidden] and [vocabulary, hidden]");
  TORCH_CHECK(hidden.scalar_type() == weight.scalar_type(), "linear_cross_entropy: the hidden states are ", hidden.scalar_type(),
              " but the weight is ", weight.scalar_type());
  TORCH_CHECK(targets.dim() == 1 && targets.size(0) == hidden.size(0) && targets.scalar_type() == at::kLong,
              "linear_cross_entropy: expected int64 targets of shape [", hidden.size(0), "], found ", targets.scalar_type(), targets.sizes());
  TORCH_CHECK(!softCap || *softCap > 0, "linear_cross_entropy: a soft cap must be above 0, found ", *softCap);
  TORCH_CHECK(!rowWeights || (rowWeights->sizes() == targets.sizes() && rowWeights->scalar_type() == at::kFloat),
              "linear_cross_entropy: expected float32 row weights of shape [", hidden.size(0), "], found ",
              rowWeights ? rowWeights->scalar_type() : at::kFloat, rowWeights ? rowWeights->sizes() : targets.sizes());
  for (const std::optional<at::Tensor>& other : {std::optional<at::Tensor>(weight), std::optional<at::Tensor>(targets), rowWeights})
    TORCH_CHECK(!other || other->device() == hidden.device(), "linear_cross_entropy: the hidden states are on ", hidden.device(),
                ", another argument is on ", other ? other->device() : hidden.device());
  TORCH_CHECK(!rowWeights || !rowWeights->requires_grad(), "linear_cross_entropy: row weights have no gradient");
  return LinearCrossEntropy::apply(hidden, weight, targets, rowWeights, softCap.value_or(0), at::GradMode::is_enabled());
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(scalora, library) {
  library.def("linear_cross_entropy(Tensor hidden, Tensor weight, Tensor targets, float? soft_cap=None, Tensor? row_weights=None) -> Tensor",
              linearCrossEntropy);
}

}  // namespace scalora
