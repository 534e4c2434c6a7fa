// scalora::causal_attention and bidirectional_attention: attention within each sequence of a token stream, in float32 or bfloat16
// on the CPU; bfloat16 is widened as it is read, and all arithmetic is float32. Scores are computed block by block (flash
// attention, arXiv 2205.14135), with oneDNN's small kernels, which are several times faster than those that ATen's attention uses;
// keys and values shared by several heads are packed once and not repeated. With a window, a token attends to itself and the
// window - 1 tokens before it; blocks outside the window are not computed.
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
#include <utility>
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

// Hides the keys after each query, in the scores [queries][keys] of a block on the diagonal.
void hideLater(float* scores, int64_t block) {
  for (int64_t row = 0; row < block; ++row)
    std::fill(scores + row * block + row + 1, scores + (row + 1) * block, -std::numeric_limits<float>::infinity());
}

// Hides keys beyond the end of the sequence, `count` keys after the first of the block.
void hideBeyond(float* scores, int64_t block, int64_t count) {
  for (int64_t row = 0; row < block; ++row)
    std::fill(scores + row * block + std::min(count, block), scores + (row + 1) * block, -std::numeric_limits<float>::infinity());
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

// Turns the scores of one block of queries, [count][block][block], into unnormalised probabilities.
SCALORA_CLONES void softmaxRows(float* scores, int64_t count, int64_t block, float* logSums, float* inverses) {
  for (int64_t row = 0; row < block; ++row) {
    Vector maxima = load(scores + row * block);
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

// Turns transposed scores [keys][queries] into probabilities.
SCALORA_CLONES void softmaxColumns(float* scores, int64_t block, const float* logSums) {
  for (int64_t key = 0; key < block; ++key)
    for (int64_t i = 0; i < block; i += kLanes) {
      float* at = scores + key * block + i;
      store(at, exponential(load(at) - load(logSums + i)));
    }
}

// Clears the transposed probabilities of pairs of which the query comes before the key or does not see it any more. The first
// query comes `ahead` tokens after the first key.
void clearHidden(float* columns, int64_t block, int64_t ahead, int64_t window) {
  for (int64_t key = 0; key < block; ++key) {
    float* p = columns + key * block;
    if (ahead == 0) std::fill(p, p + key, 0.0f);
    std::fill(p + std::clamp<int64_t>(key + window - ahead, 0, block), p + block, 0.0f);
  }
}

// Turns dP into dS = P (dP - delta).
SCALORA_CLONES void softmaxBackward(const float* columns, float* gradients, int64_t block, const float* deltas) {
  for (int64_t key = 0; key < block; ++key)
    for (int64_t i = 0; i < block; i += kLanes) {
      const int64_t at = key * block + i;
      store(gradients + at, load(columns + at) * (load(gradients + at) - load(deltas + i)));
    }
}

void transpose(const float* from, float* to, int64_t block) {
  for (int64_t i = 0; i < block; ++i)
    for (int64_t j = 0; j < block; ++j) to[i * block + j] = from[j * block + i];
}

// Scores are multiplied by `scale`; a cap of 0 is none. A token of a causal sequence attends to `window` tokens, otherwise to all.
struct Scores {
  float scale, cap;
  bool isCausal;
  int64_t window;
};

// What dropout multiplies the probabilities of one head and sequence with, [length][length]; nothing without `data`.
struct Kept {
  const float* data;
  int64_t length;

  // Multiplies a block of probabilities, [queries][keys], of which `row` and `column` are the first.
  void apply(float* scores, int64_t block, int64_t row, int64_t column) const {
    const int64_t rows = std::min(block, length - row), columns = std::min(block, length - column);
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j) scores[i * block + j] *= data[(row + i) * length + column + j];
  }

  // The factors of a block, [keys][queries].
  void writeColumns(float* to, int64_t block, int64_t row, int64_t column) const {
    const int64_t rows = std::min(block, length - row), columns = std::min(block, length - column);
    std::fill_n(to, block * block, 0.0f);
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j) to[j * block + i] = data[(row + i) * length + column + j];
  }
};

// Keys as columns, values as rows.
template <typename T>
void forwardHead(const Head<T>& query, const std::vector<float>& k, const std::vector<float>& v, const Head<T>& out, float* logSums,
                 const Scores& rule, const Kept& kept) {
  const int64_t block = blockOf(query.length), size = block * query.width, count = (query.length + block - 1) / block;
  const int64_t window = std::min(rule.window, query.length), square = block * block;
  const auto q = rowBlocks(query, block, rule.scale);
  std::vector<float> scores(count * square), result(size), sums(block), inverses(block);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t first = rule.isCausal ? std::max<int64_t>(0, i * block - window + 1) / block : 0;
    const int64_t last = rule.isCausal ? i : count - 1;
    for (int64_t j = first; j <= last; ++j) {
      float* at = &scores[(j - first) * square];
      multiply(block, block, query.width, &q[i * size], &k[j * size], at, false);
      if (rule.cap > 0) capScores(at, nullptr, square, rule.cap);
      if (rule.isCausal && (i - j + 1) * block > window) hideOld(at, block, (i - j) * block, window);
    }
    float* end = &scores[(last - first) * square];
    if (rule.isCausal) hideLater(end, block);
    else hideBeyond(end, block, query.length - last * block);
    softmaxRows(scores.data(), last - first + 1, block, sums.data(), inverses.data());
    for (int64_t j = first; j <= last; ++j) {
      float* at = &scores[(j - first) * square];
      if (kept.data != nullptr) kept.apply(at, block, i * block, j * block);
      multiply(block, query.width, block, at, &v[j * size], result.data(), j > first);
    }
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
                  const Head<T>& dquery, const Scores& rule, const Kept& kept) {
  const int64_t block = blockOf(query.length), width = query.width, size = block * width;
  const int64_t count = (query.length + block - 1) / block, square = block * block;
  const int64_t window = std::min(rule.window, query.length);
  const auto q = rowBlocks(query, block, rule.scale), qt = columnBlocks(query, block, rule.scale);
  const auto g = rowBlocks(dout, block, 1), gt = columnBlocks(dout, block, 1);
  std::vector<float> dq(count * size), deltas(count * block), sums(count * block);
  std::vector<float> scores(square), dscores(square), transposed(square), slopes(square), factors(square);
  std::copy(logSums, logSums + query.length, sums.begin());
  for (int64_t i = 0; i < query.length; ++i)
    for (int64_t d = 0; d < width; ++d) deltas[i] += static_cast<float>(out.data[i * out.stride + d]) * g[i * width + d];
  for (int64_t j = 0; j < count; ++j) {
    const int64_t last = rule.isCausal ? std::min(count - 1, j + (block + window - 2) / block) : count - 1;
    for (int64_t i = rule.isCausal ? j : 0; i <= last; ++i) {
      multiply(block, block, width, &shared.k[j * size], &qt[i * size], scores.data(), false);
      multiply(block, block, width, &shared.v[j * size], &gt[i * size], dscores.data(), false);
      if (rule.cap > 0) capScores(scores.data(), slopes.data(), square, rule.cap);
      softmaxColumns(scores.data(), block, &sums[i * block]);
      if (rule.isCausal) clearHidden(scores.data(), block, (i - j) * block, window);
      else std::fill(scores.begin() + std::min(block, query.length - j * block) * block, scores.end(), 0.0f);
      if (kept.data != nullptr) {
        kept.writeColumns(factors.data(), block, i * block, j * block);
        multiplyBy(dscores.data(), factors.data(), square);
      }
      softmaxBackward(scores.data(), dscores.data(), block, &deltas[i * block]);
      if (kept.data != nullptr) multiplyBy(scores.data(), factors.data(), square);
      if (rule.cap > 0) multiplyBy(dscores.data(), slopes.data(), square);
      multiply(block, width, block, scores.data(), &g[i * size], &shared.dv[j * size], true);
      multiply(block, width, block, dscores.data(), &q[i * size], &shared.dk[j * size], true);
      transpose(dscores.data(), transposed.data(), block);
      multiply(block, width, block, transposed.data(), &shared.k[j * size], &dq[i * size], true);
    }
  }
  writeRows(dquery, dq, rule.scale);
}

// Calls run(sequence, group) for each sequence and each key head, in parallel.
template <typename Run>
void forEach(int64_t sequences, int64_t groups, const Run& run) {
  at::parallel_for(0, sequences * groups, 1, [&](int64_t first, int64_t last) {
    SignalsBlocked guard;
    for (int64_t i = first; i < last; ++i) run(i / groups, i % groups);
    at::native::cpublas::brgemm_release(false);
  });
}

// The sequences of a stream, and where the pairs of tokens of each begin: [length][length] for each head.
struct Sequences {
  std::vector<int64_t> offsets, pairs;

  explicit Sequences(std::vector<int64_t> given) : offsets(std::move(given)), pairs{0} {
    for (size_t i = 1; i < offsets.size(); ++i) pairs.push_back(pairs.back() + (offsets[i] - offsets[i - 1]) * (offsets[i] - offsets[i - 1]));
  }

  int64_t count() const { return static_cast<int64_t>(offsets.size()) - 1; }

  // `kept` is [pairs of all sequences] for every head, or undefined.
  Kept keptOf(const at::Tensor& kept, int64_t heads, int64_t sequence, int64_t head) const {
    const int64_t length = offsets[sequence + 1] - offsets[sequence];
    return {kept.defined() ? kept.data_ptr<float>() + pairs[sequence] * heads + head * length * length : nullptr, length};
  }
};

struct Tensors {
  at::Tensor q, k, v, kept, out, logSums;
};

// Writes the output and, for each query, the logarithm of its softmax's denominator.
template <typename T>
void attend(const Tensors& given, const Sequences& sequences, const Scores& rule) {
  const int64_t heads = given.q.size(1), groups = given.k.size(1), shared = heads / groups;
  forEach(sequences.count(), groups, [&](int64_t sequence, int64_t group) {
    const auto& [q, k, v, kept, out, logSums] = given;
    const int64_t begin = sequences.offsets[sequence], end = sequences.offsets[sequence + 1], block = blockOf(end - begin);
    const auto keys = columnBlocks(Head<T>(k, begin, end, group), block, 1), values = rowBlocks(Head<T>(v, begin, end, group), block, 1);
    for (int64_t head = group * shared; head < (group + 1) * shared; ++head)
      forwardHead(Head<T>(q, begin, end, head), keys, values, Head<T>(out, begin, end, head),
                  logSums.data_ptr<float>() + head * q.size(0) + begin, rule, sequences.keptOf(kept, heads, sequence, head));
  });
}

struct Gradients {
  at::Tensor q, k, v;
};

template <typename T>
void attendBackward(const Tensors& given, const at::Tensor& dout, const Gradients& gradients, const Sequences& sequences,
                    const Scores& rule) {
  const int64_t heads = given.q.size(1), groups = given.k.size(1), count = heads / groups;
  forEach(sequences.count(), groups, [&](int64_t sequence, int64_t group) {
    const auto& [q, k, v, kept, out, logSums] = given;
    const int64_t begin = sequences.offsets[sequence], end = sequences.offsets[sequence + 1];
    const Head<T> key(k, begin, end, group), value(v, begin, end, group);
    const int64_t block = blockOf(end - begin), padded = paddedSize(key, block);
    Shared shared{rowBlocks(key, block, 1), rowBlocks(value, block, 1), std::vector<float>(padded), std::vector<float>(padded)};
    for (int64_t head = group * count; head < (group + 1) * count; ++head)
      backwardHead(Head<T>(q, begin, end, head), shared, Head<T>(out, begin, end, head), Head<T>(dout, begin, end, head),
                   logSums.data_ptr<float>() + head * q.size(0) + begin, Head<T>(gradients.q, begin, end, head), rule,
                   sequences.keptOf(kept, heads, sequence, head));
    writeRows(Head<T>(gradients.k, begin, end, group), shared.dk, 1);
    writeRows(Head<T>(gradients.v, begin, end, group), shared.dv, 1);
  });
}

struct Attention : public Function<Attention> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values,
                            const std::optional<at::Tensor>& kept, at::IntArrayRef offsets, const Scores& rule) {
    const Tensors given{queries.contiguous(), keys.contiguous(), values.contiguous(),
                        kept ? kept->contiguous() : at::Tensor(), at::empty_like(queries, at::MemoryFormat::Contiguous),
                        at::empty({queries.size(1), queries.size(0)}, queries.options().dtype(at::kFloat))};
    const Sequences sequences(offsets.vec());
    if (given.q.scalar_type() == at::kBFloat16) attend<c10::BFloat16>(given, sequences, rule);
    else attend<float>(given, sequences, rule);
    ctx->save_for_backward({given.q, given.k, given.v, given.kept, given.out, given.logSums});
    ctx->saved_data["offsets"] = offsets.vec();
    ctx->saved_data["scale"] = static_cast<double>(rule.scale);
    ctx->saved_data["cap"] = static_cast<double>(rule.cap);
    ctx->saved_data["causal"] = rule.isCausal;
    ctx->saved_data["window"] = rule.window;
    return given.out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const Tensors given{saved[0], saved[1], saved[2], saved[3], saved[4], saved[5]};
    const at::Tensor dout = gradients[0].contiguous();
    const Gradients found{at::empty_like(given.q), at::empty_like(given.k), at::empty_like(given.v)};
    const Scores rule{static_cast<float>(ctx->saved_data["scale"].toDouble()), static_cast<float>(ctx->saved_data["cap"].toDouble()),
                      ctx->saved_data["causal"].toBool(), ctx->saved_data["window"].toInt()};
    const Sequences sequences(ctx->saved_data["offsets"].toIntVector());
    if (given.q.scalar_type() == at::kBFloat16) attendBackward<c10::BFloat16>(given, dout, found, sequences, rule);
    else attendBackward<float>(given, dout, found, sequences, rule);
    return {found.q, found.k, found.v, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

void checkStream(const char* name, const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values,
                 at::IntArrayRef offsets) {
  TORCH_CHECK(queries.dim() == 3 && keys.dim() == 3 && keys.sizes() == values.sizes() && queries.size(0) == keys.size(0) &&
                  queries.size(2) == keys.size(2) && keys.size(1) > 0 && queries.size(1) % keys.size(1) == 0,
              name, ": queries of shape ", queries.sizes(), ", keys of shape ", keys.sizes(), " and values of shape ",
              values.sizes(), " do not fit; expected [T, heads, width] and twice [T, groups, width]");
  TORCH_CHECK(queries.scalar_type() == at::kFloat || queries.scalar_type() == at::kBFloat16, name,
              ": expected float32 or bfloat16, found ", queries.scalar_type());
  for (const at::Tensor& tensor : {queries, keys, values})
    TORCH_CHECK(tensor.is_cpu() && tensor.scalar_type() == queries.scalar_type(), name, ": expected ", queries.scalar_type(),
                " on the CPU, found ", tensor.scalar_type(), " on ", tensor.device());
  TORCH_CHECK(offsets.size() >= 2 && offsets.front() == 0 && offsets.back() == queries.size(0) &&
                  std::is_sorted(offsets.begin(), offsets.end()),
              name, ": the offsets must rise from 0 to the number of tokens, ", queries.size(0));
}

at::Tensor causalAttention(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values, at::IntArrayRef offsets,
                           double scale, std::optional<int64_t> window, std::optional<double> softCap) {
  checkStream("causal_attention", queries, keys, values, offsets);
  TORCH_CHECK(!window || *window > 0, "causal_attention: a window must hold at least one token, found ", *window);
  TORCH_CHECK(!softCap || *softCap > 0, "causal_attention: a soft cap must be above 0, found ", *softCap);
  const Scores rule{static_cast<float>(scale), static_cast<float>(softCap.value_or(0)), true,
                    window.value_or(std::numeric_limits<int64_t>::max())};
  return Attention::apply(queries, keys, values, std::optional<at::Tensor>(), offsets, rule);
}

// `kept` are the factors of dropout: of each sequence and head, [length][length].
at::Tensor bidirectionalAttention(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values,
                                  at::IntArrayRef offsets, double scale, const std::optional<at::Tensor>& kept) {
  checkStream("bidirectional_attention", queries, keys, values, offsets);
  const int64_t expected = Sequences(offsets.vec()).pairs.back() * queries.size(1);
  TORCH_CHECK(!kept || (kept->is_cpu() && kept->scalar_type() == at::kFloat && kept->numel() == expected),
              "bidirectional_attention: expected ", expected, " float32 factors of probabilities on the CPU, found ", kept->numel(),
              " of ", kept->scalar_type(), " on ", kept->device());
  const Scores rule{static_cast<float>(scale), 0, false, std::numeric_limits<int64_t>::max()};
  return Attention::apply(queries, keys, values, kept, offsets, rule);
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
  library.def(
      "bidirectional_attention(Tensor queries, Tensor keys, Tensor values, int[] offsets, float scale, Tensor? kept=None) -> Tensor",
      bidirectionalAttention);
}

}  // namespace scalora
