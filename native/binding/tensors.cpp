// Creates tensors from JavaScript data, reads them back, and returns their properties.
#include "addon.h"
#include "environment.h"

#include <ATen/ATen.h>

#include <cstring>

namespace scalora {

at::Tensor tensorAt(napi_env env, const std::vector<napi_value>& args) { return toTensor(env, args.at(0), "this"); }

namespace {

struct Bytes {
  void* data;
  size_t size;
};

Bytes bytesOf(napi_env env, napi_value value) {
  bool typed = false;
  check(env, napi_is_typedarray(env, value, &typed));
  if (!typed) throw Failure("tensor", "the data must be a typed array", describe(env, value));
  napi_typedarray_type type;
  size_t length, offset;
  Bytes bytes{};
  check(env, napi_get_typedarray_info(env, value, &type, &length, &bytes.data, nullptr, &offset));
  static const size_t widths[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};
  if (static_cast<size_t>(type) >= sizeof(widths) / sizeof(widths[0]))
    throw Failure("tensor", "this kind of typed array is not supported");
  bytes.size = length * widths[type];
  return bytes;
}

at::ScalarType scalarType(napi_env env, napi_value value) {
  int64_t code = toInteger(env, value, "dtype");
  if (code < 0 || code >= static_cast<int64_t>(at::ScalarType::NumOptions)) throw Failure("tensor", "unknown dtype", std::to_string(code));
  return static_cast<at::ScalarType>(code);
}

// fromData(typedArray, shape, dtype, device): a copy. A GPU copies from pinned memory, and the host does not wait for it.
napi_value fromData(napi_env env, const std::vector<napi_value>& args) {
  if (environment(env).recording) throw Failure("tensor", "numbers of the host are copied while a graph is recorded: a replay would not see new ones");
  Bytes bytes = bytesOf(env, args.at(0));
  const c10::Device device(toString(env, args.at(3), "device"));
  const bool isPinned = device.is_cuda() || device.is_privateuseone();
  at::Tensor tensor = at::empty(toIntegers(env, args.at(1), "shape"), at::dtype(scalarType(env, args.at(2))).pinned_memory(isPinned));
  if (tensor.nbytes() != bytes.size)
    throw Failure("tensor", "the typed array has the wrong length: the shape needs " + std::to_string(tensor.nbytes()) + " bytes",
                  std::to_string(bytes.size) + " bytes");
  if (bytes.size) std::memcpy(tensor.data_ptr(), bytes.data, bytes.size);
  return fromTensor(env, tensor.to(device, isPinned));
}

// toData(handle): its elements in row-major order, as an ArrayBuffer
napi_value toData(napi_env env, const std::vector<napi_value>& args) {
  at::Tensor tensor = tensorAt(env, args).detach().to(at::kCPU).contiguous();
  void* data;
  napi_value buffer;
  check(env, napi_create_arraybuffer(env, tensor.nbytes(), &data, &buffer));
  if (tensor.nbytes()) std::memcpy(data, tensor.data_ptr(), tensor.nbytes());
  return buffer;
}

napi_value shape(napi_env env, const std::vector<napi_value>& args) {
  at::Tensor tensor = tensorAt(env, args);
  napi_value result;
  check(env, napi_create_array_with_length(env, tensor.dim(), &result));
  for (int64_t i = 0; i < tensor.dim(); ++i) check(env, napi_set_element(env, result, i, fromInteger(env, tensor.size(i))));
  return result;
}

napi_value dtype(napi_env env, const std::vector<napi_value>& args) {
  return fromNumber(env, static_cast<double>(tensorAt(env, args).scalar_type()));
}

napi_value device(napi_env env, const std::vector<napi_value>& args) { return fromString(env, tensorAt(env, args).device().str()); }

napi_value isContiguous(napi_env env, const std::vector<napi_value>& args) { return fromBool(env, tensorAt(env, args).is_contiguous()); }

napi_value item(napi_env env, const std::vector<napi_value>& args) {
  at::Scalar value = tensorAt(env, args).item();
  if (value.isBoolean()) return fromNumber(env, value.toBool() ? 1 : 0);
  return value.isIntegral(false) ? fromInteger(env, value.toLong()) : fromNumber(env, value.toDouble());
}

napi_value isAlive(napi_env env, const std::vector<napi_value>& args) {
  return fromBool(env, environment(env).tensors.has(toNumber(env, args.at(0), "tensor")));
}

napi_value dispose(napi_env env, const std::vector<napi_value>& args) {
  return fromBool(env, environment(env).tensors.remove(toNumber(env, args.at(0), "tensor")));
}

napi_value liveTensors(napi_env env, const std::vector<napi_value>&) { return fromNumber(env, static_cast<double>(environment(env).tensors.live())); }

}  // namespace

void registerTensors(napi_env env, napi_value exports) {
  define(env, exports, "fromData", fromData);
  define(env, exports, "toData", toData);
  define(env, exports, "shape", shape);
  define(env, exports, "dtype", dtype);
  define(env, exports, "device", device);
  define(env, exports, "isContiguous", isContiguous);
  define(env, exports, "item", item);
  define(env, exports, "isAlive", isAlive);
  define(env, exports, "dispose", dispose);
  define(env, exports, "liveTensors", liveTensors);
}

}  // namespace scalora
