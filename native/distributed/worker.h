// Work that takes long, done away from Node's event loop as a promise.
#pragma once
#include "../binding/addon.h"

#include <functional>
#include <memory>

namespace scalora {

// A thread that does one task after another, in the order in which they were posted. It is not one of libuv's: a collective
// can wait for minutes, and Node does not exit before those are idle. The thread outlives the object until its last task.
class Worker {
 public:
  Worker();
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void post(std::function<void()> task);

 private:
  struct Queue;
  std::shared_ptr<Queue> queue_;
};

// Makes the value of a promise, on JavaScript's thread.
using Finish = std::function<napi_value(napi_env)>;

// A promise of what `task`, run by `worker`, leads to. Exceptions reject it; `where` names the task in their errors. It does not
// keep Node alive: its caller does, for as long as it is interested.
napi_value promiseOf(napi_env env, const std::string& where, Worker& worker, std::function<Finish()> task);

}  // namespace scalora
