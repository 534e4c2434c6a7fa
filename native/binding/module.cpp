#include "addon.h"

NAPI_MODULE_INIT(/* napi_env env, napi_value exports */) {
  try {
    scalora::registerEnvironment(env);
    scalora::registerErrors(env, exports);
    scalora::registerTensors(env, exports);
    scalora::registerAutograd(env, exports);
    scalora::registerDispatch(env, exports);
    scalora::registerGenerators(env, exports);
    scalora::registerGraphs(env, exports);
    scalora::registerMapping(env, exports);
    scalora::registerMemoryCount(env, exports);
    scalora::registerProfile(env, exports);
    scalora::registerSystem(env, exports);
    scalora::registerSecondDevice(env, exports);
    scalora::registerDistributed(env, exports);
  } catch (...) {
    scalora::throwToJs(env, "loading the addon", "");
  }
  return exports;
}
