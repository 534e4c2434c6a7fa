// Prints the types that llama.cpp gives some tensors of models in each quantised file type, as JSON: in the order in which it goes
// through them (src/gguf/quantise/choose-types.test.ts names them).
//
//   g++ -std=c++17 -I llama.cpp/include -I llama.cpp/ggml/include -I llama.cpp/src tools/reference/gguf_types.cpp \
//     -L build/bin -lllama -lggml-base -o gguf_types
//   LD_LIBRARY_PATH=build/bin ./gguf_types > test/golden/gguf/types.json
//
// with llama.cpp built as tools/reference/gguf_quants.py says (target llama).
#include "ggml.h"
#include "llama-ext.h"
#include "llama.h"

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

struct Model {
  const char* architecture;
  uint32_t layers, heads, keyHeads, width, hidden;
  bool tied;
};

// SmolLM2's and Gemma's shapes, a width that no block divides, and 80 layers.
const Model kModels[] = {
    {"llama", 30, 9, 3, 576, 1536, true},   {"llama", 32, 32, 8, 4096, 14336, false}, {"llama", 2, 4, 2, 256, 48, false},
    {"llama", 5, 4, 4, 80, 512, true},      {"llama", 80, 64, 8, 512, 1024, false},   {"llama", 80, 8, 8, 512, 1024, false},
    {"qwen2", 24, 14, 2, 896, 4864, true},  {"qwen3", 28, 16, 8, 1024, 3072, true},
    {"gemma3", 18, 4, 1, 640, 2048, true},  {"gemma2", 26, 8, 4, 2304, 9216, true},   {"llama", 9, 4, 2, 33, 33, true},
};

const std::pair<const char*, llama_ftype> kFileTypes[] = {{"Q4_0", LLAMA_FTYPE_MOSTLY_Q4_0},
                                                          {"Q8_0", LLAMA_FTYPE_MOSTLY_Q8_0},
                                                          {"Q4_K_M", LLAMA_FTYPE_MOSTLY_Q4_K_M},
                                                          {"Q5_K_M", LLAMA_FTYPE_MOSTLY_Q5_K_M},
                                                          {"Q6_K", LLAMA_FTYPE_MOSTLY_Q6_K}};

std::vector<ggml_tensor*> tensorsOf(ggml_context* context, const Model& model) {
  std::vector<ggml_tensor*> tensors;
  const auto add = [&](const std::string& name, int64_t columns, int64_t rows) {
    ggml_tensor* tensor = ggml_new_tensor_2d(context, GGML_TYPE_F32, columns, rows);
    ggml_set_name(tensor, name.c_str());
    tensors.push_back(tensor);
  };
  if (!model.tied) add("output.weight", model.width, 64);
  add("output_norm.weight", model.width, 1);
  add("token_embd.weight", model.width, 64);
  for (uint32_t layer = 0; layer < model.layers; ++layer) {
    const std::string block = "blk." + std::to_string(layer) + ".";
    add(block + "attn_norm.weight", model.width, 1);
    add(block + "attn_q.weight", model.width, 64);
    add(block + "attn_v.weight", model.width, 32);
    add(block + "ffn_down.weight", model.hidden, 64);
    add(block + "ffn_up.weight", model.width, 64);
  }
  return tensors;
}

int main() {
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  std::printf("[");
  const char* separator = "";
  for (const Model& model : kModels) {
    ggml_context* context = ggml_init({1 << 24, nullptr, true});
    std::vector<ggml_tensor*> tensors = tensorsOf(context, model);
    llama_quant_model_desc description{};
    description.architecture = model.architecture;
    description.n_embd = model.width;
    description.n_ff = model.hidden;
    description.n_layer = model.layers;
    description.n_head = model.heads;
    description.n_head_kv = model.keyHeads;
    description.n_embd_head_k = description.n_embd_head_v = 32;
    const llama_model_quantize_params parameters = llama_model_quantize_default_params();
    quantize_state_impl* state = llama_quant_init(llama_quant_model_from_metadata(&description), &parameters);
    std::printf("%s\n{\"architecture\":\"%s\",\"layers\":%u,\"heads\":%u,\"keyHeads\":%u,\"width\":%u,\"hidden\":%u,\"tied\":%s,\"types\":{",
                separator, model.architecture, model.layers, model.heads, model.keyHeads, model.width, model.hidden,
                model.tied ? "true" : "false");
    const char* comma = "";
    for (const auto& [name, fileType] : kFileTypes) {
      std::vector<ggml_type> types(tensors.size());
      llama_quant_compute_types(state, fileType, tensors.data(), types.data(), tensors.size());
      std::printf("%s\n\"%s\":\"", comma, name);
      for (size_t i = 0; i < types.size(); ++i) std::printf("%s%s", i ? " " : "", ggml_type_name(types[i]));
      std::printf("\"");
      comma = ",";
    }
    std::printf("}}");
    separator = ",";
    llama_quant_free(state);
    ggml_free(context);
  }
  std::printf("]\n");
}
