// scalora::decode_attention: attention of one new token for each of several sequences, in float32 or bfloat16 on the CPU; sums are
// in float32. Query and key are rotated to the token's position; the token is added to its sequence's cache and attends to all
// tokens there. Sequences can have different lengths; nothing is padded, copied or repeated.
#include "rotate.h"
#include "short_work.h"

#include <ATen/ATen.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace scalora {
namespace {

// Rows of one head in a [rows, heads, width] tensor.
template <typename T>
struct HeadRows {
  T* data;
  int64_t stride, width;
  HeadRows(const at::Tensor& tensor, int64_t head)
      : data(tensor.data_ptr<T>() + head * tensor.size(2)), stride(tensor.stride(0)), width(tensor.size(2)) {}
  T* operator[](int64_t row) const { return data + row * stride; }
};

template <typename T>
SCALORA_INLINE void scoreRows(const T* query, const HeadRows<T>& keys, int64_t count, float scale, float* scores) {
  const int64_t width = keys.width;
  for (int64_t row = 0; row < count; ++row) {
    const T* key = keys[row];
    Vector products{};
    for (int64_t d = 0; d < width; d += kLanes) products += load(query + d, width - d) * load(key + d, width - d);
    scores[row] = sum(products) * scale;
  }
}

// Turns scores into unnormalised probabilities and returns their sum. The buffer is padded to full vectors.
SCALORA_INLINE float exponentials(float* scores, int64_t count) {
  const float highest = *std::max_element(scores, scores + count);
  std::fill(scores + count, scores + (count + kLanes - 1) / kLanes * kLanes, -std::numeric_limits<float>::infinity());
  Vector sums{};
  for (int64_t i = 0; i < count; i += kLanes) {
    const Vector value = exponential(load(scores + i) - highest);
    store(scores + i, value);
    sums += value;
  }
  return sum(sums);
}

template <typename T>
SCALORA_INLINE void weighRows(const float* weights, const HeadRows<T>& values, int64_t count, float factor, T* out) {
  const int64_t width = values.width;
  for (int64_t d = 0; d < width; d += kLanes) {
    Vector total{};
    for (int64_t row = 0; row < count; ++row) total += load(values[row] + d, width - d) * weights[row];
    store(out + d, total * factor, width - d);
  }
}

// A decoding step: heads [group * shared, (group + 1) * shared) of the queries share one head of keys and values.
struct DecodeStep {
  const at::Tensor &queries, &keys, &values, &cosines, &sines;
  at::TensorList keyCaches, valueCaches;
  at::IntArrayRef lengths;
  float scale;
  int64_t groups, shared, width;
  void* out;
};

// A row of heads of width `width` in a contiguous tensor.
template <typename T>
T* headOf(const at::Tensor& tensor, int64_t row, int64_t head, int64_t width) {
  return tensor.data_ptr<T>() + row * (tensor.numel() / tensor.size(0)) + head * width;
}

template <typename T>
SCALORA_INLINE void attendGroup(const DecodeStep& step, int64_t s, int64_t group, float* scores) {
  const int64_t width = step.width, half = width / 2, past = step.lengths[s];
  const float *cosine = headOf<float>(step.cosines, s, 0, width), *sine = headOf<float>(step.sines, s, 0, width);
  const HeadRows<T> cachedKeys(step.keyCaches[s], group), cachedValues(step.valueCaches[s], group);
  rotateHead(headOf<T>(step.keys, s, group, width), cosine, sine, sine + half, cachedKeys[past], half);
  std::copy_n(headOf<T>(step.values, s, group, width), width, cachedValues[past]);
  std::vector<T> query(width);
  for (int64_t head = group * step.shared; head < (group + 1) * step.shared; ++head) {
    rotateHead(headOf<T>(step.queries, s, head, width), cosine, sine, sine + half, query.data(), half);
    scoreRows<T>(query.data(), cachedKeys, past + 1, step.scale, scores);
    const float total = exponentials(scores, past + 1);
    T* out = static_cast<T*>(step.out) + (s * step.groups * step.shared + head) * width;
    weighRows<T>(scores, cachedValues, past + 1, 1 / total, out);
  }
}

SCALORA_CLONES void attendGroup(const DecodeStep& step, bool half, int64_t s, int64_t group, float* scores) {
  if (half) attendGroup<c10::BFloat16>(step, s, group, scores);
  else attendGroup<float>(step, s, group, scores);
}

void checkCaches(at::TensorList caches, at::IntArrayRef lengths, const at::Tensor& like) {
  for (size_t s = 0; s < lengths.size(); ++s) {
    const at::Tensor& cache = caches[s];
    TORCH_CHECK(hasRows(cache) && cache.dim() == 3 && cache.scalar_type() == like.scalar_type() && cache.size(1) == caches[0].size(1) &&
                    cache.size(2) == caches[0].size(2) && lengths[s] >= 0 && lengths[s] < cache.size(0),
                "decode_attention: a cache of shape ", cache.sizes(), " has no room for a token after ", lengths[s]);
  }
}

// `groups` and `width` are those of the caches, [capacity, groups, width].
void checkDecodeStep(const DecodeStep& step) {
  const auto& [queries, keys, values, cosines, sines, keyCaches, valueCaches, lengths, scale, groups, shared, width, out] = step;
  const int64_t count = static_cast<int64_t>(lengths.size());
  const auto fits = [&](const at::Tensor& tensor, int64_t heads) {
    return hasRows(tensor) && tensor.scalar_type() == queries.scalar_type() && tensor.dim() > 0 && tensor.size(0) == count &&
           tensor.numel() == count * heads * width;
  };
  const auto isTable = [&](const at::Tensor& tensor) {
    return tensor.is_cpu() && tensor.is_contiguous() && tensor.scalar_type() == at::kFloat && tensor.dim() > 0 && tensor.size(0) == count &&
           tensor.numel() == count * width;
  };
  TORCH_CHECK(width > 0 && width % 2 == 0 && groups > 0 && shared > 0 && fits(queries, groups * shared) && fits(keys, groups) &&
                  fits(values, groups) && isTable(cosines) && isTable(sines),
              "decode_attention: queries of shape ", queries.sizes(), ", keys of shape ", keys.sizes(), ", values of shape ",
              values.sizes(), " and rotations of shape ", cosines.sizes(), " do not fit caches of ", groups, " heads of ", width,
              "; expected float32 or bfloat16 on the CPU, a row for each of ", count, " sequences");
  checkCaches(keyCaches, lengths, queries);
  checkCaches(valueCaches, lengths, queries);
}

at::Tensor decodeAttention(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values, const at::Tensor& cosines,
                           const at::Tensor& sines, at::TensorList keyCaches, at::TensorList valueCaches, at::IntArrayRef lengths,
                           double scale) {
  const size_t count = lengths.size();
  TORCH_CHECK(count > 0 && keyCaches.size() == count && valueCaches.size() == count && keyCaches[0].dim() == 3 &&
                  keyCaches[0].sizes().slice(1) == valueCaches[0].sizes().slice(1),
              "decode_attention: expected one cache of keys, one of values and one length for each of ", count, " sequences");
  const int64_t groups = keyCaches[0].size(1), width = keyCaches[0].size(2), rowWidth = queries.numel() / static_cast<int64_t>(count);
  at::Tensor out = at::empty({static_cast<int64_t>(count), rowWidth}, queries.options());
  const DecodeStep step{queries, keys, values, cosines, sines, keyCaches, valueCaches, lengths, static_cast<float>(scale),
                        groups, rowWidth / std::max<int64_t>(1, groups * width), width, out.mutable_data_ptr()};
  checkDecodeStep(step);
  const int64_t longest = *std::max_element(lengths.begin(), lengths.end());
  shareShortWork(static_cast<int64_t>(count) * groups, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> scores(longest + 1 + kLanes);
    for (int64_t i = begin; i < end; ++i)
      attendGroup(step, queries.scalar_type() == at::kBFloat16, i / groups, i % groups, scores.data());
  });
  return out;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(scalora, library) {
  library.def(
      "decode_attention(Tensor queries, Tensor keys, Tensor values, Tensor cosines, Tensor sines, Tensor(a!)[] key_caches, "
      "Tensor(b!)[] value_caches, int[] lengths, float scale) -> Tensor",
      decodeAttention);
}

}  // namespace scalora
