// scalora::causal_attention: attention within each sequence of a token stream, in fp32 on the CPU. Scores are computed block
// by block (flash attention, arXiv 2205.14135), with oneDNN's small kernels, which are several times faster than those that
// ATen's attention uses; keys and values shared by several heads are not repeated. With a window, a token attends to itself
// and the window - 1 tokens before it; blocks outside the window are not computed.
#include "attention.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/native/CPUBlas.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "signals.h"
#include "vectors.h"

namespace scalora {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

// C [m, n] = A [m, k] · B [k, n] (+ C), all dense. Use few distinct shapes: a kernel is compiled for each.
void multiply(int64_t m, int64_t n, int64_t k, const float* A, const float* B, float* C, bool add) {
  at::native::cpublas::brgemm(m, n, k, k, n, n, add, A, B, C, false);
}

// One head of one sequence in a [T, heads, width] tensor.
struct Head {
  float* data;
  int64_t length, stride, width;
  Head(const at::Tensor& tensor, int64_t begin, int64_t end, int64_t head)
      : data(tensor.data_ptr<float>() + begin * tensor.stride(0) + head * tensor.size(2)), length(end - begin),
        stride(tensor.stride(0)), width(tensor.size(2)) {}
};

int64_t blockOf(int64_t length) { return length <= 16 ? 16 : length <= 32 ? 32 : 64; }

// to = from · factor, or added to it, row by row.
SCALORA_CLONES void copyRows(const float* from, int64_t fromStride, float* to, int64_t toStride, int64_t rows, int64_t width,
                             float factor, bool add) {
  for (int64_t i = 0; i < rows; ++i, from += fromStride, to += toStride) {
    int64_t d = 0;
    for (; d + kLanes <= width; d += kLanes) store(to + d, load(from + d) * factor + (add ? load(to + d) : Vector{}));
    for (; d < width; ++d) to[d] = from[d] * factor + (add ? to[d] : 0);
  }
}

int64_t paddedSize(const Head& head, int64_t block) { return (head.length + block - 1) / block * block * head.width; }

// Blocks of rows, [count][block][width], or of columns, [count][width][block]; rows beyond the end are 0.
std::vector<float> rowBlocks(const Head& head, int64_t block, float factor) {
  std::vector<float> packed(paddedSize(head, block));
  copyRows(head.data, head.stride, packed.data(), head.width, head.length, head.width, factor, false);
  return packed;
}

std::vector<float> columnBlocks(const Head& head, int64_t block, float factor) {
  std::vector<float> packed(paddedSize(head, block));
  for (int64_t i = 0; i < head.length; ++i) {
    float* to = packed.data() + i / block * block * head.width + i % block;
    for (int64_t d = 0; d < head.width; ++d) to[d * block] = head.data[i * head.stride + d] * factor;
  }
  return packed;
}

void addRows(const Head& to, const std::vector<float>& rows, float factor) {
  copyRows(rows.data(), to.width, to.data, to.stride, to.length, to.width, factor, true);
}

// Hides keys that are `window` or more tokens before their query, in the scores [queries][keys] of one block pair whose
// first query comes `ahead` tokens after its first key.
void hideOld(float* scores, int64_t block, int64_t ahead, int64_t window) {
  for (int64_t row = 0; row < block; ++row) {
    const int64_t seen = std::clamp<int64_t>(ahead + row - window + 1, 0, block);
    std::fill_n(scores + row * block, seen, -std::numeric_limits<float>::infinity());
  }
}

// Replaces scores s by c tanh(s/c); writes the derivatives to `slopes` unless it is null.
SCALORA_CLONES void capScores(float* scores, float* slopes, int64_t count, float cap) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const Vector bounded = hyperbolicTangent(load(scores + i) / cap);
    store(scores + i, bounded * cap);
    if (slopes != nullptr) store(slopes + i, 1.0f - bounded * bounded);
  }
}

