// Random number generators whose state can be saved and restored.
#include "addon.h"
#include "environment.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>

namespace scalora {

namespace {

at::Generator generatorAt(napi_env env, const std::vector<napi_value>& args) {
  return environment(env).generators.get(toNumber(env, args.at(0), "generator"), "this");
}

// generator(seed, device) -> handle
napi_value create(napi_env env, const std::vector<napi_value>& args) {
  int64_t seed = toInteger(env, args.at(0), "seed");
  c10::Device device(toString(env, args.at(1), "device"));
  at::Generator generator = device.is_cpu() ? at::make_generator<at::CPUGeneratorImpl>(static_cast<uint64_t>(seed))
                                            : at::globalContext().defaultGenerator(device).clone();
  generator.set_current_seed(static_cast<uint64_t>(seed));
  return fromNumber(env, environment(env).generators.add(generator));
}

napi_value state(napi_env env, const std::vector<napi_value>& args) {
  return fromTensor(env, at::Tensor(generatorAt(env, args).get_state()));
}

napi_value setState(napi_env env, const std::vector<napi_value>& args) {
  generatorAt(env, args).set_state(toTensor(env, args.at(1), "the state"));
  return undefined(env);
}

napi_value disposeGenerator(napi_env env, const std::vector<napi_value>& args) {
  return fromBool(env, environment(env).generators.remove(toNumber(env, args.at(0), "generator")));
}

}  // namespace

void registerGenerators(napi_env env, napi_value exports) {
  define(env, exports, "generator", create);
  define(env, exports, "generatorState", state);
  define(env, exports, "setGeneratorState", setState);
  define(env, exports, "disposeGenerator", disposeGenerator);
}

}  // namespace scalora
