// Signals that ask this process to stop, also while JavaScript's thread is busy. Linux only: elsewhere they are JavaScript's alone.
#pragma once
#include <string>

namespace scalora {

// How many SIGINT and SIGTERM for which JavaScript listens have come since this was first called. JavaScript hears of them when
// its thread is idle.
int countStopSignals();

// From now on the first of them writes its text, which may be empty, to stderr at once; another one, more than 300 ms later, ends
// the process if JavaScript has not done so within half a second. To be called when JavaScript has begun to listen. Returns
// whether that is done.
bool answerStops(const std::string& onInterrupt, const std::string& onTerminate);

// Ends that.
void ignoreStops();

// Whether another one has come.
bool stopCameAgain();

}  // namespace scalora
