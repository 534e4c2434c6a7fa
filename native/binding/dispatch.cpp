// Calls operators from JavaScript. Arguments are converted by the operator's schema, which is looked up once by name; the
// call is boxed, so that every operator of every backend can be called and autograd records as usual.
#include "addon.h"
#include "environment.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include <sstream>

namespace scalora {
namespace {

enum class Kind {
  Tensor, TensorList, OptionalTensorList, Int, Float, Bool, Number, String, Device, IntList, FloatList, BoolList,
  NumberList, Generator, Unsupported,
};

struct Argument {
  std::string name;
  Kind kind;
  bool optional;
  bool oneForMany;  // an integer is accepted for a list of fixed length
  std::optional<c10::IValue> fallback;
};

struct Operator {
  explicit Operator(c10::OperatorHandle handle) : handle(std::move(handle)) {}
  std::string name;
  c10::OperatorHandle handle;
  std::vector<Argument> arguments;
  std::vector<bool> written;  // which results are arguments written in place; these are not returned
};

Kind kindOf(const c10::Type& type) {
  switch (type.kind()) {
    case c10::TypeKind::TensorType: return Kind::Tensor;
    case c10::TypeKind::IntType:
    case c10::TypeKind::SymIntType:
    case c10::TypeKind::ScalarTypeType:
    case c10::TypeKind::LayoutType:
    case c10::TypeKind::MemoryFormatType: return Kind::Int;
    case c10::TypeKind::FloatType: return Kind::Float;
    case c10::TypeKind::BoolType: return Kind::Bool;
    case c10::TypeKind::NumberType: return Kind::Number;
    case c10::TypeKind::StringType: return Kind::String;
    case c10::TypeKind::DeviceObjType: return Kind::Device;
    case c10::TypeKind::GeneratorType: return Kind::Generator;
    case c10::TypeKind::ListType: {
      const c10::Type& inner = *type.castRaw<c10::ListType>()->getElementType();
      if (inner.kind() == c10::TypeKind::OptionalType) {
        const auto& wrapped = *inner.castRaw<c10::OptionalType>()->getElementType();
        return wrapped.kind() == c10::TypeKind::TensorType ? Kind::OptionalTensorList : Kind::Unsupported;
      }
      switch (kindOf(inner)) {
        case Kind::Tensor: return Kind::TensorList;
        case Kind::Int: return Kind::IntList;
        case Kind::Float: return Kind::FloatList;
        case Kind::Bool: return Kind::BoolList;
        case Kind::Number: return Kind::NumberList;
        default: return Kind::Unsupported;
      }
    }
    default: return Kind::Unsupported;
  }
}

Argument readArgument(const c10::Argument& source) {
  c10::TypePtr type = source.real_type();
  bool optional = type->kind() == c10::TypeKind::OptionalType;
  if (optional) type = type->castRaw<c10::OptionalType>()->getElementType();
  return {source.name(), kindOf(*type), optional, source.N().value_or(0) > 0, source.default_value()};
}

at::Tensor tensorArgument(napi_env env, napi_value value, const Argument& argument) {
  return toTensor(env, value, argument.name.c_str());
}

c10::IValue listArgument(napi_env env, napi_value value, const Argument& argument) {
  const char* name = argument.name.c_str();
  if (!isArray(env, value)) {
    if (argument.kind == Kind::IntList && argument.oneForMany) return c10::List<int64_t>({toInteger(env, value, name)});
    throw Failure("tensor", argument.name + " must be an array", describe(env, value));
  }
  uint32_t length = arrayLength(env, value);
  auto fill = [&](auto list, auto convert) {
    list.reserve(length);
    for (uint32_t i = 0; i < length; ++i) list.push_back(convert(element(env, value, i)));
    return c10::IValue(std::move(list));
  };
  switch (argument.kind) {
    case Kind::TensorList: return fill(c10::List<at::Tensor>(), [&](napi_value v) { return tensorArgument(env, v, argument); });
    case Kind::OptionalTensorList:
      return fill(c10::List<std::optional<at::Tensor>>(), [&](napi_value v) {
        return typeOf(env, v) == napi_null ? std::optional<at::Tensor>() : tensorArgument(env, v, argument);
      });
    case Kind::IntList: return fill(c10::List<int64_t>(), [&](napi_value v) { return toInteger(env, v, name); });
    case Kind::FloatList: return fill(c10::List<double>(), [&](napi_value v) { return toNumber(env, v, name); });
    default: return fill(c10::List<bool>(), [&](napi_value v) { return toBool(env, v, name); });
  }
}

c10::IValue numberArgument(napi_env env, napi_value value, const Argument& argument) {
  if (typeOf(env, value) == napi_boolean) return toBool(env, value, argument.name.c_str());
  if (typeOf(env, value) == napi_bigint) return toInteger(env, value, argument.name.c_str());
  double number = toNumber(env, value, argument.name.c_str());
  bool whole = std::floor(number) == number && std::fabs(number) <= 9007199254740991.0;
  return whole ? c10::IValue(static_cast<int64_t>(number)) : c10::IValue(number);
}

c10::IValue convert(napi_env env, napi_value value, const Argument& argument) {
  napi_valuetype type = typeOf(env, value);
  if (type == napi_undefined) {
    if (argument.fallback) return *argument.fallback;
    if (argument.optional) return c10::IValue();
    throw Failure("tensor", "the argument " + argument.name + " is missing");
  }
  if (type == napi_null) {
    if (argument.optional) return c10::IValue();
    throw Failure("tensor", "the argument " + argument.name + " may not be null");
  }
  const char* name = argument.name.c_str();
  switch (argument.kind) {
    case Kind::Tensor: return tensorArgument(env, value, argument);
    case Kind::Int: return toInteger(env, value, name);
    case Kind::Float: return toNumber(env, value, name);
    case Kind::Bool: return toBool(env, value, name);
    case Kind::Number: return numberArgument(env, value, argument);
    case Kind::String: return toString(env, value, name);
    case Kind::Device: return c10::Device(toString(env, value, name));
    case Kind::Generator: return environment(env).generators.get(toNumber(env, value, name), name);
    case Kind::NumberList:
    case Kind::Unsupported: throw Failure("tensor", "the argument " + argument.name + " has a type that cannot be passed");
    default: return listArgument(env, value, argument);
  }
}

napi_value toJs(napi_env env, const c10::IValue& value) {
  if (value.isTensor()) return fromTensor(env, value.toTensor());
  if (value.isInt()) return fromInteger(env, value.toInt());
  if (value.isSymInt()) return fromInteger(env, value.toSymInt().expect_int());
  if (value.isDouble()) return fromNumber(env, value.toDouble());
  if (value.isBool()) return fromBool(env, value.toBool());
  if (value.isString()) return fromString(env, value.toStringRef());
  if (value.isList() || value.isTuple()) {
    auto items = value.isList() ? value.toListRef().vec() : value.toTupleRef().elements().vec();
    napi_value array;
    check(env, napi_create_array_with_length(env, items.size(), &array));
    for (uint32_t i = 0; i < items.size(); ++i) check(env, napi_set_element(env, array, i, toJs(env, items[i])));
    return array;
  }
  if (value.isNone()) return undefined(env);
  throw Failure("tensor", "the operator returned a type of value that cannot be read: " + value.tagKind());
}

std::string describeArgument(const c10::IValue& value) {
  std::ostringstream text;
  if (value.isTensor()) {
    if (!value.toTensor().defined()) return "no tensor";
    text << c10::toString(value.toTensor().scalar_type()) << value.toTensor().sizes();
  } else if (value.isTensorList()) {
    text << value.toTensorVector().size() << " tensors";
  } else if (value.isGenerator()) {
    text << "a generator";
  } else {
    text << value;
  }
  return text.str();
}

std::string describeArguments(const Operator& op, const std::vector<c10::IValue>& values) {
  std::string text;
  for (size_t i = 0; i < values.size() && i < op.arguments.size(); ++i) {
    text += (i ? ", " : "") + op.arguments[i].name + " " + describeArgument(values[i]);
  }
  return text;
}

napi_value results(napi_env env, const Operator& op, const torch::jit::Stack& stack) {
  std::vector<napi_value> values;
  for (size_t i = 0; i < stack.size(); ++i) {
    if (!op.written[i]) values.push_back(toJs(env, stack[i]));
  }
  if (values.empty()) return undefined(env);
  if (values.size() == 1) return values[0];
  napi_value array;
  check(env, napi_create_array_with_length(env, values.size(), &array));
  for (uint32_t i = 0; i < values.size(); ++i) check(env, napi_set_element(env, array, i, values[i]));
  return array;
}

constexpr size_t kMaxArguments = 40;

napi_value callOperator(napi_env env, napi_callback_info info) {
  size_t count = kMaxArguments;
  napi_value arguments[kMaxArguments];
  void* data;
  napi_get_cb_info(env, info, &count, arguments, nullptr, &data);
  const Operator& op = *static_cast<Operator*>(data);
  torch::jit::Stack stack;
  std::string described;
  try {
    stack.reserve(op.arguments.size());
    napi_value missing = undefined(env);
    for (size_t i = 0; i < op.arguments.size(); ++i) {
      stack.push_back(convert(env, i < count ? arguments[i] : missing, op.arguments[i]));
    }
    torch::jit::Stack inputs;  // for the error message
    try {
      inputs = stack;
      op.handle.callBoxed(&stack);
    } catch (...) {
      described = describeArguments(op, inputs);
      throw;
    }
    return results(env, op, stack);
  } catch (...) {
    throwToJs(env, op.name, described);
    return nullptr;
  }
}

c10::OperatorHandle findOperator(const std::string& name, const std::string& overload) {
  auto handle = c10::Dispatcher::singleton().findSchema({name, overload});
  std::string full = overload.empty() ? name : name + "." + overload;
  if (!handle) throw Failure("tensor", "libtorch has no operator " + full);
  return *handle;
}

// operator(name, overload) -> a JavaScript function that calls it
napi_value bindOperator(napi_env env, const std::vector<napi_value>& args) {
  std::string name = toString(env, args.at(0), "name"), overload = toString(env, args.at(1), "overload");
  auto op = std::make_unique<Operator>(findOperator(name, overload));
  op->name = overload.empty() ? name : name + "." + overload;
  const c10::FunctionSchema& schema = op->handle.schema();
  for (const auto& argument : schema.arguments()) op->arguments.push_back(readArgument(argument));
  for (const auto& result : schema.returns()) op->written.push_back(result.alias_info() && result.alias_info()->isWrite());
  const std::string bound = op->name;
  return functionWith(env, bound.c_str(), callOperator, std::move(op));
}

// schema(name, overload) -> its text, for scripts/generate-operators.ts
napi_value schemaText(napi_env env, const std::vector<napi_value>& args) {
  std::ostringstream text;
  text << findOperator(toString(env, args.at(0), "name"), toString(env, args.at(1), "overload")).schema();
  return fromString(env, text.str());
}

}  // namespace

void registerDispatch(napi_env env, napi_value exports) {
  define(env, exports, "operator", bindOperator);
  define(env, exports, "schema", schemaText);
}

}  // namespace scalora
