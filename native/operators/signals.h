// oneDNN's fp32 kernels keep the thread's stack pointer inside a heap block: a signal handler (Ctrl-C, a profiler's tick) that
// runs meanwhile would write its stack frame there and corrupt the heap. So no signal is delivered to a thread while it may
// run such a kernel. Only the mask of that thread is set, and it is restored after the kernel; handlers and other threads do
// not change, and a blocked signal arrives a few milliseconds later, or at once in another thread.
// Windows delivers no signal to a thread: there is nothing to block.
#pragma once
#include <signal.h>

namespace scalora {

// Blocks the signals of the calling thread during this object's lifetime, except faults (SIGSEGV, SIGBUS …), which cannot
// wait: their handlers with SA_ONSTACK run on a separate stack.
class SignalsBlocked {
 public:
  SignalsBlocked();
  ~SignalsBlocked();
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
#if !defined(_WIN32)
  sigset_t before_;
#endif
};

// Blocks them permanently in the worker threads of the calling thread's operators, so that every thread that runs part of a
// kernel is blocked. Threads that a kernel starts inherit the mask of the SignalsBlocked around it.
void blockSignalsOfWorkers();

}  // namespace scalora
