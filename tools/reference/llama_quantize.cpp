// llama.cpp's `llama_model_quantize` as a program, with the arguments of `llama-quantize`, for those who would rather not build all that
// `llama-quantize` is linked with:
//
//   llama_quantize [--imatrix FILE.gguf] IN.gguf OUT.gguf TYPE
//
//   g++ -std=c++17 -I llama.cpp/include -I llama.cpp/ggml/include tools/reference/llama_quantize.cpp -L build/bin -lllama -lggml-base \
//     -Wl,-rpath,build/bin -o llama_quantize
//
// with the target `llama` built as tools/reference/gguf_quants.py says. An importance matrix is read, and told in the file's keys,
// as `llama-quantize` does.
#include "ggml.h"
#include "gguf.h"
#include "llama.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace {

const std::map<std::string, llama_ftype> kTypes{
    {"F16", LLAMA_FTYPE_MOSTLY_F16},       {"BF16", LLAMA_FTYPE_MOSTLY_BF16},     {"Q4_0", LLAMA_FTYPE_MOSTLY_Q4_0},
    {"Q8_0", LLAMA_FTYPE_MOSTLY_Q8_0},     {"Q4_K_M", LLAMA_FTYPE_MOSTLY_Q4_K_M}, {"Q5_K_M", LLAMA_FTYPE_MOSTLY_Q5_K_M},
    {"Q6_K", LLAMA_FTYPE_MOSTLY_Q6_K},
};

struct Imatrix {
  std::map<std::string, std::vector<float>> means;
  std::string dataset;
  uint32_t chunks = 0;
};

Imatrix readImatrix(const char* path) {
  ggml_context* context = nullptr;
  gguf_context* file = gguf_init_from_file(path, {false, &context});
  if (!file) std::exit(2);
  Imatrix result;
  result.dataset = gguf_get_arr_str(file, gguf_find_key(file, "imatrix.datasets"), 0);
  result.chunks = gguf_get_val_u32(file, gguf_find_key(file, "imatrix.chunk_count"));
  for (ggml_tensor* sums = ggml_get_first_tensor(context); sums; sums = ggml_get_next_tensor(context, sums)) {
    const std::string stored = sums->name, suffix = ".in_sum2";
    if (stored.size() < suffix.size() || stored.substr(stored.size() - suffix.size()) != suffix) continue;
    const std::string name = stored.substr(0, stored.size() - suffix.size());
    const ggml_tensor* counts = ggml_get_tensor(context, (name + ".counts").c_str());
    const float count = std::lround(static_cast<const float*>(counts->data)[0]);
    std::vector<float> means(ggml_nelements(sums), 1);
    if (count > 0)
      for (size_t i = 0; i < means.size(); ++i) means[i] = static_cast<const float*>(sums->data)[i] / count;
    result.means.emplace(name, std::move(means));
  }
  return result;
}

llama_model_kv_override textKey(const char* key, const std::string& value) {
  llama_model_kv_override result{};
  std::strcpy(result.key, key);
  result.tag = LLAMA_KV_OVERRIDE_TYPE_STR;
  std::strncpy(result.val_str, value.c_str(), 127);
  return result;
}

llama_model_kv_override numberKey(const char* key, int64_t value) {
  llama_model_kv_override result{};
  std::strcpy(result.key, key);
  result.tag = LLAMA_KV_OVERRIDE_TYPE_INT;
  result.val_i64 = value;
  return result;
}

}  // namespace

int main(int count, char** arguments) {
  const bool weighted = count > 2 && std::strcmp(arguments[1], "--imatrix") == 0;
  char** files = arguments + (weighted ? 3 : 1);
  llama_log_set([](ggml_log_level level, const char* text, void*) { if (level >= GGML_LOG_LEVEL_WARN) std::fputs(text, stderr); }, nullptr);
  llama_model_quantize_params parameters = llama_model_quantize_default_params();
  parameters.ftype = kTypes.at(files[2]);
  Imatrix imatrix;
  std::vector<llama_model_imatrix_data> entries;
  std::vector<llama_model_kv_override> keys;
  if (weighted) {
    imatrix = readImatrix(arguments[2]);
    for (const auto& [name, means] : imatrix.means) entries.push_back({name.c_str(), means.data(), means.size()});
    entries.push_back({nullptr, nullptr, 0});
    keys = {textKey("quantize.imatrix.file", arguments[2]), textKey("quantize.imatrix.dataset", imatrix.dataset),
            numberKey("quantize.imatrix.entries_count", imatrix.means.size()),
            numberKey("quantize.imatrix.chunks_count", imatrix.chunks), llama_model_kv_override{}};
    parameters.imatrix = entries.data();
    parameters.kv_overrides = keys.data();
  }
  llama_backend_init();
  return static_cast<int>(llama_model_quantize(files[0], files[1], &parameters));
}
