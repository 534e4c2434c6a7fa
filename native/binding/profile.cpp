// A profile: the operators that this thread and the threads of its backward passes run, with labels that JavaScript sets
// meanwhile. While none is recorded, libtorch has no callback to call.
#include "addon.h"

#include <ATen/SequenceNumber.h>
#include <ATen/record_function.h>
#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>
#else
#include <time.h>
#endif

#include <chrono>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>

namespace scalora {
namespace {

constexpr double kNone = -1;
constexpr double kOperator = 0, kNode = 1;  // JavaScript passes the kinds of labels

// Times are in nanoseconds. JavaScript reads the fields in this order (src/torch/profile.ts).
struct Event {
  double kind, name, thread;
  double parent;       // the index of the event within which this one is, on the same thread
  double begin;        // since the start of the recording
  double duration;
  double cpu;          // CPU time of the thread
  double sequence;     // the next number in autograd's sequence at its begin; a node's own
  double sequenceEnd;  // at the end of a label, which made the nodes from `sequence` to before this one
};

thread_local double innermost = kNone;  // the index of the event that this thread is in

double wallClock() {
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double threadClock() {
#if defined(_WIN32)
  FILETIME created, ended, kernel, user;
  if (!GetThreadTimes(GetCurrentThread(), &created, &ended, &kernel, &user)) return 0;
  const auto ticks = [](FILETIME time) { return static_cast<double>(time.dwHighDateTime) * 0x1p32 + time.dwLowDateTime; };
  return (ticks(kernel) + ticks(user)) * 100;
#else
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
#endif
}

// An event that has not ended.
struct Open {
  size_t index;
  double cpuBegin;
};

struct Recording {
  const double begin = wallClock(), cpuBegin = threadClock();
  at::CallbackHandle callback = at::INVALID_CALLBACK_HANDLE;
  std::mutex mutex;
  std::vector<Event> events;
  std::map<std::string, double, std::less<>> names;
  std::vector<Open> labels;

  Open open(double kind, const char* name, double sequence) {
    const auto thread = static_cast<double>(at::RecordFunction::currentThreadId());
    const std::lock_guard<std::mutex> guard(mutex);
    auto known = names.find(name);
    if (known == names.end()) known = names.emplace(name, static_cast<double>(names.size())).first;
    const size_t index = events.size();
    events.push_back({kind, known->second, thread, innermost, wallClock() - begin, 0, 0, sequence, kNone});
    innermost = static_cast<double>(index);
    return {index, threadClock()};
  }

  void close(const Open& opened, double sequenceEnd) {
    const double cpu = threadClock() - opened.cpuBegin, end = wallClock() - begin;
    const std::lock_guard<std::mutex> guard(mutex);
    Event& event = events[opened.index];
    event.duration = end - event.begin;
    event.cpu = cpu;
    event.sequenceEnd = sequenceEnd;
    innermost = event.parent;
  }
};

std::mutex activeMutex;
std::shared_ptr<Recording> active;  // of the whole process, because libtorch gives its callbacks no data

std::shared_ptr<Recording> activeRecording() {
  const std::lock_guard<std::mutex> guard(activeMutex);
  return active;
}

Recording& requireRecording(const std::shared_ptr<Recording>& recording) {
  if (!recording) throw Failure("internal", "no profile is being recorded");
  return *recording;
}

struct Running : at::ObserverContext {
  std::shared_ptr<Recording> recording;
  Open event;
};

std::unique_ptr<at::ObserverContext> operatorBegins(const at::RecordFunction& function) {
  auto running = std::make_unique<Running>();
  running->recording = activeRecording();
  if (!running->recording) return nullptr;
  const double kind = function.scope() == at::RecordScope::BACKWARD_FUNCTION ? kNode : kOperator;
  running->event = running->recording->open(kind, function.name(), static_cast<double>(function.seqNr()));
  return running;
}

void operatorEnds(const at::RecordFunction&, at::ObserverContext* context) {
  if (context == nullptr) return;
  const auto& running = static_cast<Running&>(*context);
  running.recording->close(running.event, kNone);
}

napi_value startProfile(napi_env env, const std::vector<napi_value>&) {
  const std::lock_guard<std::mutex> guard(activeMutex);
  if (active) throw Failure("internal", "a profile is being recorded already");
  active = std::make_shared<Recording>();
  innermost = kNone;
  active->callback = at::addThreadLocalCallback(
      at::RecordFunctionCallback(operatorBegins, operatorEnds)
          .scopes({at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION}));
  return undefined(env);
}

// beginLabel(name, kind)
napi_value beginLabel(napi_env env, const std::vector<napi_value>& args) {
  const auto recording = activeRecording();
  const std::string name = toString(env, args.at(0), "name");
  const double kind = toNumber(env, args.at(1), "kind");
  const auto sequence = static_cast<double>(at::sequence_number::peek());
  Recording& open = requireRecording(recording);
  open.labels.push_back(open.open(kind, name.c_str(), sequence));
  return undefined(env);
}

void closeLabel(Recording& recording) {
  recording.close(recording.labels.back(), static_cast<double>(at::sequence_number::peek()));
  recording.labels.pop_back();
}

// endLabel(): ends the label that began last
napi_value endLabel(napi_env env, const std::vector<napi_value>&) {
  const auto recording = activeRecording();
  if (requireRecording(recording).labels.empty()) throw Failure("internal", "a profile has no open label");
  closeLabel(*recording);
  return undefined(env);
}

napi_value eventsBuffer(napi_env env, const std::vector<Event>& events) {
  void* data;
  napi_value buffer;
  const size_t bytes = events.size() * sizeof(Event);
  check(env, napi_create_arraybuffer(env, bytes, &data, &buffer));
  if (bytes > 0) std::memcpy(data, events.data(), bytes);
  return buffer;
}

// endProfile() -> [names, events, begin on the monotonic clock, duration, CPU time of the thread]; ends the open labels
napi_value endProfile(napi_env env, const std::vector<napi_value>&) {
  std::shared_ptr<Recording> recording;
  {
    const std::lock_guard<std::mutex> guard(activeMutex);
    recording.swap(active);
  }
  at::removeCallback(requireRecording(recording).callback);
  while (!recording->labels.empty()) closeLabel(*recording);
  const double end = wallClock(), cpuEnd = threadClock();
  napi_value result, names;
  check(env, napi_create_array_with_length(env, recording->names.size(), &names));
  for (const auto& [name, index] : recording->names)
    check(env, napi_set_element(env, names, static_cast<uint32_t>(index), fromString(env, name)));
  const napi_value values[] = {names, eventsBuffer(env, recording->events), fromNumber(env, recording->begin),
                               fromNumber(env, end - recording->begin), fromNumber(env, cpuEnd - recording->cpuBegin)};
  check(env, napi_create_array_with_length(env, std::size(values), &result));
  for (uint32_t i = 0; i < std::size(values); ++i) check(env, napi_set_element(env, result, i, values[i]));
  return result;
}

}  // namespace

void registerProfile(napi_env env, napi_value exports) {
  define(env, exports, "startProfile", startProfile);
  define(env, exports, "beginLabel", beginLabel);
  define(env, exports, "endLabel", endLabel);
  define(env, exports, "endProfile", endProfile);
}

}  // namespace scalora
