// Shared by every source of the addon: errors that become JavaScript errors, and small Node-API helpers.
#pragma once
#include <node_api.h>

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

namespace scalora {

// An error with its fix; src/native/load.ts turns it into a ScaloraError.
struct Failure : std::exception {
  std::string kind, message, found, fix;
  Failure(std::string kind, std::string message, std::string found = "", std::string fix = "")
      : kind(std::move(kind)), message(std::move(message)), found(std::move(found)), fix(std::move(fix)) {}
  const char* what() const noexcept override { return message.c_str(); }
};

// Rethrows the current C++ exception as a JavaScript error. `where` names the operator, `found` its arguments.
void throwToJs(napi_env env, const std::string& where, const std::string& found) noexcept;

// Turns a failed Node-API status into a Failure.
void check(napi_env env, napi_status status);

// A JavaScript function that calls `callback`, which finds `data` in its callback info. `data` is freed with the function.
template <typename Data>
napi_value functionWith(napi_env env, const char* name, napi_callback callback, std::unique_ptr<Data> data) {
  napi_value function;
  check(env, napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, data.get(), &function));
  const auto free = [](napi_env, void* owned, void*) { delete static_cast<Data*>(owned); };
  check(env, napi_add_finalizer(env, function, data.get(), free, nullptr, nullptr));
  data.release();
  return function;
}

// Exports a C++ function to JavaScript; exceptions become JavaScript errors.
using Function = napi_value (*)(napi_env, const std::vector<napi_value>&);
void define(napi_env env, napi_value exports, const char* name, Function function);

// JavaScript to C++. Each throws a Failure that names `what` if the value has the wrong type.
double toNumber(napi_env env, napi_value value, const char* what);
int64_t toInteger(napi_env env, napi_value value, const char* what);  // a safe integer or a BigInt within int64
bool toBool(napi_env env, napi_value value, const char* what);
std::string toString(napi_env env, napi_value value, const char* what);
at::Tensor toTensor(napi_env env, napi_value handle, const char* what);
at::Tensor tensorAt(napi_env env, const std::vector<napi_value>& args);  // the first argument
at::Tensor toOptionalTensor(napi_env env, napi_value handle, const char* what);  // handle 0: an undefined tensor
std::vector<int64_t> toIntegers(napi_env env, napi_value value, const char* what);
bool isArray(napi_env env, napi_value value);
uint32_t arrayLength(napi_env env, napi_value value);
napi_value element(napi_env env, napi_value array, uint32_t index);
napi_valuetype typeOf(napi_env env, napi_value value);
std::string describe(napi_env env, napi_value value);

// C++ to JavaScript.
napi_value fromNumber(napi_env env, double value);
napi_value fromInteger(napi_env env, int64_t value);  // throws beyond 2^53
napi_value fromBool(napi_env env, bool value);
napi_value fromString(napi_env env, const std::string& value);
napi_value fromTensor(napi_env env, const at::Tensor& tensor);  // a new handle; 0 for an undefined tensor
napi_value undefined(napi_env env);

// Registers the functions of each source; registerEnvironment must be called first.
void registerEnvironment(napi_env env);
void registerErrors(napi_env env, napi_value exports);
void registerTensors(napi_env env, napi_value exports);
void registerAutograd(napi_env env, napi_value exports);
void registerDispatch(napi_env env, napi_value exports);
void registerGenerators(napi_env env, napi_value exports);
void registerGraphs(napi_env env, napi_value exports);
void registerMapping(napi_env env, napi_value exports);
void registerMemoryCount(napi_env env, napi_value exports);
void registerProfile(napi_env env, napi_value exports);
void registerSystem(napi_env env, napi_value exports);
void registerSecondDevice(napi_env env, napi_value exports);
void registerDistributed(napi_env env, napi_value exports);

}  // namespace scalora
