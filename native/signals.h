// oneDNN's fp32 kernel computes with its stack pointer inside a heap block: a signal handler that runs meanwhile writes its
// frame into memory that is not its own (a Ctrl-C or a profiler's tick corrupts the heap). So no signal is delivered to a
// thread while it may run that kernel.
#pragma once
#include <pthread.h>
#include <signal.h>

namespace scalora {

class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT}) sigdelset(&all, fault);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace scalora
