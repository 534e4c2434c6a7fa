// CUDA's graphs, as torch.cuda.graph records them. Built where set-up finds the headers of CUDA beside libtorch's own library for CUDA
// (src/setup/nccl-headers.ts).
#include "device_graph.h"

#include "addon.h"

#include <ATen/Context.h>
#ifdef USE_C10D_NCCL  // then CUDA's headers are there
#include <ATen/core/CachingHostAllocator.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <map>
#include <mutex>
#endif

namespace scalora {

#ifdef USE_C10D_NCCL

namespace {

using c10::cuda::CUDAStream;

// The default stream cannot be recorded. One for each device, so that cuBLAS has one workspace more and no others.
CUDAStream recordingStream(c10::DeviceIndex device) {
  static std::mutex mutex;
  static std::map<c10::DeviceIndex, CUDAStream> streams;
  const std::lock_guard<std::mutex> lock(mutex);
  const auto found = streams.find(device);
  return found != streams.end() ? found->second : streams.emplace(device, c10::cuda::getStreamFromPool(false, device)).first->second;
}

using Pool = std::shared_ptr<const c10::MempoolId_t>;

// The memory that the graphs of a device share: nothing that one leaves in it is read after the next has begun. libtorch takes a pool
// for gone once its last graph is, so the next graph then has a new one.
class Pools {
 public:
  Pool of(c10::DeviceIndex device) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (Pool shared = pools_[device].lock()) return shared;
    const auto made = std::make_shared<const c10::MempoolId_t>(at::cuda::graph_pool_handle());
    pools_[device] = made;
    return made;
  }
  // No later graph has the present one.
  void forget(c10::DeviceIndex device) {
    const std::lock_guard<std::mutex> lock(mutex_);
    pools_.erase(device);
  }

 private:
  std::mutex mutex_;
  std::map<c10::DeviceIndex, std::weak_ptr<const c10::MempoolId_t>> pools_;
};
Pools pools;

// For steps of a recovery, each of which may find nothing to do.
template <typename Step>
void attempt(Step step) noexcept {
  try {
    step();
  } catch (...) {
  }
}

class CudaGraph final : public GraphRecorder {
 public:
  explicit CudaGraph(const c10::Device& device)
      : device_(device),
        before_(c10::cuda::getCurrentCUDAStream(device.index())),
        stream_(recordingStream(device.index())),
        pool_(pools.of(device.index())) {}

  void begin() override {
    const c10::cuda::CUDAGuard guard(device_);
    c10::cuda::device_synchronize();
    c10::cuda::setCurrentCUDAStream(stream_);
    try {
      // Autograd's threads are recorded too, because they work on this stream; in this mode other threads may allocate meanwhile.
      graph_.capture_begin(*pool_, cudaStreamCaptureModeThreadLocal);
    } catch (...) {
      leaveAllocators();
      attempt([&] { c10::cuda::setCurrentCUDAStream(before_); });
      throw;
    }
  }

  void end() override {
    const c10::cuda::CUDAGuard guard(device_);
    graph_.capture_end();
    c10::cuda::setCurrentCUDAStream(before_);
  }

  void abandon() noexcept override {
    attempt([&] {
      const c10::cuda::CUDAGuard guard(device_);
      try {
        graph_.capture_end();
        graph_.reset();
      } catch (...) {  // CUDA has given it up itself
        leaveAllocators();
      }
    });
    attempt([] { c10::cuda::CUDACachingAllocator::emptyCache(); });
    attempt([&] { c10::cuda::setCurrentCUDAStream(before_); });
  }

  void replay() override { graph_.replay(); }

 private:
  // After a failure libtorch leaves its allocators as if they still served the recording.
  void leaveAllocators() noexcept {
    const auto device = device_.index();
    attempt([&] {
      c10::cuda::CUDACachingAllocator::endAllocateToPool(device, *pool_);
      c10::cuda::CUDACachingAllocator::releasePool(device, *pool_);
    });
    attempt([&] {
      at::HostAllocator* pinned = at::getHostAllocator(at::kCUDA);
      pinned->end_allocate_to_pool(*pool_);
      pinned->release_pool(*pool_);
    });
    attempt([&] { pools.forget(device); });
  }

  const c10::Device device_;
  const CUDAStream before_, stream_;
  const Pool pool_;  // outlives the graph
  at::cuda::CUDAGraph graph_;
};

}  // namespace

std::unique_ptr<GraphRecorder> makeCudaGraph(const c10::Device& device) {
  if (!at::globalContext().hasCUDA()) throw Failure("run", "no CUDA device is available", device.str());
  return std::make_unique<CudaGraph>(device);
}

#else

std::unique_ptr<GraphRecorder> makeCudaGraph(const c10::Device& device) {
  throw Failure("run", "this build has no CUDA graphs", device.str(),
                "install torch with CUDA and NVIDIA's wheels of the headers of CUDA and NCCL, remove the folder `state` of scalora's cache, and run `npx scalora setup`");
}

#endif

}  // namespace scalora
