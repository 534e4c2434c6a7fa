#include "worker.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

namespace scalora {

struct Worker::Queue {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> tasks;
  bool ended = false;

  void run() {
    std::unique_lock<std::mutex> lock(mutex);
    while (true) {
      changed.wait(lock, [this] { return ended || !tasks.empty(); });
      if (tasks.empty()) return;
      std::function<void()> task = std::move(tasks.front());
      tasks.pop_front();
      lock.unlock();
      task();
      task = nullptr;  // what it holds is freed here, without the lock
      lock.lock();
    }
  }
};

Worker::Worker() : queue_(std::make_shared<Queue>()) {
  std::thread([queue = queue_] { queue->run(); }).detach();
}

Worker::~Worker() {
  std::lock_guard<std::mutex> lock(queue_->mutex);
  queue_->ended = true;
  queue_->changed.notify_one();
}

void Worker::post(std::function<void()> task) {
  std::lock_guard<std::mutex> lock(queue_->mutex);
  queue_->tasks.push_back(std::move(task));
  queue_->changed.notify_one();
}

namespace {

// Node frees the function when its environment ends, although other threads may still call it; then the gate is shut.
struct Gate {
  std::mutex mutex;
  napi_threadsafe_function settle = nullptr;
};

struct Job {
  std::string where;
  std::function<Finish()> task;
  Finish finish;
  std::exception_ptr error;
  napi_deferred deferred;
  std::shared_ptr<Gate> gate;
};

// On JavaScript's thread; `env` is null when that thread ends.
void settle(napi_env env, napi_value, void*, void* data) {
  std::unique_ptr<Job> job(static_cast<Job*>(data));
  if (env == nullptr) return;
  try {
    if (job->error) std::rethrow_exception(job->error);
    check(env, napi_resolve_deferred(env, job->deferred, job->finish(env)));
  } catch (...) {
    throwToJs(env, job->where, "");
    napi_value exception;
    if (napi_get_and_clear_last_exception(env, &exception) == napi_ok) napi_reject_deferred(env, job->deferred, exception);
  }
}

// On JavaScript's thread, before the function is freed.
void shut(napi_env, void* data, void*) {
  std::unique_ptr<std::shared_ptr<Gate>> gate(static_cast<std::shared_ptr<Gate>*>(data));
  std::lock_guard<std::mutex> lock((*gate)->mutex);
  (*gate)->settle = nullptr;
}

// On the worker's thread.
void perform(std::unique_ptr<Job> job) noexcept {
  try {
    job->finish = job->task();
  } catch (...) {
    job->error = std::current_exception();
  }
  job->task = nullptr;
  const std::shared_ptr<Gate> gate = job->gate;
  std::lock_guard<std::mutex> lock(gate->mutex);
  if (gate->settle == nullptr || napi_call_threadsafe_function(gate->settle, job.get(), napi_tsfn_nonblocking) != napi_ok) return;
  job.release();
  napi_release_threadsafe_function(gate->settle, napi_tsfn_release);
}

}  // namespace

napi_value promiseOf(napi_env env, const std::string& where, Worker& worker, std::function<Finish()> task) {
  auto job = std::make_shared<std::unique_ptr<Job>>(std::make_unique<Job>());
  const auto gate = std::make_shared<Gate>();
  (*job)->where = where;
  (*job)->task = std::move(task);
  (*job)->gate = gate;
  auto owned = std::make_unique<std::shared_ptr<Gate>>(gate);
  check(env, napi_create_threadsafe_function(env, nullptr, nullptr, fromString(env, where), 0, 1, owned.get(), shut, nullptr, settle,
                                             &gate->settle));
  owned.release();
  check(env, napi_unref_threadsafe_function(env, gate->settle));
  napi_value promise;
  check(env, napi_create_promise(env, &(*job)->deferred, &promise));
  worker.post([job] { perform(std::move(*job)); });
  return promise;
}

}  // namespace scalora
