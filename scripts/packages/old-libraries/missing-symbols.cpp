// What code compiled with a newer libstdc++ calls, for systems whose libraries lack it. Compiled as C++17 and linked into a
// prebuilt addon; nothing of it is visible outside.
#include <atomic>
#include <chrono>
#include <future>
#include <sstream>
#include <string>

#define SCALORA_HERE __attribute__((visibility("hidden"), used))

// glibc 2.32 tells libstdc++ by this that no second thread was ever started; false is always safe.
extern "C" {
SCALORA_HERE char __libc_single_threaded = 0;
}

// basic_stringbuf<char>::str() const&, as C++20 names what was str() const.
SCALORA_HERE std::string scalora_stringbuf_str(const std::stringbuf* self) __asm__(
    "_ZNKRSt7__cxx1115basic_stringbufIcSt11char_traitsIcESaIcEE3strEv");
std::string scalora_stringbuf_str(const std::stringbuf* self) { return self->str(); }

// Waits until a time of the steady clock, by the wait for a time of the system's clock.
using Futex = std::__atomic_futex_unsigned_base;
SCALORA_HERE bool scalora_wait_until_steady(Futex* self, unsigned* address, unsigned value, bool has_timeout,
                                            std::chrono::seconds seconds, std::chrono::nanoseconds nanoseconds)
    __asm__(
        "_ZNSt28__atomic_futex_unsigned_base26_M_futex_wait_until_steadyEPjjbNSt6chrono8durationIlSt5ratioILl1ELl1EEEENS2_"
        "IlS3_ILl1ELl1000000000EEEE");
bool scalora_wait_until_steady(Futex* self, unsigned* address, unsigned value, bool has_timeout,
                               std::chrono::seconds seconds, std::chrono::nanoseconds nanoseconds) {
  const auto left = seconds + nanoseconds - std::chrono::steady_clock::now().time_since_epoch();
  const auto until = std::chrono::system_clock::now().time_since_epoch() + left;
  const auto whole = std::chrono::floor<std::chrono::seconds>(until);
  return self->_M_futex_wait_until(address, value, has_timeout, whole, until - whole);
}
