#include "addon.h"
#include "environment.h"

#include <c10/util/Exception.h>

#include <cmath>
#include <new>

namespace scalora {
namespace {

void throwFailure(napi_env env, const Failure& failure, const std::string& where, const std::string& found) {
  Environment* state = findEnvironment(env);
  napi_value factory = nullptr, receiver, error;
  if (state && state->errorFactory) napi_get_reference_value(env, state->errorFactory, &factory);
  if (!factory) {
    napi_throw_error(env, failure.kind.c_str(), failure.message.c_str());
    return;
  }
  const std::string& detail = failure.found.empty() ? found : failure.found;
  napi_value arguments[] = {fromString(env, failure.kind), fromString(env, failure.message), fromString(env, where),
                            fromString(env, detail), fromString(env, failure.fix)};
  napi_get_undefined(env, &receiver);
  if (napi_call_function(env, receiver, factory, 5, arguments, &error) == napi_ok) napi_throw(env, error);
}

napi_value setErrorFactory(napi_env env, const std::vector<napi_value>& args) {
  check(env, napi_create_reference(env, args.at(0), 1, &environment(env).errorFactory));
  return undefined(env);
}

struct Defined {
  const char* name;
  Function function;
};

napi_value callFunction(napi_env env, napi_callback_info info) {
  size_t count = 8;
  napi_value arguments[8];
  void* data;
  napi_get_cb_info(env, info, &count, arguments, nullptr, &data);
  const auto* defined = static_cast<Defined*>(data);
  try {
    return defined->function(env, std::vector<napi_value>(arguments, arguments + std::min<size_t>(count, 8)));
  } catch (...) {
    throwToJs(env, defined->name, "");
    return nullptr;
  }
}

bool isSafe(double value) { return std::floor(value) == value && std::fabs(value) <= 9007199254740991.0; }

}  // namespace

void throwToJs(napi_env env, const std::string& where, const std::string& found) noexcept {
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (pending) return;
  try {
    throw;
  } catch (const Failure& failure) {
    throwFailure(env, failure, where, found);
  } catch (const c10::Error& error) {
    throwFailure(env, {"tensor", error.what_without_backtrace()}, where, found);
  } catch (const std::bad_alloc&) {
    throwFailure(env, {"tensor", "not enough memory"}, where, found);
  } catch (const std::out_of_range&) {
    throwFailure(env, {"tensor", "an argument is missing"}, where, found);
  } catch (const std::exception& error) {
    throwFailure(env, {"tensor", error.what()}, where, found);
  } catch (...) {
    throwFailure(env, {"internal", "an unknown native exception"}, where, found);
  }
}

void check(napi_env env, napi_status status) {
  if (status == napi_ok) return;
  const napi_extended_error_info* info = nullptr;
  napi_get_last_error_info(env, &info);
  throw Failure("tensor", info && info->error_message ? info->error_message : "a Node-API call failed");
}

void define(napi_env env, napi_value exports, const char* name, Function function) {
  auto defined = std::make_unique<Defined>(Defined{name, function});
  check(env, napi_set_named_property(env, exports, name, functionWith(env, name, callFunction, std::move(defined))));
}

napi_valuetype typeOf(napi_env env, napi_value value) {
  napi_valuetype type;
  check(env, napi_typeof(env, value, &type));
  return type;
}

std::string describe(napi_env env, napi_value value) {
  napi_value text;
  if (typeOf(env, value) == napi_symbol || napi_coerce_to_string(env, value, &text) != napi_ok) return "a value";
  std::string result = toString(env, text, "value");
  if (typeOf(env, value) == napi_string) result = '"' + result + '"';
  return result.size() > 80 ? result.substr(0, 77) + "…" : result;
}

double toNumber(napi_env env, napi_value value, const char* what) {
  double number;
  if (napi_get_value_double(env, value, &number) != napi_ok)
    throw Failure("tensor", std::string(what) + " must be a number", describe(env, value));
  return number;
}

int64_t toInteger(napi_env env, napi_value value, const char* what) {
  if (typeOf(env, value) == napi_bigint) {
    int64_t integer;
    bool lossless;
    check(env, napi_get_value_bigint_int64(env, value, &integer, &lossless));
    if (!lossless) throw Failure("tensor", std::string(what) + " does not fit in 64 bits", describe(env, value));
    return integer;
  }
  double number = toNumber(env, value, what);
  if (!isSafe(number))
    throw Failure("tensor", std::string(what) + " must be an integer of at most 2^53 - 1 in size", describe(env, value));
  return static_cast<int64_t>(number);
}

bool toBool(napi_env env, napi_value value, const char* what) {
  bool result;
  if (napi_get_value_bool(env, value, &result) != napi_ok)
    throw Failure("tensor", std::string(what) + " must be true or false", describe(env, value));
  return result;
}

std::string toString(napi_env env, napi_value value, const char* what) {
  size_t length;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok)
    throw Failure("tensor", std::string(what) + " must be a string", describe(env, value));
  std::string result(length, '\0');
  check(env, napi_get_value_string_utf8(env, value, result.data(), length + 1, &length));
  return result;
}

bool isArray(napi_env env, napi_value value) {
  bool result;
  check(env, napi_is_array(env, value, &result));
  return result;
}

uint32_t arrayLength(napi_env env, napi_value value) {
  uint32_t length;
  check(env, napi_get_array_length(env, value, &length));
  return length;
}

napi_value element(napi_env env, napi_value array, uint32_t index) {
  napi_value result;
  check(env, napi_get_element(env, array, index, &result));
  return result;
}

std::vector<int64_t> toIntegers(napi_env env, napi_value value, const char* what) {
  if (!isArray(env, value)) throw Failure("tensor", std::string(what) + " must be an array of integers", describe(env, value));
  std::vector<int64_t> result(arrayLength(env, value));
  for (uint32_t i = 0; i < result.size(); ++i) result[i] = toInteger(env, element(env, value, i), what);
  return result;
}

napi_value fromNumber(napi_env env, double value) {
  napi_value result;
  check(env, napi_create_double(env, value, &result));
  return result;
}

napi_value fromInteger(napi_env env, int64_t value) {
  if (!isSafe(static_cast<double>(value)))
    throw Failure("tensor", "the result is an integer beyond 2^53 - 1", std::to_string(value), "read it with data(), which gives 64-bit integers");
  return fromNumber(env, static_cast<double>(value));
}

napi_value fromBool(napi_env env, bool value) {
  napi_value result;
  check(env, napi_get_boolean(env, value, &result));
  return result;
}

napi_value fromString(napi_env env, const std::string& value) {
  napi_value result;
  napi_create_string_utf8(env, value.data(), value.size(), &result);
  return result;
}

napi_value undefined(napi_env env) {
  napi_value result;
  check(env, napi_get_undefined(env, &result));
  return result;
}

void registerErrors(napi_env env, napi_value exports) {
  define(env, exports, "setErrorFactory", setErrorFactory);
}

}  // namespace scalora
