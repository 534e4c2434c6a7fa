// scalora::causal_attention: attention within each sequence of a token stream, in float32 or bfloat16 on the CPU; bfloat16 is
// widened as it is read, and all arithmetic is float32. Scores are computed block by block (flash attention, arXiv 2205.14135),
// with oneDNN's small kernels, which are several times faster than those that ATen's attention uses; keys and values shared by
// several heads are packed once and not repeated. With a window, a token attends to itself and the window - 1 tokens before it;
// blocks outside the window are not computed.
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

#include "rows.h"
#include "signals.h"

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
template <typename T>
struct Head {
  T* data;
  int64_t length, stride, width;
  Head(const at::Tensor& tensor, int64_t begin, int64_t end, int64_t head)
      : data(tensor.data_ptr<T>() + begin * tensor.stride(0) + head * tensor.size(2)), length(end - begin),
        stride(tensor.stride(0)), width(tensor.size(2)) {}
};

int64_t blockOf(int64_t length) { return length <= 16 ? 16 : length <= 32 ? 32 : 64; }

// Rows of `width` elements, `stride` apart.
template <typename T>
struct RowSpan {
  T* data;
  int64_t stride;
};

// to = from · factor, row by row.
template <typename From, typename To>
SCALORA_INLINE void scaleRows(RowSpan<const From> from, RowSpan<To> to, int64_t rows, int64_t width, float factor) {
  for (int64_t i = 0; i < rows; ++i, from.data += from.stride, to.data += to.stride)
    for (int64_t d = 0; d < width; d += kLanes) store(to.data + d, load(from.data + d, width - d) * factor, width - d);
}

SCALORA_CLONES void copyRows(RowSpan<const float> from, RowSpan<float> to, int64_t rows, int64_t width, float factor) {
  scaleRows(from, to, rows, width, factor);
}

SCALORA_CLONES void copyRows(RowSpan<const c10::BFloat16> from, RowSpan<float> to, int64_t rows, int64_t width, float factor) {
  scaleRows(from, to, rows, width, factor);
}

SCALORA_CLONES void copyRows(RowSpan<const float> from, RowSpan<c10::BFloat16> to, int64_t rows, int64_t width, float factor) {
  scaleRows(from, to, rows, width, factor);
}

template <typename T>
int64_t paddedSize(const Head<T>& head, int64_t block) {
  return (head.length + block - 1) / block * block * head.width;
}

// Blocks of rows, [count][block][width], or of columns, [count][width][block]; rows beyond the end are 0.
template <typename T>
std::vector<float> rowBlocks(const Head<T>& head, int64_t block, float factor) {
  std::vector<float> packed(paddedSize(head, block));
  copyRows(RowSpan<const T>{head.data, head.stride}, RowSpan<float>{packed.data(), head.width}, head.length, head.width, factor);
  return packed;
}

template <typename T>
std::vector<float> columnBlocks(const Head<T>& head, int64_t block, float factor) {
  std::vector<float> packed(paddedSize(head, block));
  for (int64_t i = 0; i < head.length; ++i) {
    float* to = packed.data() + i / block * block * head.width + i % block;
    for (int64_t d = 0; d < head.width; ++d) to[d * block] = static_cast<float>(head.data[i * head.stride + d]) * factor;
  }
  return packed;
}

template <typename T>
void writeRows(const Head<T>& to, const std::vector<float>& rows, float factor) {
  copyRows(RowSpan<const float>{rows.data(), to.width}, RowSpan<T>{to.data, to.stride}, to.length, to.width, factor);
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

// Keys as columns, values as rows.
template <typename T>
void forwardHead(const Head<T>& query, const std::vector<float>& k, const std::vector<float>& v, const Head<T>& out, float* logSums,
                 const Scores& rule) {
  const int64_t block = blockOf(query.length), size = block * query.width, count = (query.length + block - 1) / block;
  const int64_t window = std::min(rule.window, query.length), square = block * block;
  const auto q = rowBlocks(query, block, rule.scale);
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
      T* to = out.data + (i * block + row) * out.stride;
      copyRows(RowSpan<const float>{&result[row * out.width], 0}, RowSpan<T>{to, 0}, 1, out.width, inverses[row]);
    }
  }
}

