// Mapped files and the tensors that are read from them.
#include "environment.h"
#include "mapped_file.h"

#include <ATen/ATen.h>

#include <cstring>

namespace scalora {
namespace {

std::shared_ptr<MappedFile> fileAt(napi_env env, const std::vector<napi_value>& args) {
  return environment(env).files.get(toNumber(env, args.at(0), "file"), "this");
}

// mapFile(path) -> [handle, size in bytes]
napi_value mapFile(napi_env env, const std::vector<napi_value>& args) {
  const auto file = std::make_shared<MappedFile>(toString(env, args.at(0), "path"));
  napi_value result;
  check(env, napi_create_array_with_length(env, 2, &result));
  check(env, napi_set_element(env, result, 1, fromInteger(env, static_cast<int64_t>(file->size))));
  check(env, napi_set_element(env, result, 0, fromNumber(env, environment(env).files.add(file))));
  return result;
}

// mappedTensor(file, byteOffset, shape, dtype): shares the memory of the file when aligned, a copy otherwise
napi_value mappedTensor(napi_env env, const std::vector<napi_value>& args) {
  const auto file = fileAt(env, args);
  int64_t offset = toInteger(env, args.at(1), "byteOffset");
  std::vector<int64_t> shape = toIntegers(env, args.at(2), "shape");
  auto dtype = static_cast<at::ScalarType>(toInteger(env, args.at(3), "dtype"));
  size_t width = c10::elementSize(dtype);
  size_t bytes = width;
  for (int64_t extent : shape) {
    if (extent < 0 || __builtin_mul_overflow(bytes, static_cast<size_t>(extent), &bytes))
      throw Failure("format", "the shape of a mapped tensor is invalid");
  }
  if (offset < 0 || static_cast<size_t>(offset) > file->size || bytes > file->size - static_cast<size_t>(offset))
    throw Failure("format", "a mapped tensor reaches beyond the end of its file");
  char* start = static_cast<char*>(file->data) + offset;
  if (bytes == 0 || reinterpret_cast<uintptr_t>(start) % width != 0) {
    at::Tensor copy = at::empty(shape, dtype);
    if (bytes) std::memcpy(copy.data_ptr(), start, bytes);
    return fromTensor(env, copy);
  }
  return fromTensor(env, at::from_blob(start, shape, [file](void*) {}, at::TensorOptions(dtype)));
}

napi_value closeMappedFile(napi_env env, const std::vector<napi_value>& args) {
  return fromBool(env, environment(env).files.remove(toNumber(env, args.at(0), "file")));
}

napi_value filesIntact(napi_env env, const std::vector<napi_value>&) { return fromBool(env, mappedFilesIntact()); }

}  // namespace

void registerMapping(napi_env env, napi_value exports) {
  define(env, exports, "mapFile", mapFile);
  define(env, exports, "mappedTensor", mappedTensor);
  define(env, exports, "closeMappedFile", closeMappedFile);
  define(env, exports, "mappedFilesIntact", filesIntact);
}

}  // namespace scalora
