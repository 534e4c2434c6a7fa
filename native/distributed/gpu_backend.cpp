// Built with NCCL where set-up finds its headers and CUDA's beside libtorch's own library for CUDA (src/setup/nccl-headers.ts).
#include "gpu_backend.h"

#include "../binding/addon.h"

#include <ATen/Context.h>
#ifdef USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

namespace scalora {

#ifdef USE_C10D_NCCL

c10::intrusive_ptr<c10d::Backend> makeGpuBackend(const c10::intrusive_ptr<c10d::Store>& store, int rank, int size,
                                                 std::chrono::milliseconds timeout) {
  if (!at::globalContext().hasCUDA()) throw Failure("run", "no CUDA device is available", "", "use tensors on the CPU");
  const auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = timeout;
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, rank, size, options);
}

#else

c10::intrusive_ptr<c10d::Backend> makeGpuBackend(const c10::intrusive_ptr<c10d::Store>&, int, int, std::chrono::milliseconds) {
  throw Failure("run", "this build has no NCCL: collectives take tensors on the CPU", "",
                "install torch with CUDA and NVIDIA's wheels of the headers of CUDA and NCCL, remove the folder `state` of scalora's cache, and run `npx scalora setup`");
}

#endif

}  // namespace scalora