SCALORA_CLONES void multiplyBy(float* values, const float* factors, int64_t count) {
  for (int64_t i = 0; i < count; i += kLanes) store(values + i, load(values + i) * load(factors + i));
}

// Turns the scores of one block of queries, [count][block][block], into unnormalised probabilities; the last block is the
// diagonal.
SCALORA_CLONES void softmaxRows(float* scores, int64_t count, int64_t block, float* logSums, float* inverses) {
  for (int64_t row = 0; row < block; ++row) {
    float* diagonal = scores + ((count - 1) * block + row) * block;
    for (int64_t j = row + 1; j < block; ++j) diagonal[j] = -std::numeric_limits<float>::infinity();
    Vector maxima = load(diagonal);
    for (int64_t b = 0; b < count; ++b)
      for (int64_t j = 0; j < block; j += kLanes) maxima = larger(load(scores + (b * block + row) * block + j), maxima);
    const float highest = largest(maxima);
    Vector sums{};
    for (int64_t b = 0; b < count; ++b) {
      for (int64_t j = 0; j < block; j += kLanes) {
        float* at = scores + (b * block + row) * block + j;
        const Vector value = exponential(load(at) - highest);
        store(at, value);
        sums += value;
      }
    }
    const float total = sum(sums);
    logSums[row] = highest + std::log(total);
    inverses[row] = 1 / total;
  }
}

// Turns transposed scores [keys][queries] into probabilities P, and dP into dS = P (dP - delta). The first query comes
// `ahead` tokens after the first key.
SCALORA_CLONES void softmaxBackward(float* scores, float* gradients, int64_t block, const float* logSums, const float* deltas,
                                    int64_t ahead, int64_t window) {
  for (int64_t key = 0; key < block; ++key) {
    float *p = scores + key * block, *g = gradients + key * block;
    for (int64_t i = 0; i < block; i += kLanes) store(p + i, exponential(load(p + i) - load(logSums + i)));
    if (ahead == 0) std::fill(p, p + key, 0.0f);
    std::fill(p + std::clamp<int64_t>(key + window - ahead, 0, block), p + block, 0.0f);
    for (int64_t i = 0; i < block; i += kLanes) store(g + i, load(p + i) * (load(g + i) - load(deltas + i)));
  }
}

void transpose(const float* from, float* to, int64_t block) {
  for (int64_t i = 0; i < block; ++i)
    for (int64_t j = 0; j < block; ++j) to[i * block + j] = from[j * block + i];
}

// Scores are multiplied by `scale`; a token attends to `window` tokens; a cap of 0 is none.
struct Scores {
  float scale, cap;
  int64_t window;
};

void forwardHead(const Head& query, const Head& key, const Head& value, const Head& out, float* logSums, const Scores& rule) {
  const int64_t block = blockOf(query.length), size = block * query.width, count = (query.length + block - 1) / block;
  const int64_t window = std::min(rule.window, query.length), square = block * block;
  const auto q = rowBlocks(query, block, rule.scale), k = columnBlocks(key, block, 1), v = rowBlocks(value, block, 1);
  std::vector<float> scores(count * square), result(size), sums(block), inverses(block);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t first = std::max<int64_t>(0, i * block - window + 1) / block;
    for (int64_t j = first; j <= i; ++j) {
      float* at = &scores[(j - first) * square];
      multiply(block, block, query.width, &q[i * size], &k[j * size], at, false);
      if (rule.cap > 0) capScores(at, nullptr, square, rule.cap);
      if ((i - j + 1) * block > window) hideOld(at, block, (i - j) * block, window);
    }
    softmaxRows(scores.data(), i - first + 1, block, sums.data(), inverses.data());
    for (int64_t j = first; j <= i; ++j)
      multiply(block, query.width, block, &scores[(j - first) * square], &v[j * size], result.data(), j > first);
    for (int64_t row = 0; row < block && i * block + row < query.length; ++row) {
      logSums[i * block + row] = sums[row];
      float* to = out.data + (i * block + row) * out.stride;
      copyRows(&result[row * out.width], 0, to, 0, 1, out.width, inverses[row], false);
    }
  }
}

