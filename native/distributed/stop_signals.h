// Signals that ask this process to stop, also while JavaScript's thread is busy.
#pragma once

namespace scalora {

// How many SIGINT and SIGTERM for which JavaScript listens have come since this was first called. JavaScript hears of them when
// its thread is idle.
int countStopSignals();

}  // namespace scalora
