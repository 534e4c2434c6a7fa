// Counts the memory of the tensors that this thread creates on a device, if its allocator reports to libtorch's profiler, and the
// resident memory of the process meanwhile.
#include "addon.h"

#include <c10/core/Allocator.h>
#include <c10/core/Device.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#if defined(__linux__)
#include <unistd.h>
#endif

#include <algorithm>
#include <cstdio>
#include <memory>
#include <mutex>

namespace scalora {
namespace {

constexpr auto kKind = c10::DebugInfoKind::PROFILER_STATE;

// Resident bytes of this process; 0 where the system is not Linux.
int64_t residentBytes() {
#if defined(__linux__)
  long long total = 0, resident = 0;
  if (FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%lld %lld", &total, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return resident * sysconf(_SC_PAGESIZE);
#else
  return 0;
#endif
}

struct MemoryCount : public c10::MemoryReportingInfoBase {
  explicit MemoryCount(c10::DeviceType type) : type(type) {}

  // `bytes` are allocated, or freed if negative. Frees of older blocks are not reported.
  void reportMemoryUsage(void*, int64_t bytes, size_t, size_t, c10::Device device) override {
    if (device.type() != type) return;
    const std::lock_guard<std::mutex> guard(mutex);
    // What is freed near the peak has been written to, so that it is resident.
    if (bytes < 0 && current > peak - peak / 16) resident = std::max(resident, residentBytes());
    current += bytes;
    peak = std::max(peak, current);
  }
  bool memoryProfilingEnabled() const override { return true; }

  const c10::DeviceType type;
  std::mutex mutex;
  int64_t current = 0, peak = 0, resident = 0;
};

napi_value startMemoryCount(napi_env env, const std::vector<napi_value>& args) {
  const c10::Device device(toString(env, args.at(0), "device"));
  if (c10::ThreadLocalDebugInfo::get(kKind)) throw Failure("internal", "a profiler or another count of memory is running");
  c10::ThreadLocalDebugInfo::_push(kKind, std::make_shared<MemoryCount>(device.type()));
  return undefined(env);
}

// endMemoryCount() -> [bytes of the tensors at the peak, most resident bytes near it]
napi_value endMemoryCount(napi_env env, const std::vector<napi_value>&) {
  const auto count = std::static_pointer_cast<MemoryCount>(c10::ThreadLocalDebugInfo::_pop(kKind));
  napi_value result;
  check(env, napi_create_array_with_length(env, 2, &result));
  check(env, napi_set_element(env, result, 0, fromInteger(env, count->peak)));
  check(env, napi_set_element(env, result, 1, fromInteger(env, count->resident)));
  return result;
}

}  // namespace

void registerMemoryCount(napi_env env, napi_value exports) {
  define(env, exports, "startMemoryCount", startMemoryCount);
  define(env, exports, "endMemoryCount", endMemoryCount);
}

}  // namespace scalora