struct HeadGradients {
  Head query, key, value;
};

void backwardHead(const Head& query, const Head& key, const Head& value, const Head& out, const Head& dout,
                  const float* logSums, const HeadGradients& gradients, const Scores& rule) {
  const int64_t block = blockOf(query.length), width = query.width, size = block * width;
  const int64_t count = (query.length + block - 1) / block, square = block * block;
  const int64_t window = std::min(rule.window, query.length);
  const auto q = rowBlocks(query, block, rule.scale), qt = columnBlocks(query, block, rule.scale), k = rowBlocks(key, block, 1);
  const auto v = rowBlocks(value, block, 1), g = rowBlocks(dout, block, 1), gt = columnBlocks(dout, block, 1);
  std::vector<float> dq(count * size), dk(count * size), dv(count * size), deltas(count * block), sums(count * block);
  std::vector<float> scores(square), dscores(square), transposed(square), slopes(square);
  std::copy(logSums, logSums + query.length, sums.begin());
  for (int64_t i = 0; i < query.length; ++i)
    for (int64_t d = 0; d < width; ++d) deltas[i] += out.data[i * out.stride + d] * g[i * width + d];
  for (int64_t j = 0; j < count; ++j) {
    const int64_t last = std::min(count - 1, j + (block + window - 2) / block);
    for (int64_t i = j; i <= last; ++i) {
      multiply(block, block, width, &k[j * size], &qt[i * size], scores.data(), false);
      multiply(block, block, width, &v[j * size], &gt[i * size], dscores.data(), false);
      if (rule.cap > 0) capScores(scores.data(), slopes.data(), square, rule.cap);
      softmaxBackward(scores.data(), dscores.data(), block, &sums[i * block], &deltas[i * block], (i - j) * block, window);
      if (rule.cap > 0) multiplyBy(dscores.data(), slopes.data(), square);
      multiply(block, width, block, scores.data(), &g[i * size], &dv[j * size], true);
      multiply(block, width, block, dscores.data(), &q[i * size], &dk[j * size], true);
      transpose(dscores.data(), transposed.data(), block);
      multiply(block, width, block, transposed.data(), &k[j * size], &dq[i * size], true);
    }
  }
  addRows(gradients.query, dq, rule.scale);
  addRows(gradients.key, dk, 1);
  addRows(gradients.value, dv, 1);
}

// Calls run(begin, end, group) for each sequence and each key head, in parallel.
template <typename Run>
void forEach(const std::vector<int64_t>& offsets, int64_t groups, const Run& run) {
  at::parallel_for(0, (static_cast<int64_t>(offsets.size()) - 1) * groups, 1, [&](int64_t first, int64_t last) {
    SignalsBlocked guard;
    for (int64_t i = first; i < last; ++i) run(offsets[i / groups], offsets[i / groups + 1], i % groups);
    at::native::cpublas::brgemm_release(false);
  });
}

