// oneDNN's fp32 kernels compute with the thread's stack pointer inside a heap block: a signal handler that runs meanwhile
// writes its frame into memory that is not its own (a Ctrl-C or a profiler's tick corrupts the heap). So no signal is
// delivered to a thread while it may run such a kernel. Each thread's own mask is set, and given back after the kernel; the
// process, its handlers and its other threads stay as they are, and a blocked signal arrives a few milliseconds later, or
// at once in another thread.
#pragma once
#include <signal.h>

namespace scalora {

// Blocks the signals of the calling thread for as long as it lives, except those of faults (SIGSEGV, SIGBUS …), which cannot
// wait: handlers of these that ask for it (SA_ONSTACK) get a stack of their own.
class SignalsBlocked {
 public:
  SignalsBlocked();
  ~SignalsBlocked();
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

// Blocks them for good in the threads that compute parts of the calling thread's operators: no part of a kernel runs in a
// thread of the host then that is not blocked. Threads that a kernel starts inherit the mask of a SignalsBlocked around it.
void blockSignalsOfWorkers();

}  // namespace scalora
