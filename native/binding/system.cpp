// Threads, memory and devices.
#include "addon.h"
#include "../operators/attention.h"
#include "../operators/gemm.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <torch/csrc/api/include/torch/version.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include <cstdlib>  // defines __GLIBC__ where it is glibc
#ifdef __GLIBC__
#include <malloc.h>
#endif
#ifdef __linux__
#include <dlfcn.h>
#endif

namespace scalora {
namespace {

// The CUDA library must be loaded before the first query for CUDA, whose result libtorch caches.
void loadCuda() {
#ifdef __linux__
  if (dlopen("libcuda.so.1", RTLD_LAZY)) dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL);
#endif
}

napi_value version(napi_env env, const std::vector<napi_value>&) { return fromString(env, TORCH_VERSION); }
napi_value parallelInfo(napi_env env, const std::vector<napi_value>&) { return fromString(env, at::get_parallel_info()); }
napi_value cpuCapability(napi_env env, const std::vector<napi_value>&) { return fromString(env, at::get_cpu_capability()); }
napi_value cudaDevices(napi_env env, const std::vector<napi_value>&) {
  return fromNumber(env, at::globalContext().hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0);
}

// The allocator of a GPU, and the GPU's number; null where libtorch has none that tells about its memory.
std::pair<c10::DeviceAllocator*, c10::DeviceIndex> allocatorOf(napi_env env, napi_value name) {
  const c10::Device device(toString(env, name, "device"));
  const bool isKnown = device.is_cuda() || device.is_privateuseone();
  if (device.is_cuda()) at::globalContext().lazyInitDevice(device.type());
  return {isKnown ? c10::getDeviceAllocator(device.type()) : nullptr, static_cast<c10::DeviceIndex>(std::max<int>(0, device.index()))};
}

// deviceMemory(device) -> bytes of [tensors now, tensors at most so far, what the allocator holds, free, all]; 0 of all where a
// device has no memory of its own. undefined where libtorch cannot tell.
napi_value deviceMemory(napi_env env, const std::vector<napi_value>& args) {
  const auto [allocator, index] = allocatorOf(env, args.at(0));
  if (allocator == nullptr) return undefined(env);
  const auto stats = allocator->getDeviceStats(index);
  const auto [free, total] = allocator->getMemoryInfo(index);
  const auto& tensors = stats.allocated_bytes[0];
  const std::array<int64_t, 5> values{tensors.current, tensors.peak, stats.reserved_bytes[0].current, static_cast<int64_t>(free),
                                      static_cast<int64_t>(total)};
  napi_value result;
  check(env, napi_create_array_with_length(env, values.size(), &result));
  for (size_t i = 0; i < values.size(); ++i) check(env, napi_set_element(env, result, static_cast<uint32_t>(i), fromInteger(env, values[i])));
  return result;
}

napi_value resetDevicePeak(napi_env env, const std::vector<napi_value>& args) {
  const auto [allocator, index] = allocatorOf(env, args.at(0));
  if (allocator != nullptr) allocator->resetPeakStats(index);
  return undefined(env);
}

napi_value hasFusedAttention(napi_env env, const std::vector<napi_value>&) { return fromBool(env, scalora::hasFusedAttention()); }

napi_value hasOneDnn(napi_env env, const std::vector<napi_value>&) { return fromBool(env, scalora::hasOneDnn()); }

napi_value threads(napi_env env, const std::vector<napi_value>&) { return fromNumber(env, at::get_num_threads()); }
napi_value setThreads(napi_env env, const std::vector<napi_value>& args) {
  int64_t count = toInteger(env, args.at(0), "threads");
  if (count < 1 || count > 4096) throw Failure("tensor", "the number of threads must be from 1 to 4096", std::to_string(count));
  at::set_num_threads(static_cast<int>(count));
  return undefined(env);
}

// Every step allocates and frees large buffers. Without these settings each one is mapped, zeroed page by page and unmapped,
// which takes most of a step's time on virtual machines (docs/decisions.md). They apply to the whole process: on request only.
// Returns false if there is nothing to set: only glibc's malloc has these settings.
napi_value keepFreedMemory(napi_env env, const std::vector<napi_value>&) {
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 64 << 20);
  return fromBool(env, true);
#else
  return fromBool(env, false);
#endif
}

// Returns free memory to the system; tokenising threads leave much of it.
napi_value releaseFreeMemory(napi_env env, const std::vector<napi_value>&) {
#ifdef __GLIBC__
  return fromBool(env, malloc_trim(0) != 0);
#else
  return fromBool(env, false);
#endif
}

// Ends the process at once, without the destructors of libtorch and of others.
napi_value endProcess(napi_env env, const std::vector<napi_value>& args) {
  const int64_t code = toInteger(env, args.at(0), "exit code");
  std::fflush(nullptr);
  std::_Exit(static_cast<int>(code));
}

napi_value setGemmBackendByName(napi_env env, const std::vector<napi_value>& args) {
  std::string name = toString(env, args.at(0), "backend");
  if (name != "aten" && name != "onednn") throw Failure("tensor", "unknown GEMM backend", name, "use aten or onednn");
  setGemmBackend(name == "onednn" ? GemmBackend::OneDnn : GemmBackend::Aten);
  return undefined(env);
}

}  // namespace

void registerSystem(napi_env env, napi_value exports) {
  loadCuda();
  define(env, exports, "version", version);
  define(env, exports, "parallelInfo", parallelInfo);
  define(env, exports, "cpuCapability", cpuCapability);
  define(env, exports, "cudaDevices", cudaDevices);
  define(env, exports, "deviceMemory", deviceMemory);
  define(env, exports, "resetDevicePeak", resetDevicePeak);
  define(env, exports, "hasFusedAttention", hasFusedAttention);
  define(env, exports, "hasOneDnn", hasOneDnn);
  define(env, exports, "threads", threads);
  define(env, exports, "setThreads", setThreads);
  define(env, exports, "keepFreedMemory", keepFreedMemory);
  define(env, exports, "releaseFreeMemory", releaseFreeMemory);
  define(env, exports, "endProcess", endProcess);
  define(env, exports, "setGemmBackend", setGemmBackendByName);
}

}  // namespace scalora