struct CausalAttention : public Function<CausalAttention> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values,
                            at::IntArrayRef offsets, double scale, double cap, int64_t window) {
    const at::Tensor q = queries.contiguous(), k = keys.contiguous(), v = values.contiguous();
    const int64_t heads = q.size(1), groups = k.size(1), shared = heads / groups;
    at::Tensor out = at::empty_like(q), logSums = at::empty({heads, q.size(0)}, q.options());
    const Scores rule{static_cast<float>(scale), static_cast<float>(cap), window};
    forEach(offsets.vec(), groups, [&](int64_t begin, int64_t end, int64_t group) {
      for (int64_t head = group * shared; head < (group + 1) * shared; ++head)
        forwardHead({q, begin, end, head}, {k, begin, end, group}, {v, begin, end, group}, {out, begin, end, head},
                    logSums.data_ptr<float>() + head * q.size(0) + begin, rule);
    });
    ctx->save_for_backward({q, k, v, out, logSums});
    ctx->saved_data["offsets"] = offsets.vec();
    ctx->saved_data["scale"] = scale;
    ctx->saved_data["cap"] = cap;
    ctx->saved_data["window"] = window;
    return out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    auto saved = ctx->get_saved_variables();
    const at::Tensor &q = saved[0], &k = saved[1], &v = saved[2], &out = saved[3], &logSums = saved[4];
    const at::Tensor dout = gradients[0].contiguous();
    const Scores rule{static_cast<float>(ctx->saved_data["scale"].toDouble()),
                      static_cast<float>(ctx->saved_data["cap"].toDouble()), ctx->saved_data["window"].toInt()};
    const int64_t groups = k.size(1), shared = q.size(1) / groups;
    at::Tensor dq = at::zeros_like(q), dk = at::zeros_like(k), dv = at::zeros_like(v);
    forEach(ctx->saved_data["offsets"].toIntVector(), groups, [&](int64_t begin, int64_t end, int64_t group) {
      for (int64_t head = group * shared; head < (group + 1) * shared; ++head)
        backwardHead({q, begin, end, head}, {k, begin, end, group}, {v, begin, end, group}, {out, begin, end, head},
                     {dout, begin, end, head}, logSums.data_ptr<float>() + head * q.size(0) + begin,
                     {{dq, begin, end, head}, {dk, begin, end, group}, {dv, begin, end, group}}, rule);
    });
    return {dq, dk, dv, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

at::Tensor causalAttention(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values, at::IntArrayRef offsets,
                           double scale, std::optional<int64_t> window, std::optional<double> softCap) {
  TORCH_CHECK(queries.dim() == 3 && keys.dim() == 3 && keys.sizes() == values.sizes() && queries.size(0) == keys.size(0) &&
                  queries.size(2) == keys.size(2) && keys.size(1) > 0 && queries.size(1) % keys.size(1) == 0,
              "causal_attention: queries of shape ", queries.sizes(), ", keys of shape ", keys.sizes(), " and values of shape ",
              values.sizes(), " do not fit; expected [T, heads, width] and twice [T, groups, width]");
  for (const at::Tensor& tensor : {queries, keys, values})
    TORCH_CHECK(tensor.is_cpu() && tensor.scalar_type() == at::kFloat, "causal_attention: expected float32 on the CPU, found ",
                tensor.scalar_type(), " on ", tensor.device());
  TORCH_CHECK(offsets.size() >= 2 && offsets.front() == 0 && offsets.back() == queries.size(0) &&
                  std::is_sorted(offsets.begin(), offsets.end()),
              "causal_attention: the offsets must rise from 0 to the number of tokens, ", queries.size(0));
  TORCH_CHECK(!window || *window > 0, "causal_attention: a window must hold at least one token, found ", *window);
  TORCH_CHECK(!softCap || *softCap > 0, "causal_attention: a soft cap must be above 0, found ", *softCap);
  return CausalAttention::apply(queries, keys, values, offsets, scale, softCap.value_or(0),
                                window.value_or(std::numeric_limits<int64_t>::max()));
}

}  // namespace

bool hasFusedAttention() {
  static const bool works = [] {
    std::vector<float> ones(256, 1), result(256);
    try {
      SignalsBlocked guard;
      multiply(16, 16, 16, ones.data(), ones.data(), result.data(), false);
    } catch (const std::exception&) {
      return false;  // not on this kind of CPU
    }
    return result == std::vector<float>(256, 16);
  }();
  return works;
}

TORCH_LIBRARY_FRAGMENT(scalora, library) {
  library.def(
      "causal_attention(Tensor queries, Tensor keys, Tensor values, int[] offsets, float scale, int? window=None, "
      "float? soft_cap=None) -> Tensor",
      causalAttention);
}

}  // namespace scalora
