// Work of some ten microseconds, of which a decoding step has hundreds, shared out between threads. OpenMP's threads sleep
// while they wait for the next operator (docs/performance.md), and waking one takes longer than such work. These helpers stay
// awake for a moment after each, and nobody waits for a helper that has not begun: the caller does what nobody has taken.
#pragma once
#include <c10/util/FunctionRef.h>

#include <cstdint>

namespace scalora {

// Calls `body(begin, end)` for parts of [0, count) that make up the whole, each at least `grain` long but the last, in as many
// threads as at::parallel_for would. Returns when all is done; throws what a part has thrown. The body takes no locks, calls no
// operators, and computes the same whatever the parts are.
void shareShortWork(int64_t count, int64_t grain, c10::function_ref<void(int64_t begin, int64_t end)> body);

}  // namespace scalora
