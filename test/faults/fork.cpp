// fork(2) for Node, for the fault tests alone: `fork(milliseconds)` and `wait()`. A process that has loaded everything costs
// a second of computing to start, and a few milliseconds to fork. Linux only.
#include <node_api.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct uv_loop_s;
extern "C" int uv_loop_fork(uv_loop_s*);

namespace {

// V8 keeps its heap out of forked processes; here they need it.
void inherit_all_memory() {
  FILE* maps = fopen("/proc/self/maps", "r");
  char line[4096];
  unsigned long begin, end;
  while (fgets(line, sizeof line, maps))
    if (sscanf(line, "%lx-%lx", &begin, &end) == 2)
      madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DOFORK);
  fclose(maps);
}

// The kernel sends the signal, between any two instructions. Computing time: an instant does not depend on the machine's load.
void kill_after(double milliseconds) {
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGKILL;
  timer_t timer;
  timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer);
  const auto nanoseconds = static_cast<long long>(milliseconds * 1e6);
  itimerspec when{};
  when.it_value = {nanoseconds / 1000000000, nanoseconds % 1000000000};
  timer_settime(timer, 0, &when, nullptr);
}

// fork(milliseconds): 0 in the child, which is killed after that much computing unless it is 0; its id in the parent.
napi_value fork_process(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument, result;
  double milliseconds = 0;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  napi_get_value_double(env, argument, &milliseconds);
  uv_loop_s* loop;
  napi_get_uv_event_loop(env, &loop);
  inherit_all_memory();
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    uv_loop_fork(loop);
    if (milliseconds > 0) kill_after(milliseconds);
  }
  napi_create_int32(env, child, &result);
  return result;
}

// wait(): the signal that ended the child, or 0.
napi_value wait_for_child(napi_env env, napi_callback_info) {
  int status = 0;
  wait(&status);
  napi_value result;
  napi_create_int32(env, WIFSIGNALED(status) ? WTERMSIG(status) : 0, &result);
  return result;
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_value fork_function, wait_function;
  napi_create_function(env, "fork", NAPI_AUTO_LENGTH, fork_process, nullptr, &fork_function);
  napi_create_function(env, "wait", NAPI_AUTO_LENGTH, wait_for_child, nullptr, &wait_function);
  napi_set_named_property(env, exports, "fork", fork_function);
  napi_set_named_property(env, exports, "wait", wait_function);
  return exports;
}
