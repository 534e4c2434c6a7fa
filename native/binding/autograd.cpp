// Gradients: recording operations, and the backward pass.
#include "addon.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

namespace scalora {
namespace {

std::vector<at::Tensor> tensorsAt(napi_env env, napi_value list) {
  std::vector<at::Tensor> result;
  for (uint32_t i = 0; i < arrayLength(env, list); ++i)
    result.push_back(toTensor(env, element(env, list, i), "an element"));
  return result;
}

napi_value requiresGrad(napi_env env, const std::vector<napi_value>& args) { return fromBool(env, tensorAt(env, args).requires_grad()); }

napi_value setRequiresGrad(napi_env env, const std::vector<napi_value>& args) {
  tensorAt(env, args).set_requires_grad(toBool(env, args.at(1), "requiresGrad"));
  return undefined(env);
}

// grad(handle): a handle, or 0 where there is none
napi_value grad(napi_env env, const std::vector<napi_value>& args) {
  return fromTensor(env, tensorAt(env, args).grad());
}

// setGrad(handle, gradientHandle or 0)
napi_value setGrad(napi_env env, const std::vector<napi_value>& args) {
  at::Tensor tensor = tensorAt(env, args);
  const at::Tensor gradient = toOptionalTensor(env, args.at(1), "the gradient");
  if (gradient.defined() && (gradient.sizes() != tensor.sizes() || gradient.scalar_type() != tensor.scalar_type()))
    throw Failure("tensor", "a gradient must have the shape and dtype of its tensor");
  tensor.mutable_grad() = gradient;
  return undefined(env);
}

// backward(handle, gradientHandle or 0)
napi_value backward(napi_env env, const std::vector<napi_value>& args) {
  std::vector<at::Tensor> gradients{toOptionalTensor(env, args.at(1), "the gradient")};
  if (!gradients[0].defined()) gradients.clear();
  torch::autograd::backward({tensorAt(env, args)}, gradients);
  return undefined(env);
}

// gradients(outputs, inputs) -> handles, 0 where an input was not used
napi_value gradients(napi_env env, const std::vector<napi_value>& args) {
  auto results = torch::autograd::grad(tensorsAt(env, args.at(0)), tensorsAt(env, args.at(1)), {}, std::nullopt, false, true);
  napi_value array;
  check(env, napi_create_array_with_length(env, results.size(), &array));
  for (uint32_t i = 0; i < results.size(); ++i)
    check(env, napi_set_element(env, array, i, fromTensor(env, results[i])));
  return array;
}

napi_value gradMode(napi_env env, const std::vector<napi_value>&) { return fromBool(env, at::GradMode::is_enabled()); }

// setGradMode(on) -> the previous mode
napi_value setGradMode(napi_env env, const std::vector<napi_value>& args) {
  bool before = at::GradMode::is_enabled();
  at::GradMode::set_enabled(toBool(env, args.at(0), "enabled"));
  return fromBool(env, before);
}

}  // namespace

void registerAutograd(napi_env env, napi_value exports) {
  define(env, exports, "requiresGrad", requiresGrad);
  define(env, exports, "setRequiresGrad", setRequiresGrad);
  define(env, exports, "grad", grad);
  define(env, exports, "setGrad", setGrad);
  define(env, exports, "backward", backward);
  define(env, exports, "gradients", gradients);
  define(env, exports, "gradMode", gradMode);
  define(env, exports, "setGradMode", setGradMode);
}

}  // namespace scalora
