// scalora::decode_attention: attention of one new token for each of several sequences, in fp32 on the CPU. The token is added
// to its sequence's cache and attends to all tokens there. Sequences can have different lengths; nothing is padded, copied or
// repeated.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "vectors.h"

namespace scalora {
namespace {

// Rows of one head in a [rows, heads, width] tensor.
struct Rows {
  float* data;
  int64_t stride, width;
  Rows(const at::Tensor& tensor, int64_t head)
      : data(tensor.data_ptr<float>() + head * tensor.size(2)), stride(tensor.stride(0)), width(tensor.size(2)) {}
  float* operator[](int64_t row) const { return data + row * stride; }
};

SCALORA_CLONES void scoreRows(const float* query, const Rows& keys, int64_t count, float scale, float* scores) {
  const int64_t width = keys.width;
  for (int64_t row = 0; row < count; ++row) {
    const float* key = keys[row];
    Vector products{};
    float rest = 0;
    int64_t d = 0;
    for (; d + kLanes <= width; d += kLanes) products += load(query + d) * load(key + d);
    for (; d < width; ++d) rest += query[d] * key[d];
    scores[row] = (sum(products) + rest) * scale;
  }
}

// Turns scores into unnormalised probabilities and returns their sum. The buffer is padded to full vectors.
SCALORA_CLONES float exponentials(float* scores, int64_t count) {
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

SCALORA_CLONES void weighRows(const float* weights, const Rows& values, int64_t count, float factor, float* out) {
  const int64_t width = values.width;
  int64_t d = 0;
  for (; d + kLanes <= width; d += kLanes) {
    Vector total{};
    for (int64_t row = 0; row < count; ++row) total += load(values[row] + d) * weights[row];
    store(out + d, total * factor);
  }
  for (; d < width; ++d) {
    float total = 0;
    for (int64_t row = 0; row < count; ++row) total += values[row][d] * weights[row];
    out[d] = total * factor;
  }
}

void check(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values, at::TensorList keyCaches,
           at::TensorList valueCaches, at::IntArrayRef lengths) {
  const auto isOurs = [](const at::Tensor& tensor) {
    return tensor.is_cpu() && tensor.scalar_type() == at::kFloat && tensor.dim() == 3 && tensor.is_contiguous();
  };
  TORCH_CHECK(isOurs(queries) && isOurs(keys) && isOurs(values) && keys.sizes() == values.sizes() &&
                  queries.size(0) == keys.size(0) && queries.size(2) == keys.size(2) && keys.size(1) > 0 &&
                  queries.size(1) % keys.size(1) == 0,
              "decode_attention: queries of shape ", queries.sizes(), ", keys of shape ", keys.sizes(), " and values of shape ",
              values.sizes(), " do not fit; expected float32 on the CPU, [S, heads, width] and twice [S, groups, width]");
  const size_t count = queries.size(0);
  TORCH_CHECK(keyCaches.size() == count && valueCaches.size() == count && lengths.size() == count,
              "decode_attention: expected one cache of keys, one of values and one length for each of ", count, " sequences");
  for (size_t s = 0; s < count; ++s)
    for (const at::Tensor& cache : {keyCaches[s], valueCaches[s]})
      TORCH_CHECK(isOurs(cache) && cache.size(1) == keys.size(1) && cache.size(2) == keys.size(2) && lengths[s] >= 0 &&
                      lengths[s] < cache.size(0),
                  "decode_attention: a cache of shape ", cache.sizes(), " has no room for a token after ", lengths[s]);
}

at::Tensor decodeAttention(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values, at::TensorList keyCaches,
                           at::TensorList valueCaches, at::IntArrayRef lengths, double scale) {
  check(queries, keys, values, keyCaches, valueCaches, lengths);
  const int64_t groups = keys.size(1), shared = queries.size(1) / groups, width = queries.size(2);
  at::Tensor out = at::empty_like(queries);
  at::parallel_for(0, queries.size(0) * groups, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> scores;
    for (int64_t i = begin; i < end; ++i) {
      const int64_t s = i / groups, group = i % groups, past = lengths[s];
      const Rows cachedKeys(keyCaches[s], group), cachedValues(valueCaches[s], group);
      std::copy_n(Rows(keys, group)[s], width, cachedKeys[past]);
      std::copy_n(Rows(values, group)[s], width, cachedValues[past]);
      scores.resize(past + 1 + kLanes);
      for (int64_t head = group * shared; head < (group + 1) * shared; ++head) {
        scoreRows(Rows(queries, head)[s], cachedKeys, past + 1, static_cast<float>(scale), scores.data());
        const float total = exponentials(scores.data(), past + 1);
        weighRows(scores.data(), cachedValues, past + 1, 1 / total, Rows(out, head)[s]);
      }
    }
  });
  return out;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(scalora, library) {
  library.def(
      "decode_attention(Tensor queries, Tensor keys, Tensor values, Tensor(a!)[] key_caches, Tensor(b!)[] value_caches, "
      "int[] lengths, float scale) -> Tensor",
      decodeAttention);
}

}  // namespace scalora
