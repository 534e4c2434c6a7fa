// Included before every source of a prebuilt addon. A compiler asks for the newest symbols of the libraries that it was built
// with; these lines ask for the ones that glibc 2.28 and libstdc++ of GCC 8 have too, which is what libtorch and Node need.
#pragma once

#include <sys/stat.h>

#if defined(__x86_64__)
#define SCALORA_OLD_GLIBC "GLIBC_2.2.5"
#define SCALORA_STAT_VERSION 1
#elif defined(__aarch64__)
#define SCALORA_OLD_GLIBC "GLIBC_2.17"
#define SCALORA_STAT_VERSION 0
#else
#error "the oldest symbol version of glibc for this kind of machine is not known here"
#endif

#define SCALORA_OLD(symbol, version) __asm__(".symver " symbol "," symbol "@" version)

SCALORA_OLD("dlopen", SCALORA_OLD_GLIBC);
SCALORA_OLD("dlsym", SCALORA_OLD_GLIBC);
SCALORA_OLD("dlclose", SCALORA_OLD_GLIBC);
SCALORA_OLD("dlerror", SCALORA_OLD_GLIBC);
SCALORA_OLD("dladdr", SCALORA_OLD_GLIBC);
SCALORA_OLD("pthread_once", SCALORA_OLD_GLIBC);
SCALORA_OLD("pthread_create", SCALORA_OLD_GLIBC);
SCALORA_OLD("pthread_join", SCALORA_OLD_GLIBC);
SCALORA_OLD("pthread_mutex_trylock", SCALORA_OLD_GLIBC);
SCALORA_OLD("pthread_sigmask", SCALORA_OLD_GLIBC);
SCALORA_OLD("__fxstat", SCALORA_OLD_GLIBC);
SCALORA_OLD("_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE", "GLIBCXX_3.4.11");

// glibc before 2.33 has fstat under this name only.
extern "C" int __fxstat(int version, int descriptor, struct stat* result) noexcept;
#define fstat(descriptor, result) __fxstat(SCALORA_STAT_VERSION, descriptor, result)
