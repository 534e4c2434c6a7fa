// If another process truncates a mapped file, the next access raises SIGBUS, which would end the process. The handler below
// replaces the missing page by zeros and records the damage, so that a run can stop with an error. It is installed while a
// file is mapped, and passes every other SIGBUS on to the previous handler.
#include "mapped_file.h"

#include "addon.h"

#if !defined(_WIN32)  // mapped_file_windows.cpp has what Windows does

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <mutex>

namespace scalora {
namespace {

struct Range {
  std::atomic<uintptr_t> begin{0}, end{0};
};
std::array<Range, 4096> ranges;  // read by the signal handler: no locks, no allocation
std::atomic<bool> intact{true};
const uintptr_t pageSize = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));

struct sigaction hostAction;  // the previous action of SIGBUS
std::mutex handlerMutex;
size_t mappedFiles = 0;
bool isInstalled = false;

void passToHost(int signal, siginfo_t* info, void* context) {
  if (hostAction.sa_flags & SA_SIGINFO) {
    hostAction.sa_sigaction(signal, info, context);
  } else if (hostAction.sa_handler != SIG_DFL && hostAction.sa_handler != SIG_IGN) {
    hostAction.sa_handler(signal);
  } else {
    ::signal(SIGBUS, SIG_DFL);  // a fault that nobody handles ends the process
    raise(SIGBUS);
  }
}

void onBusError(int signal, siginfo_t* info, void* context) {
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  for (const Range& range : ranges) {
    if (address < range.begin.load() || address >= range.end.load()) continue;
    void* page = reinterpret_cast<void*>(address & ~(pageSize - 1));
    if (mmap(page, pageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) break;
    intact.store(false);
    return;
  }
  passToHost(signal, info, context);
}

void installHandler() {
  std::lock_guard<std::mutex> lock(handlerMutex);
  ++mappedFiles;
  if (isInstalled) return;
  struct sigaction action {};
  action.sa_sigaction = onBusError;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;  // signals.h says why on another stack
  isInstalled = sigaction(SIGBUS, &action, &hostAction) == 0;
}

// Keeps our handler if the host has replaced it since: the host's may call it.
void removeHandler() {
  std::lock_guard<std::mutex> lock(handlerMutex);
  if (--mappedFiles > 0) return;
  struct sigaction present {};
  if (sigaction(SIGBUS, nullptr, &present) != 0 || !(present.sa_flags & SA_SIGINFO) || present.sa_sigaction != onBusError) return;
  sigaction(SIGBUS, &hostAction, nullptr);
  isInstalled = false;
}

size_t addRange(uintptr_t begin, size_t size) {
  for (size_t i = 0; i < ranges.size(); ++i) {
    uintptr_t expected = 0;
    if (!ranges[i].begin.compare_exchange_strong(expected, begin)) continue;
    ranges[i].end.store(begin + size);
    return i;
  }
  throw Failure("format", "too many mapped files", "", "at most " + std::to_string(ranges.size()) + " can be mapped at once");
}

}  // namespace

MappedFile::MappedFile(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw Failure("format", "cannot open " + path + ": " + std::strerror(errno));
  struct stat status {};
  fstat(file, &status);
  size = static_cast<size_t>(status.st_size);
  data = size ? mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0) : nullptr;
  const int code = errno;
  close(file);
  if (data == MAP_FAILED) throw Failure("format", "cannot map " + path + ": " + std::strerror(code));
  if (!data) return;
  try {
    range_ = addRange(reinterpret_cast<uintptr_t>(data), size);
  } catch (...) {
    munmap(data, size);
    throw;
  }
  installHandler();
}

MappedFile::~MappedFile() {
  if (!data) return;
  ranges[range_].end.store(0);
  ranges[range_].begin.store(0);
  munmap(data, size);
  removeHandler();
}

bool mappedFilesIntact() { return intact.load(); }

}  // namespace scalora

#endif
