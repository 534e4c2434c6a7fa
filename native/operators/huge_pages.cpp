#include "huge_pages.h"

#include <ATen/ATen.h>
#include <c10/util/accumulate.h>
#include <torch/library.h>

#if defined(__linux__)
#include <sys/mman.h>

#include <algorithm>
#include <memory>
#include <mutex>
#endif

namespace scalora {

#if defined(__linux__)
namespace {

constexpr size_t kHugePage = 2 << 20;
constexpr size_t kRegionBytes = 32 * kHugePage;
constexpr size_t kApart = 64;  // bytes: tensors begin at a multiple

// Many weights are smaller than a huge page, so they lie side by side in a region, which is freed with the last of them. What
// is not used of a region takes no memory.
class Region {
 public:
  explicit Region(size_t bytes) : size_(bytes + kHugePage), mapped_(mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    if (mapped_ == MAP_FAILED) return;
    const auto begin = reinterpret_cast<uintptr_t>(mapped_), aligned = (begin + kHugePage - 1) / kHugePage * kHugePage;
    next_ = static_cast<char*>(mapped_) + (aligned - begin);
    left_ = bytes;
    madvise(next_, left_, MADV_HUGEPAGE);  // without huge pages the memory is as any other
  }
  ~Region() {
    if (mapped_ != MAP_FAILED) munmap(mapped_, size_);
  }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  // Null where there is no room.
  void* take(size_t bytes) {
    if (bytes > left_) return nullptr;
    left_ -= bytes;
    next_ += bytes;
    return next_ - bytes;
  }

 private:
  size_t size_;
  void* mapped_;
  char* next_ = nullptr;
  size_t left_ = 0;
};

std::mutex regionMutex;
std::weak_ptr<Region> lastRegion;

}  // namespace

at::Tensor zerosInHugePages(at::IntArrayRef shape, at::ScalarType dtype) {
  const size_t bytes = static_cast<size_t>(c10::multiply_integers(shape)) * c10::elementSize(dtype);
  const size_t rounded = (bytes + kApart - 1) / kApart * kApart;
  const std::lock_guard<std::mutex> lock(regionMutex);
  std::shared_ptr<Region> region = lastRegion.lock();
  void* data = region ? region->take(rounded) : nullptr;
  if (!data) {
    region = std::make_shared<Region>(std::max(rounded, kRegionBytes));
    lastRegion = region;
    data = region->take(rounded);
  }
  if (!data) return at::zeros(shape, dtype);
  return at::from_blob(data, shape, [region](void*) {}, at::TensorOptions(dtype));
}

#else
at::Tensor zerosInHugePages(at::IntArrayRef shape, at::ScalarType dtype) { return at::zeros(shape, dtype); }
#endif

namespace {

at::Tensor copyToHugePages(const at::Tensor& x, at::ScalarType dtype) {
  TORCH_CHECK(x.is_cpu() && !x.requires_grad(), "copy_to_huge_pages: expected a tensor on the CPU that needs no gradient");
  return zerosInHugePages(x.sizes(), dtype).copy_(x);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(scalora, library) {
  library.def("copy_to_huge_pages(Tensor x, ScalarType dtype) -> Tensor", copyToHugePages);
}

}  // namespace scalora
