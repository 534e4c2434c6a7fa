// The state of one Node environment (the main thread or a worker thread). It is the addon's instance data, so only one thread
// uses it, and it is freed with all its values when that thread ends.
#pragma once
#include "addon.h"
#include "slots.h"

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <memory>

namespace scalora {

class DeviceGraph;
class MappedFile;
struct ProcessGroupHandle;

// A number that is unique among the live environments of this process.
class EnvironmentNumber {
 public:
  EnvironmentNumber();  // throws a Failure if none is left
  ~EnvironmentNumber();
  EnvironmentNumber(const EnvironmentNumber&) = delete;
  EnvironmentNumber& operator=(const EnvironmentNumber&) = delete;

  uint32_t value;
};

struct Environment {
  EnvironmentNumber number;
  Slots<at::Tensor> tensors{number.value, "tensor", "keep it alive: return it from the scope that made it, call keep(), or dispose it later"};
  Slots<at::Generator> generators{number.value, "generator", "dispose it later"};
  Slots<std::shared_ptr<MappedFile>> files{number.value, "mapped file", "close it later"};
  Slots<std::shared_ptr<ProcessGroupHandle>> groups{number.value, "process group", "dispose it later"};
  Slots<std::shared_ptr<DeviceGraph>> graphs{number.value, "graph", "dispose it later"};
  std::shared_ptr<DeviceGraph> recording;  // the one of `graphs` that is being recorded
  napi_ref errorFactory = nullptr;
};

// The environment of this thread; nullptr before registerEnvironment.
Environment* findEnvironment(napi_env env);
Environment& environment(napi_env env);

}  // namespace scalora
