#include "stop_signals.h"

#include <atomic>
#include <csignal>
#include <mutex>

namespace scalora {
namespace {

using Handler = void (*)(int);

std::atomic<int> stopsSeen{0};
std::atomic<Handler> interruptHandler{nullptr}, terminateHandler{nullptr};  // Node's own

void seeStop(int signal) {
  stopsSeen.fetch_add(1);
  const Handler handler = (signal == SIGINT ? interruptHandler : terminateHandler).load();
  if (handler != nullptr) handler(signal);
}

#ifdef __linux__  // elsewhere the addon can be unloaded, and its handler with it
void precede(int signal, std::atomic<Handler>& known) {
  struct sigaction action;
  if (sigaction(signal, nullptr, &action) != 0 || (action.sa_flags & (SA_SIGINFO | SA_RESETHAND)) != 0) return;
  const Handler handler = action.sa_handler;
  if (handler == SIG_DFL || handler == SIG_IGN || handler == seeStop) return;
  known = handler;
  action.sa_handler = seeStop;
  sigaction(signal, &action, nullptr);
}
#endif

}  // namespace

// Node sets its handler when JavaScript begins to listen, and the default when it ends: so ours goes before it each time.
int countStopSignals() {
#ifdef __linux__  // elsewhere the addon can be unloaded, and its handler with it
  static std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);
  precede(SIGINT, interruptHandler);
  precede(SIGTERM, terminateHandler);
#endif
  return stopsSeen;
}

}  // namespace scalora
