// What one Node environment, the main thread or a worker thread, holds for its JavaScript. It is the instance data of the
// addon there, so it is used by one thread only, and what it still holds is freed when that thread ends.
#pragma once
#include "addon.h"
#include "slots.h"

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <memory>

namespace scalora {

class MappedFile;

// A number that tells the living environments of this process apart.
class EnvironmentNumber {
 public:
  EnvironmentNumber();  // throws a Failure when there is none left
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
  napi_ref errorFactory = nullptr;
};

// The environment of this thread; nullptr before registerEnvironment.
Environment* findEnvironment(napi_env env);
Environment& environment(napi_env env);

}  // namespace scalora