// The rows of a key head and of its values, and the sums of their gradients over the query heads that share them.
struct Shared {
  std::vector<float> k, v, dk, dv;
};

template <typename T>
void backwardHead(const Head<T>& query, Shared& shared, const Head<T>& out, const Head<T>& dout, const float* logSums,
                  const Head<T>& dquery, const Scores& rule) {
  const int64_t block = blockOf(query.length), width = query.width, size = block * width;
  const int64_t count = (query.length + block - 1) / block, square = block * block;
  const int64_t window = std::min(rule.window, query.length);
  const auto q = rowBlocks(query, block, rule.scale), qt = columnBlocks(query, block, rule.scale);
  const auto g = rowBlocks(dout, block, 1), gt = columnBlocks(dout, block, 1);
  std::vector<float> dq(count * size), deltas(count * block), sums(count * block);
  std::vector<float> scores(square), dscores(square), transposed(square), slopes(square);
  std::copy(logSums, logSums + query.length, sums.begin());
  for (int64_t i = 0; i < query.length; ++i)
    for (int64_t d = 0; d < width; ++d) deltas[i] += static_cast<float>(out.data[i * out.stride + d]) * g[i * width + d];
  for (int64_t j = 0; j < count; ++j) {
    const int64_t last = std::min(count - 1, j + (block + window - 2) / block);
    for (int64_t i = j; i <= last; ++i) {
      multiply(block, block, width, &shared.k[j * size], &qt[i * size], scores.data(), false);
      multiply(block, block, width, &shared.v[j * size], &gt[i * size], dscores.data(), false);
      if (rule.cap > 0) capScores(scores.data(), slopes.data(), square, rule.cap);
      softmaxBackward(scores.data(), dscores.data(), block, &sums[i * block], &deltas[i * block], (i - j) * block, window);
      if (rule.cap > 0) multiplyBy(dscores.data(), slopes.data(), square);
      multiply(block, width, block, scores.data(), &g[i * size], &shared.dv[j * size], true);
      multiply(block, width, block, dscores.data(), &q[i * size], &shared.dk[j * size], true);
      transpose(dscores.data(), transposed.data(), block);
      multiply(block, width, block, transposed.data(), &shared.k[j * size], &dq[i * size], true);
    }
  }
  writeRows(dquery, dq, rule.scale);
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

struct Tensors {
  at::Tensor q, k, v, out, logSums;
};

// Writes the output and, for each query, the logarithm of its softmax's denominator.
template <typename T>
void attend(const Tensors& given, const std::vector<int64_t>& offsets, const Scores& rule) {
  const auto& [q, k, v, out, logSums] = given;
  const int64_t groups = k.size(1), shared = q.size(1) / groups;
  forEach(offsets, groups, [&](int64_t begin, int64_t end, int64_t group) {
    const int64_t block = blockOf(end - begin);
    const auto keys = columnBlocks(Head<T>(k, begin, end, group), block, 1), values = rowBlocks(Head<T>(v, begin, end, group), block, 1);
    for (int64_t head = group * shared; head < (group + 1) * shared; ++head)
      forwardHead(Head<T>(q, begin, end, head), keys, values, Head<T>(out, begin, end, head),
                  logSums.data_ptr<float>() + head * q.size(0) + begin, rule);
  });
}

struct Gradients {
  at::Tensor q, k, v;
};

template <typename T>
void attendBackward(const Tensors& given, const at::Tensor& dout, const Gradients& gradients, const std::vector<int64_t>& offsets,
                    const Scores& rule) {
  const auto& [q, k, v, out, logSums] = given;
  const int64_t groups = k.size(1), count = q.size(1) / groups;
  forEach(offsets, groups, [&](int64_t begin, int64_t end, int64_t group) {
    const Head<T> key(k, begin, end, group), value(v, begin, end, group);
    const int64_t block = blockOf(end - begin), padded = paddedSize(key, block);
    Shared shared{rowBlocks(key, block, 1), rowBlocks(value, block, 1), std::vector<float>(padded), std::vector<float>(padded)};
    for (int64_t head = group * count; head < (group + 1) * count; ++head)
      backwardHead(Head<T>(q, begin, end, head), shared, Head<T>(out, begin, end, head), Head<T>(dout, begin, end, head),
                   logSums.data_ptr<float>() + head * q.size(0) + begin, Head<T>(gradients.q, begin, end, head), rule);
    writeRows(Head<T>(gradients.k, begin, end, group), shared.dk, 1);
    writeRows(Head<T>(gradients.v, begin, end, group), shared.dv, 1);
  });
}

struct CausalAttention : public Function<CausalAttention> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values,
                            at::IntArrayRef offsets, double scale, double cap, int64_t window) {
    const Tensors given{queries.contiguous(), keys.contiguous(), values.contiguous(), at::empty_like(queries, at::MemoryFormat::Contiguous),
                        at::empty({queries.size(1), queries.size(0)}, queries.options().dtype(at::kFloat))};
    const Scores rule{static_cast<float>(scale), static_cast<float>(cap), window};
    if (given.q.scalar_type() == at::kBFloat16) attend<c10::BFloat16>(given, offsets.vec(), rule);
    else attend<float>(given, offsets.vec(), rule);
    ctx->save_for_backward({given.q, given.k, given.v, given.out, given.logSums});
    ctx->saved_data["offsets"] = offsets.vec();
    ctx->saved_data["scale"] = scale;
    ctx->saved_data["cap"] = cap;
    ctx->saved_data["window"] = window;
    return given.out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const Tensors given{saved[0], saved[1], saved[2], saved[3], saved[4]};
    const at::Tensor dout = gradients[0].contiguous();
    const Gradients found{at::empty_like(given.q), at::empty_like(given.k), at::empty_like(given.v)};
    const Scores rule{static_cast<float>(ctx->saved_data["scale"].toDouble()),
                      static_cast<float>(ctx->saved_data["cap"].toDouble()), ctx->saved_data["window"].toInt()};
    const auto offsets = ctx->saved_data["offsets"].toIntVector();
    if (given.q.scalar_type() == at::kBFloat16) attendBackward<c10::BFloat16>(given, dout, found, offsets, rule);
    else attendBackward<float>(given, dout, found, offsets, rule);
    return {found.q, found.k, found.v, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

at::Tensor causalAttention(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values, at::IntArrayRef offsets,
                           double scale, std::optional<int64_t> window, std::optional<double> softCap) {
  TORCH_CHECK(queries.dim() == 3 && keys.dim() == 3 && keys.sizes() == values.sizes() && queries.size(0) == keys.size(0) &&
                  queries.size(2) == keys.size(2) && keys.size(1) > 0 && queries.size(1) % keys.size(1) == 0,
              "causal_attention: queries of shape ", queries.sizes(), ", keys of shape ", keys.sizes(), " and values of shape ",
              values.sizes(), " do not fit; expected [T, heads, width] and twice [T, groups, width]");
  TORCH_CHECK(queries.scalar_type() == at::kFloat || queries.scalar_type() == at::kBFloat16,
              "causal_attention: expected float32 or bfloat16, found ", queries.scalar_type());
  for (const at::Tensor& tensor : {queries, keys, values})
    TORCH_CHECK(tensor.is_cpu() && tensor.scalar_type() == queries.scalar_type(), "causal_attention: expected ",
                queries.scalar_type(), " on the CPU, found ", tensor.scalar_type(), " on ", tensor.device());
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
