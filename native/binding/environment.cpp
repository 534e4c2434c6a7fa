#include "environment.h"

#include "device_graph.h"

#include <c10/util/ThreadLocalDebugInfo.h>

#include <bitset>
#include <mutex>

namespace scalora {
namespace {

std::mutex numbersMutex;
std::bitset<kEnvironments> numbersInUse;
uint32_t nextNumber = 0;  // wraps around, so that the handles of a thread that has ended stay invalid for long

}  // namespace

EnvironmentNumber::EnvironmentNumber() {
  std::lock_guard<std::mutex> lock(numbersMutex);
  if (numbersInUse.all())
    throw Failure("tensor", "too many threads use the addon at once", "", "at most " + std::to_string(kEnvironments) + " can");
  while (numbersInUse[nextNumber]) nextNumber = (nextNumber + 1) % kEnvironments;
  value = nextNumber;
  numbersInUse.set(value);
  nextNumber = (nextNumber + 1) % kEnvironments;
}

EnvironmentNumber::~EnvironmentNumber() {
  std::lock_guard<std::mutex> lock(numbersMutex);
  numbersInUse.reset(value);
}

Environment* findEnvironment(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return static_cast<Environment*>(data);
}

Environment& environment(napi_env env) { return *findEnvironment(env); }

namespace {

at::Tensor tensorOfHandle(Environment& state, double handle, const char* what) {
  at::Tensor tensor = state.tensors.get(handle, what);
  if (state.recording) state.recording->noteUsed(handle, tensor);
  return tensor;
}

}  // namespace

at::Tensor toTensor(napi_env env, napi_value value, const char* what) {
  return tensorOfHandle(environment(env), toNumber(env, value, what), what);
}

at::Tensor toOptionalTensor(napi_env env, napi_value value, const char* what) {
  const double handle = toNumber(env, value, what);
  return handle == 0 ? at::Tensor() : tensorOfHandle(environment(env), handle, what);
}

napi_value fromTensor(napi_env env, const at::Tensor& tensor) {
  Environment& state = environment(env);
  const double handle = tensor.defined() ? state.tensors.add(tensor) : 0;
  if (state.recording) state.recording->noteMade(handle);
  return fromNumber(env, handle);
}

void registerEnvironment(napi_env env) {
  check(env, napi_set_instance_data(env, new Environment(), [](napi_env, void* data, void*) {
    // A thread may be ended while it counts its memory, which need not count what is freed now.
    c10::ThreadLocalDebugInfo::_forceCurrentDebugInfo(nullptr);
    delete static_cast<Environment*>(data);
  }, nullptr));
}

}  // namespace scalora
