#include "signals.h"

#if !defined(_WIN32)

#include <ATen/Parallel.h>
#include <pthread.h>

#include <memory>

#if defined(__linux__)
// Calls `body` in every thread of the calling thread's team, like `#pragma omp parallel`. It is part of libtorch's OpenMP
// runtime; compiling with -fopenmp could link a second runtime. Null if there is none.
extern "C" __attribute__((weak)) void GOMP_parallel(void (*body)(void*), void* data, unsigned threads, unsigned flags);
#endif

namespace scalora {
namespace {

sigset_t allButFaults() {
  sigset_t all;
  sigfillset(&all);
  for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT}) sigdelset(&all, fault);
  return all;
}

// The stack on which a thread's fault handlers run, unless the host has set one.
class FaultStack {
 public:
  FaultStack() {
    stack_t present{};
    if (sigaltstack(nullptr, &present) != 0 || !(present.ss_flags & SS_DISABLE)) return;
    memory_ = std::make_unique<char[]>(kSize);
    stack_t own{};
    own.ss_sp = memory_.get();
    own.ss_size = kSize;
    sigaltstack(&own, nullptr);
  }
  ~FaultStack() {
    stack_t present{};
    if (!memory_ || sigaltstack(nullptr, &present) != 0 || present.ss_sp != memory_.get()) return;
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    none.ss_size = kSize;  // macOS checks it even here
    sigaltstack(&none, nullptr);
  }
  FaultStack(const FaultStack&) = delete;
  FaultStack& operator=(const FaultStack&) = delete;

 private:
  static constexpr size_t kSize = 64 << 10;
  std::unique_ptr<char[]> memory_;
};

void block(sigset_t* before) {
  thread_local const FaultStack stack;
  const sigset_t signals = allButFaults();
  pthread_sigmask(SIG_BLOCK, &signals, before);
}

}  // namespace

SignalsBlocked::SignalsBlocked() { block(&before_); }
SignalsBlocked::~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

#if defined(__linux__)
void blockSignalsOfWorkers() {
  if (!GOMP_parallel || at::get_num_threads() == 1 || at::in_parallel_region()) return;
  pthread_t caller = pthread_self();
  const auto blockForGood = [](void* except) {
    thread_local bool isBlocked = false;
    if (isBlocked || pthread_equal(pthread_self(), *static_cast<pthread_t*>(except))) return;
    block(nullptr);
    isBlocked = true;
  };
  GOMP_parallel(blockForGood, &caller, 0, 0);
}
#else
void blockSignalsOfWorkers() {}  // libtorch has no oneDNN for Macs
#endif

}  // namespace scalora

#else

namespace scalora {

SignalsBlocked::SignalsBlocked() = default;
SignalsBlocked::~SignalsBlocked() = default;
void blockSignalsOfWorkers() {}

}  // namespace scalora

#endif
