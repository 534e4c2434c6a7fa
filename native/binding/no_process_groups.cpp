// In the place of native/distributed on Windows, where libtorch does not export what that calls of gloo.
#if defined(_WIN32)
#include "addon.h"

namespace scalora {
namespace {

napi_value openStore(napi_env, const std::vector<napi_value>&) {
  throw Failure("run", "there are no process groups on Windows", "", "train in one process, or use Linux (WSL too) or macOS");
}

}  // namespace

void registerDistributed(napi_env env, napi_value exports) { define(env, exports, "openStore", openStore); }

}  // namespace scalora

#endif
