// Files mapped privately, so that weights are read without a copy. A mapped file that is cut short by another process
// raises SIGBUS on access; the handler below puts zeros in its place and marks the damage, which mappedFilesIntact()
// reports, so that a run stops with an error instead of the process dying.
#include "addon.h"
#include "slots.h"

#include <ATen/ATen.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>

namespace scalora {
namespace {

constexpr size_t kMaxMappings = 4096;
struct Range {
  std::atomic<uintptr_t> begin{0}, end{0};
};
Range ranges[kMaxMappings];  // read by the signal handler: no locks, no allocation
std::atomic<bool> intact{true};
struct sigaction previousAction;

void onBusError(int signal, siginfo_t* info, void* context) {
  auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  for (const Range& range : ranges) {
    if (address < range.begin.load() || address >= range.end.load()) continue;
    static const uintptr_t page = 4096;
    void* start = reinterpret_cast<void*>(address & ~(page - 1));
    if (mmap(start, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) break;
    intact.store(false);
    return;
  }
  if (previousAction.sa_flags & SA_SIGINFO && previousAction.sa_sigaction) {
    previousAction.sa_sigaction(signal, info, context);
    return;
  }
  ::signal(SIGBUS, SIG_DFL);  // not ours: die as the process would have without us
}

void installHandler() {
  static bool once = [] {
    // The handler gets a stack of its own: oneDNN's kernels may have the thread's stack pointer in the heap (signals.h).
    static char stack[64 << 10];
    stack_t alternate{};
    alternate.ss_sp = stack;
    alternate.ss_size = sizeof(stack);
    sigaltstack(&alternate, nullptr);
    struct sigaction action {};
    action.sa_sigaction = onBusError;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGBUS, &action, &previousAction);
    return true;
  }();
  (void)once;
}

class Mapping {
 public:
  explicit Mapping(const std::string& path) {
    installHandler();
    int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) throw Failure("format", "cannot open " + path + ": " + std::strerror(errno));
    struct stat status {};
    fstat(file, &status);
    size = static_cast<size_t>(status.st_size);
    data = size ? mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0) : nullptr;
    int code = errno;
    close(file);
    if (data == MAP_FAILED) throw Failure("format", "cannot map " + path + ": " + std::strerror(code));
    for (Range& range : ranges) {
      uintptr_t expected = 0;
      if (!range.begin.compare_exchange_strong(expected, reinterpret_cast<uintptr_t>(data))) continue;
      range.end.store(reinterpret_cast<uintptr_t>(data) + size);
      range_ = &range;
      return;
    }
    munmap(data, size);
    throw Failure("format", "too many mapped files");
  }
  ~Mapping() {
    if (!data) return;
    range_->end.store(0);
    range_->begin.store(0);
    munmap(data, size);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  void* data = nullptr;
  size_t size = 0;

 private:
  Range* range_ = nullptr;
};

Slots<std::shared_ptr<Mapping>>& mappingSlots() {
  static auto* slots = new Slots<std::shared_ptr<Mapping>>();
  return *slots;
}

std::shared_ptr<Mapping> mappingAt(napi_env env, const std::vector<napi_value>& args) {
  auto mapping = mappingSlots().get(toNumber(env, args.at(0), "file"));
  if (!mapping) throw Failure("tensor", "this mapped file was closed");
  return *mapping;
}

// mapFile(path) -> [handle, size in bytes]
napi_value mapFile(napi_env env, const std::vector<napi_value>& args) {
  auto mapping = std::make_shared<Mapping>(toString(env, args.at(0), "path"));
  napi_value result;
  check(env, napi_create_array_with_length(env, 2, &result));
  check(env, napi_set_element(env, result, 1, fromInteger(env, static_cast<int64_t>(mapping->size))));
  check(env, napi_set_element(env, result, 0, fromNumber(env, mappingSlots().add(mapping))));
  return result;
}

// mappedTensor(file, byteOffset, shape, dtype): shares the mapping when aligned, a copy otherwise
napi_value mappedTensor(napi_env env, const std::vector<napi_value>& args) {
  auto mapping = mappingAt(env, args);
  int64_t offset = toInteger(env, args.at(1), "byteOffset");
  std::vector<int64_t> shape = toIntegers(env, args.at(2), "shape");
  auto dtype = static_cast<at::ScalarType>(toInteger(env, args.at(3), "dtype"));
  size_t width = c10::elementSize(dtype);
  size_t bytes = width;
  for (int64_t extent : shape) {
    if (extent < 0 || __builtin_mul_overflow(bytes, static_cast<size_t>(extent), &bytes))
      throw Failure("format", "the shape of a mapped tensor is not possible");
  }
  if (offset < 0 || static_cast<size_t>(offset) > mapping->size || bytes > mapping->size - static_cast<size_t>(offset))
    throw Failure("format", "a mapped tensor reaches beyond the end of its file");
  char* start = static_cast<char*>(mapping->data) + offset;
  if (bytes == 0 || reinterpret_cast<uintptr_t>(start) % width != 0) {
    at::Tensor copy = at::empty(shape, dtype);
    if (bytes) std::memcpy(copy.data_ptr(), start, bytes);
    return fromNumber(env, tensorSlots().add(copy));
  }
  at::Tensor view = at::from_blob(start, shape, [mapping](void*) {}, at::TensorOptions(dtype));
  return fromNumber(env, tensorSlots().add(view));
}

napi_value closeMappedFile(napi_env env, const std::vector<napi_value>& args) {
  return fromBool(env, mappingSlots().remove(toNumber(env, args.at(0), "file")));
}

napi_value mappedFilesIntact(napi_env env, const std::vector<napi_value>&) { return fromBool(env, intact.load()); }

}  // namespace

void registerMapping(napi_env env, napi_value exports) {
  define(env, exports, "mapFile", mapFile);
  define(env, exports, "mappedTensor", mappedTensor);
  define(env, exports, "closeMappedFile", closeMappedFile);
  define(env, exports, "mappedFilesIntact", mappedFilesIntact);
}

}  // namespace scalora
