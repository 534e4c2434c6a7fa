// Perplexity of a GGUF file in llama.cpp, as `llama-perplexity -c 512` measures it: pieces of 512 tokens, each alone, of which the second
// half counts. bench/gguf-perplexity.ts is ours.
//
//   llama_perplexity FILE.gguf TEXT PIECES
//
// Built as tools/reference/llama_quantize.cpp is.
#include "llama.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

constexpr int kPiece = 512, kFirst = kPiece / 2;

std::vector<llama_token> tokensOf(const llama_vocab* vocabulary, const std::string& text) {
  std::vector<llama_token> tokens(text.size() + 2);
  const int count = llama_tokenize(vocabulary, text.data(), static_cast<int>(text.size()), tokens.data(), static_cast<int>(tokens.size()), true, false);
  tokens.resize(std::max(0, count));
  return tokens;
}

// −log of the probability of a token.
double loss(const float* logits, int count, llama_token token) {
  const float most = *std::max_element(logits, logits + count);
  double sum = 0;
  for (int i = 0; i < count; ++i) sum += std::exp(static_cast<double>(logits[i] - most));
  return std::log(sum) + most - logits[token];
}

int main(int, char** arguments) {
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  llama_backend_init();
  llama_model* model = llama_model_load_from_file(arguments[1], llama_model_default_params());
  if (!model) return 2;
  llama_context_params parameters = llama_context_default_params();
  parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = kPiece;
  parameters.n_threads = parameters.n_threads_batch = 1;
  llama_context* context = llama_init_from_model(model, parameters);
  const llama_vocab* vocabulary = llama_model_get_vocab(model);
  std::ifstream file(arguments[2]);
  std::stringstream text;
  text << file.rdbuf();
  const int pieces = std::atoi(arguments[3]), size = llama_vocab_n_tokens(vocabulary);
  std::vector<llama_token> tokens = tokensOf(vocabulary, text.str().substr(0, static_cast<size_t>(pieces) * kPiece * 8));
  double sum = 0;
  for (int piece = 0; piece < pieces; ++piece) {
    llama_token* at = tokens.data() + piece * kPiece;
    if (llama_vocab_get_add_bos(vocabulary)) at[0] = llama_vocab_bos(vocabulary);
    llama_memory_clear(llama_get_memory(context), true);
    llama_batch batch = llama_batch_init(kPiece, 0, 1);
    batch.n_tokens = kPiece;
    for (int i = 0; i < kPiece; ++i) {
      batch.token[i] = at[i], batch.pos[i] = i, batch.n_seq_id[i] = 1, batch.seq_id[i][0] = 0;
      batch.logits[i] = i >= kFirst && i < kPiece - 1;
    }
    if (llama_decode(context, batch) != 0) return 1;
    for (int i = kFirst; i < kPiece - 1; ++i) sum += loss(llama_get_logits_ith(context, i), size, at[i + 1]);
    llama_batch_free(batch);
  }
  std::printf("%s %.4f\n", arguments[1], std::exp(sum / (static_cast<double>(pieces) * (kPiece - 1 - kFirst))));
}
