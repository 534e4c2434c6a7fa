#include "short_work.h"

#include "signals.h"

#include <ATen/Parallel.h>

#if defined(__linux__)
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#endif

namespace scalora {

#if defined(__linux__)  // elsewhere an addon can be unloaded while its threads run
namespace {

using Clock = std::chrono::steady_clock;
using Body = c10::function_ref<void(int64_t, int64_t)>;

constexpr std::chrono::microseconds kAwake{100};  // how long a helper waits for work before it sleeps; between operators it is less
constexpr int kLooks = 32;                        // at the work, before another thread gets the core if it wants it: half a microsecond
constexpr int64_t kPartsPerThread = 4;            // so that a thread that comes late or is held up takes fewer

void rest() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Waits actively until `isDone`, or until the time is over; a thread that shares the core goes first.
template <typename Condition>
bool waitAwake(Condition isDone, std::chrono::microseconds atMost) {
  const Clock::time_point end = atMost == std::chrono::microseconds::max() ? Clock::time_point::max() : Clock::now() + atMost;
  do {
    for (int look = 0; look < kLooks; ++look) {
      if (isDone()) return true;
      rest();
    }
    sched_yield();
  } while (Clock::now() < end);
  return false;
}

// Threads that help one caller at a time. Which parts of the present work are still free is one number, with which a helper
// takes a part: what the work is it reads only afterwards, for then the caller waits for it.
class Helpers {
 public:
  explicit Helpers(int count) : count_(count) {}

  static std::shared_ptr<Helpers> start(int count) {
    auto helpers = std::make_shared<Helpers>(count);
    const SignalsBlocked blocked;  // which the threads inherit
    for (int i = 0; i < count; ++i) std::thread([helpers] { helpers->help(); }).detach();
    return helpers;
  }

  int count() const { return count_; }

  void end() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

  // False, and nothing is done, when they help somebody else.
  bool share(int64_t count, int64_t part, Body body) {
    const std::unique_lock<std::mutex> only(caller_, std::try_to_lock);
    if (!only) return false;
    work_ = {&body, count, part, (count + part - 1) / part};
    error_ = nullptr;
    done_.store(0, std::memory_order_relaxed);
    free_.store((++round_ << kPartBits) + static_cast<uint64_t>(work_.parts));
    if (asleep_.load() > 0) {
      const std::lock_guard<std::mutex> lock(mutex_);
      changed_.notify_all();
    }
    while (doPart()) continue;
    waitAwake([this] { return done_.load(std::memory_order_acquire) == work_.parts; }, std::chrono::microseconds::max());
    if (error_) std::rethrow_exception(error_);
    return true;
  }

 private:
  static constexpr int kPartBits = 20;
  static constexpr uint64_t kPartMask = (uint64_t{1} << kPartBits) - 1;

  struct Work {
    const Body* body;
    int64_t count, part, parts;
  };

  bool hasFree() const { return (free_.load(std::memory_order_relaxed) & kPartMask) != 0; }

  bool doPart() {
    uint64_t free = free_.load();
    do
      if ((free & kPartMask) == 0) return false;
    while (!free_.compare_exchange_weak(free, free - 1));
    const int64_t begin = (work_.parts - static_cast<int64_t>(free & kPartMask)) * work_.part;
    try {
      (*work_.body)(begin, std::min(begin + work_.part, work_.count));
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex_);
      error_ = std::current_exception();
    }
    done_.fetch_add(1, std::memory_order_release);
    return true;
  }

  void help() {
    while (true) {
      while (doPart()) continue;
      if (waitAwake([this] { return hasFree(); }, kAwake)) continue;
      std::unique_lock<std::mutex> lock(mutex_);
      ++asleep_;
      changed_.wait(lock, [this] { return ended_ || (free_.load() & kPartMask) != 0; });
      --asleep_;
      if (ended_) return;
    }
  }

  const int count_;
  std::mutex caller_;
  Work work_{};
  uint64_t round_ = 0;
  std::exception_ptr error_;
  alignas(64) std::atomic<uint64_t> free_{0};  // the round, and how many parts of its work nobody has taken
  alignas(64) std::atomic<int64_t> done_{0};
  alignas(64) std::atomic<int> asleep_{0};
  std::mutex mutex_;  // of `ended_`, `error_` and of falling asleep
  std::condition_variable changed_;
  bool ended_ = false;
};

// One less than the threads, of which the caller is one. They live as long as the process.
std::shared_ptr<Helpers> helpersOf(int threads) {
  static std::mutex& mutex = *new std::mutex;
  static std::shared_ptr<Helpers>& present = *new std::shared_ptr<Helpers>;
  const std::lock_guard<std::mutex> lock(mutex);
  if (present && present->count() == threads - 1) return present;
  if (present) present->end();
  return present = Helpers::start(threads - 1);
}

}  // namespace

// A caller that OpenMP has bound to a core starts helpers that are bound to the same.
bool isBound() { return std::getenv("OMP_PROC_BIND") || std::getenv("OMP_PLACES") || std::getenv("GOMP_CPU_AFFINITY"); }

void shareShortWork(int64_t count, int64_t grain, Body body) {
  static const bool bound = isBound();
  if (bound) return at::parallel_for(0, count, grain, [&](int64_t begin, int64_t end) { body(begin, end); });
  static const int processors = static_cast<int>(std::thread::hardware_concurrency());
  const int threads = std::max(1, std::min(at::get_num_threads(), processors));
  const int64_t part = std::max(grain, (count + threads * kPartsPerThread - 1) / (threads * kPartsPerThread));
  if (threads == 1 || count <= part || at::in_parallel_region() || !helpersOf(threads)->share(count, part, body)) body(0, count);
}

#else
void shareShortWork(int64_t count, int64_t grain, c10::function_ref<void(int64_t, int64_t)> body) {
  at::parallel_for(0, count, grain, [&](int64_t begin, int64_t end) { body(begin, end); });
}
#endif

}  // namespace scalora
