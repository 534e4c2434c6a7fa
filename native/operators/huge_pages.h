// Memory in huge pages, for weights that every token reads from front to back: a CPU prefetches within a page only, and has
// few entries for where pages are.
#pragma once
#include <ATen/core/Tensor.h>

namespace scalora {

// Zeros on the CPU, in huge pages where the system gives them.
at::Tensor zerosInHugePages(at::IntArrayRef shape, at::ScalarType dtype);

}  // namespace scalora
