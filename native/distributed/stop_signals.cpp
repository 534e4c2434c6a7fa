#include "stop_signals.h"

#ifdef __linux__  // elsewhere the addon can be unloaded, and its handler with it
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstring>
#include <ctime>
#include <mutex>
#include <thread>

namespace scalora {
namespace {

using Handler = void (*)(int);

// npm passes Ctrl-C on to a program that has had it from the terminal already: within this time they are one.
constexpr int64_t kRepeatAfter = 300'000'000;
// JavaScript ends the process in its own way, which says so in the run's record, where it can.
constexpr auto kGrace = std::chrono::milliseconds(500);

// A text that a signal handler may write: no longer than what a pipe that has room takes without waiting.
struct Text {
  std::array<char, PIPE_BUF> characters;
  std::atomic<size_t> length{0};

  void set(const std::string& text) {
    length = 0;
    const size_t size = std::min(text.size(), characters.size());
    memcpy(characters.data(), text.data(), size);
    length = size;
  }
};

std::atomic<int> stopsSeen{0};
std::atomic<Handler> interruptHandler{nullptr}, terminateHandler{nullptr};  // Node's own

Text interruptText, terminateText;
std::atomic<bool> answering{false}, cameAgain{false};
std::atomic<int64_t> firstStop{0};  // nanoseconds; 0 before
std::atomic<int> toWatcher{-1};     // a pipe that takes the signal with which to end the process

// Writes to stderr, unless it would have to wait there, for a pipe that nobody reads.
void print(const Text& text) {
  pollfd output{STDERR_FILENO, POLLOUT, 0};
  if (poll(&output, 1, 0) != 1 || (output.revents & POLLOUT) == 0) return;
  [[maybe_unused]] const auto written = write(STDERR_FILENO, text.characters.data(), text.length);
}

// In a signal handler, so only with what may be called there.
void answer(int signal) {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  const int64_t now = time.tv_sec * 1'000'000'000LL + time.tv_nsec;
  int64_t first = 0;
  if (firstStop.compare_exchange_strong(first, now)) {
    print(signal == SIGINT ? interruptText : terminateText);
  } else if (now - first > kRepeatAfter && !cameAgain.exchange(true)) {
    const char number = static_cast<char>(signal);
    [[maybe_unused]] const auto written = write(toWatcher, &number, 1);
  }
}

void seeStop(int signal) {
  stopsSeen.fetch_add(1);
  if (answering) {
    const int before = errno;
    answer(signal);
    errno = before;
  }
  const Handler handler = (signal == SIGINT ? interruptHandler : terminateHandler).load();
  if (handler != nullptr) handler(signal);
}

void precede(int signal, std::atomic<Handler>& known) {
  struct sigaction action;
  if (sigaction(signal, nullptr, &action) != 0 || (action.sa_flags & (SA_SIGINFO | SA_RESETHAND)) != 0) return;
  const Handler handler = action.sa_handler;
  if (handler == SIG_DFL || handler == SIG_IGN || handler == seeStop) return;
  known = handler;
  action.sa_handler = seeStop;
  sigaction(signal, &action, nullptr);
}

// The terminal has written ^C where the cursor was. Only who has something to say at the first signal ends the line.
void endLine(int signal) {
  if (signal != SIGINT || interruptText.length == 0 || isatty(STDERR_FILENO) == 0) return;
  [[maybe_unused]] const auto written = write(STDERR_FILENO, "\n", 1);
}

// Its thread runs no kernel, so there is always one in which signals are not blocked.
bool startWatcher() {
  int ends[2];
  if (pipe(ends) != 0) return false;
  const auto watch = [from = ends[0]] {
    char signal = 0;
    while (read(from, &signal, 1) != 1) continue;
    std::this_thread::sleep_for(kGrace);
    endLine(signal);
    _exit(128 + signal);
  };
  std::thread(watch).detach();
  toWatcher = ends[1];
  return true;
}

}  // namespace

// Node sets its handler when JavaScript begins to listen, and the default when it ends: so ours goes before it each time.
int countStopSignals() {
  static std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);
  precede(SIGINT, interruptHandler);
  precede(SIGTERM, terminateHandler);
  return stopsSeen;
}

bool answerStops(const std::string& onInterrupt, const std::string& onTerminate) {
  static const bool isWatching = startWatcher();
  if (!isWatching) return false;
  answering = false;
  interruptText.set(onInterrupt);
  terminateText.set(onTerminate);
  firstStop = 0;
  cameAgain = false;
  countStopSignals();
  answering = true;
  return true;
}

void ignoreStops() { answering = false; }

bool stopCameAgain() { return cameAgain; }

}  // namespace scalora
#else
namespace scalora {

int countStopSignals() { return 0; }
bool answerStops(const std::string&, const std::string&) { return false; }
void ignoreStops() {}
bool stopCameAgain() { return false; }

}  // namespace scalora
#endif
