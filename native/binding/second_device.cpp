// A second device for tests, "second:0". Its tensors are in host memory and its operators run on the CPU, but to libtorch it
// is a separate device, like a GPU: an operator refuses its tensors and generators together with the CPU's. So a test without
// hardware finds tensors created on the wrong device. Nothing is registered before `useSecondDevice` is called.
#include "second_device.h"

#include "addon.h"
#include "second_graph.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/EmptyTensor.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/unfold_native.h>
#include <ATen/ops/view_as_complex_native.h>
#include <ATen/ops/view_as_real_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <c10/core/impl/alloc_cpu.h>
#include <torch/library.h>

#include <map>
#include <mutex>
#include <set>

namespace scalora {
namespace {

constexpr auto kType = c10::DeviceType::PrivateUse1;
constexpr auto kKey = c10::DispatchKey::PrivateUse1;
const c10::Device kSecond(kType, 0);

// Counts its blocks as CUDA's allocator does, in multiples of 512 bytes.
struct HostMemory final : c10::DeviceAllocator {
  c10::DataPtr allocate(size_t size) override {
    void* data = c10::alloc_cpu(size);
    if (data != nullptr) note(data, static_cast<int64_t>((size + 511) / 512 * 512));
    return {data, data, &release, kSecond};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, size_t size) const override { default_copy_data(to, from, size); }
  bool initialized() override { return true; }
  void emptyCache(c10::MempoolId_t) override {}
  void recordStream(const c10::DataPtr&, c10::Stream) override {}
  void resetAccumulatedStats(c10::DeviceIndex) override {}
  void resetPeakStats(c10::DeviceIndex) override {
    const std::lock_guard<std::mutex> lock(blocks().mutex);
    blocks().bytes.reset_peak();
  }
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex) override {
    const std::lock_guard<std::mutex> lock(blocks().mutex);
    c10::CachingDeviceAllocator::DeviceStats stats;
    stats.allocated_bytes[0] = stats.reserved_bytes[0] = blocks().bytes;
    return stats;
  }
  std::pair<size_t, size_t> getMemoryInfo(c10::DeviceIndex) override { return {0, 0}; }  // it has the host's

  static void note(void* data, int64_t size) {
    {
      const std::lock_guard<std::mutex> lock(blocks().mutex);
      blocks().sizes[data] = size;
      blocks().bytes.increase(static_cast<size_t>(size));
    }
    c10::reportMemoryUsageToProfiler(data, size, 0, 0, kSecond);
  }
  static void release(void* data) {
    int64_t size = 0;
    {
      const std::lock_guard<std::mutex> lock(blocks().mutex);
      if (const auto block = blocks().sizes.extract(data)) size = block.mapped();
      blocks().bytes.decrease(static_cast<size_t>(size));
    }
    c10::free_cpu(data);
    if (size > 0) c10::reportMemoryUsageToProfiler(data, -size, 0, 0, kSecond);
  }

 private:
  struct Blocks {
    std::mutex mutex;
    std::map<void*, int64_t> sizes;
    c10::CachingAllocator::Stat bytes;
  };
  // Never freed: tensors may outlive it at the end of the process.
  static Blocks& blocks() {
    static Blocks& all = *new Blocks;
    return all;
  }
};
HostMemory hostMemory;

// Pages of the host from which a GPU copies while the host goes on.
struct PinnedMemory final : c10::Allocator {
  c10::DataPtr allocate(size_t size) override {
    void* data = c10::alloc_cpu(size);
    const std::lock_guard<std::mutex> lock(mutex);
    if (data != nullptr) blocks.insert(data);
    return {data, data, &release, c10::Device(c10::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, size_t size) const override { default_copy_data(to, from, size); }
  static void release(void* data) {
    const std::lock_guard<std::mutex> lock(mutex);
    blocks.erase(data);
    c10::free_cpu(data);
  }
  static bool has(const void* data) {
    const std::lock_guard<std::mutex> lock(mutex);
    return blocks.count(data) > 0;
  }

 private:
  static inline std::mutex mutex;
  static inline std::set<const void*> blocks;
};
PinnedMemory pinnedMemory;

// Where the host would have waited for a GPU, by the operators' names, since the last time that they were taken.
struct Waits {
  void note(const std::string& what) {
    const std::lock_guard<std::mutex> lock(mutex);
    names.push_back(what);
  }
  std::vector<std::string> take() {
    const std::lock_guard<std::mutex> lock(mutex);
    return std::exchange(names, {});
  }
  std::mutex mutex;
  std::vector<std::string> names;
};
Waits waits;

// The host would wait here for a GPU; not within an operator, whose copies to the CPU and back are no copies on a GPU.
void noteWait(const std::string& what) {
  if (WithinOperator::isActive()) return;
  refuseInGraph(what);
  waits.note(what);
}

// A CPU generator that belongs to the second device.
struct SecondGenerator final : c10::GeneratorImpl {
  explicit SecondGenerator(at::Generator source)
      : GeneratorImpl(kSecond, c10::DispatchKeySet(kKey)), source(std::move(source)) {}
  void set_current_seed(uint64_t seed) override { source.set_current_seed(seed); }
  void set_offset(uint64_t offset) override { source.set_offset(offset); }
  uint64_t get_offset() const override { return source.get_offset(); }
  uint64_t current_seed() const override { return source.current_seed(); }
  uint64_t seed() override { return source.seed(); }
  void set_state(const c10::TensorImpl& state) override { source.unsafeGetGeneratorImpl()->set_state(state); }
  c10::intrusive_ptr<c10::TensorImpl> get_state() const override { return source.unsafeGetGeneratorImpl()->get_state(); }
  SecondGenerator* clone_impl() const override { return new SecondGenerator(source.clone()); }

  mutable at::Generator source;
};

// Its operators are synchronous: there is one stream, and nothing to wait for.
struct Guard final : c10::impl::NoOpDeviceGuardImpl<kType> {
  c10::Device exchangeDevice(c10::Device) const override { return kSecond; }
  c10::Device getDevice() const override { return kSecond; }
  c10::Stream getStream(c10::Device) const noexcept override { return c10::Stream(c10::Stream::DEFAULT, kSecond); }
  c10::Stream exchangeStream(c10::Stream stream) const noexcept override { return stream; }
  void record(void**, const c10::Stream&, const c10::DeviceIndex, const c10::EventFlag) const override {}
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
};

struct Hooks final : at::PrivateUse1HooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  const at::Generator& getDefaultGenerator(c10::DeviceIndex) const override {
    static const auto generator = at::make_generator<SecondGenerator>(at::make_generator<at::CPUGeneratorImpl>());
    return generator;
  }
  bool isPinnedPtr(const void* data) const override { return PinnedMemory::has(data); }
  c10::Allocator* getPinnedMemoryAllocator() const override { return &pinnedMemory; }
};

void requireSecond(const c10::OperatorHandle& op, const c10::Device& device, const std::string& what) {
  TORCH_CHECK(device == kSecond, op.schema().name(), ": ", what, " is on ", device.str(), ", with tensors on ", kSecond.str());
}

void requireSecond(const c10::OperatorHandle& op, const at::Tensor& tensor, const std::string& what) {
  // libtorch wraps numbers in tensors without dimensions.
  const bool isNumber = tensor.defined() && tensor.unsafeGetTensorImpl()->is_wrapped_number();
  if (tensor.defined() && !isNumber) requireSecond(op, tensor.device(), what + " " + c10::str(tensor.sizes()));
}

// Refuses arguments on another device; replaces a generator by its CPU generator.
void checkArgument(const c10::OperatorHandle& op, c10::IValue& value, const std::string& name) {
  if (value.isTensor()) {
    requireSecond(op, value.toTensor(), name);
  } else if (value.isTensorList()) {
    for (const at::Tensor& tensor : value.toTensorVector()) requireSecond(op, tensor, name);
  } else if (value.isOptionalTensorList()) {
    for (const auto& item : value.toOptionalTensorVector()) if (item) requireSecond(op, *item, name);
  } else if (value.isGenerator()) {
    at::Generator generator = value.toGenerator();
    requireSecond(op, generator.device(), name);
    value = generator.get<SecondGenerator>()->source;
  }
}

bool isMask(const c10::IValue& indices) {
  for (const auto& index : indices.toOptionalTensorVector())
    if (index && (index->scalar_type() == at::kBool || index->scalar_type() == at::kByte)) return true;
  return false;
}

// Whether CUDA's kernel of an operator has the host wait: for a number, for the size of a result, or for a solver's verdict.
bool waitsOnGpu(const c10::OperatorHandle& op, const torch::jit::Stack& stack) {
  static const std::set<std::string> names{
      "aten::_local_scalar_dense", "aten::nonzero",          "aten::masked_select", "aten::_unique2",    "aten::unique_consecutive",
      "aten::equal",               "aten::_assert_async",    "aten::bincount",      "aten::_linalg_svd", "aten::_linalg_eigh",
      "aten::linalg_eig",          "aten::_linalg_solve_ex", "aten::linalg_lstsq"};
  const std::string& name = op.operator_name().name;
  if (name == "aten::repeat_interleave") return op.operator_name().overload_name == "Tensor";
  if (name == "aten::index" || name == "aten::index_put_" || name == "aten::_index_put_impl_") return isMask(torch::jit::peek(stack, 1, op.schema().arguments().size()));
  return names.count(name) > 0;
}

void runWithin(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const WithinOperator within;
  at::native::cpu_fallback(op, stack);
}

c10::IValue bareValue(const c10::IValue& value) {
  if (value.isTensor()) return bareTensor(value.toTensor());
  if (value.isTensorList()) {
    c10::List<at::Tensor> tensors;
    for (const at::Tensor& tensor : value.toTensorVector()) tensors.push_back(bareTensor(tensor));
    return tensors;
  }
  if (value.isOptionalTensorList()) {
    c10::List<std::optional<at::Tensor>> tensors;
    for (const auto& tensor : value.toOptionalTensorVector()) tensors.push_back(tensor ? std::optional(bareTensor(*tensor)) : std::nullopt);
    return tensors;
  }
  return value;
}

torch::jit::Stack bareValues(const torch::jit::Stack& stack, size_t count) {
  torch::jit::Stack values;
  for (const c10::IValue& value : torch::jit::last(stack, count)) values.push_back(bareValue(value));
  return values;
}

void overwriteValue(const c10::IValue& to, const c10::IValue& from) {
  if (to.isTensor()) return overwriteTensor(to.toTensor(), from.toTensor());
  if (!to.isTensorList()) return;
  const auto places = to.toTensorVector(), values = from.toTensorVector();
  for (size_t i = 0; i < places.size(); ++i) overwriteTensor(places[i], values.at(i));
}

void beforeWriteOf(const c10::Argument& argument, const c10::IValue& value) {
  if (argument.alias_info() == nullptr || !argument.alias_info()->isWrite()) return;
  if (value.isTensor()) beforeWriteInGraph(value.toTensor());
  if (value.isTensorList()) for (const at::Tensor& tensor : value.toTensorVector()) beforeWriteInGraph(tensor);
}

void recordOperator(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  requireValidGraph();
  const auto& arguments = op.schema().arguments();
  if (op.hasTag(at::Tag::nondeterministic_seeded)) refuseInGraph(op.operator_name().name + " draws random numbers");
  const torch::jit::Stack given = bareValues(*stack, arguments.size());
  for (size_t i = 0; i < arguments.size(); ++i) beforeWriteOf(arguments[i], given[i]);
  runWithin(op, stack);
  addToGraph([op, given, results = bareValues(*stack, op.schema().returns().size())] {
    torch::jit::Stack again = given;
    runWithin(op, &again);
    for (size_t i = 0; i < results.size(); ++i) overwriteValue(results[i], again[i]);
  });
}

void runOnCpu(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const auto& arguments = op.schema().arguments();
  for (size_t i = 0; i < arguments.size(); ++i)
    checkArgument(op, torch::jit::peek(*stack, i, arguments.size()), arguments[i].name());
  if (waitsOnGpu(op, *stack)) noteWait(op.operator_name().name);
  if (isRecordedNow()) recordOperator(op, stack);
  else runWithin(op, stack);
}

at::Tensor kept(const at::Tensor& made) {
  keepInGraph(made);
  return made;
}

at::Tensor emptyTensor(at::IntArrayRef size, std::optional<at::ScalarType> dtype, std::optional<at::Layout>,
                       std::optional<at::Device>, std::optional<bool>, std::optional<at::MemoryFormat> format) {
  return kept(at::detail::empty_generic(size, &hostMemory, c10::DispatchKeySet(kKey), c10::dtype_or_default(dtype), format));
}

at::Tensor emptyStrided(at::IntArrayRef size, at::IntArrayRef stride, std::optional<at::ScalarType> dtype,
                        std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>) {
  return kept(at::detail::empty_strided_generic(size, stride, &hostMemory, c10::DispatchKeySet(kKey), c10::dtype_or_default(dtype)));
}

at::Tensor copyFrom(const at::Tensor& from, const at::Tensor& to, bool nonBlocking) {
  const at::Tensor& host = from.is_cpu() ? from : to;
  const bool isAsynchronous = !host.is_cpu() || (nonBlocking && PinnedMemory::has(host.storage().data()));
  if (!isAsynchronous) noteWait(from.is_cpu() ? "copy from the host" : "copy to the host");
  if (isRecordedNow()) {
    requireValidGraph();
    if (host.is_cpu()) refuseInGraph("copy from or to memory that the host has freed at a replay");
    beforeWriteInGraph(to);
    addToGraph([from = bareTensor(from), to = bareTensor(to)] { onHost(to).copy_(onHost(from)); });
  }
  onHost(to).copy_(onHost(from));
  return to;
}

// Does not keep the values of a tensor that grows: it is overwritten next.
const at::Tensor& resizeTensor(const at::Tensor& tensor, at::IntArrayRef size, std::optional<at::MemoryFormat>) {
  auto* impl = tensor.unsafeGetTensorImpl();
  const size_t bytes = at::detail::computeStorageNbytesContiguous(size, tensor.element_size(), tensor.storage_offset());
  if (bytes > tensor.storage().nbytes()) {
    impl->set_storage_keep_dtype(c10::Storage(c10::Storage::use_byte_size_t(), bytes, &hostMemory, false));
    keepInGraph(tensor);
  }
  impl->set_sizes_contiguous(size);
  return tensor;
}

// Copies back what an operator on the CPU wrote in place.
at::Tensor copyBack(const at::Tensor& from, const at::Tensor& to) {
  if (from.sizes() != to.sizes()) resizeTensor(to, from.sizes(), std::nullopt);
  return copyFrom(from, to, false);
}

void registerKernels() {
  static torch::Library fallback(torch::Library::IMPL, "_", kKey, __FILE__, __LINE__);
  fallback.fallback(torch::CppFunction::makeFromBoxedFunction<&runOnCpu>());
  static torch::Library kernels(torch::Library::IMPL, "aten", kKey, __FILE__, __LINE__);
  kernels.impl("empty.memory_format", &emptyTensor);
  kernels.impl("empty_strided", &emptyStrided);
  kernels.impl("_copy_from", &copyFrom);
  kernels.impl("_copy_from_and_resize", &copyBack);
  kernels.impl("resize_", &resizeTensor);
  kernels.impl("view_as_real", &at::native::view_as_real);
  kernels.impl("view_as_complex", &at::native::view_as_complex);
  kernels.impl("as_strided", &at::native::as_strided_tensorimpl);
  kernels.impl("unfold", &at::native::unfold);
  kernels.impl("view", &at::native::view);
  kernels.impl("_reshape_alias", &at::native::_reshape_alias);
  registerSecondAttention();
  registerSecondNorm();
}

// useSecondDevice() -> the device's name
napi_value useSecondDevice(napi_env env, const std::vector<napi_value>&) {
  static const std::string name = [] {
    static Hooks hooks;
    static c10::impl::DeviceGuardImplRegistrar guard(kType, new Guard());
    c10::register_privateuse1_backend("second");
    at::RegisterPrivateUse1HooksInterface(&hooks);
    c10::SetAllocator(kType, &hostMemory);
    registerKernels();
    return kSecond.str();
  }();
  return fromString(env, name);
}

// takeHostWaits() -> the names of the operators since the last call at which the host would have waited for a GPU
napi_value takeHostWaits(napi_env env, const std::vector<napi_value>&) {
  napi_value result;
  const std::vector<std::string> names = waits.take();
  check(env, napi_create_array_with_length(env, names.size(), &result));
  for (size_t i = 0; i < names.size(); ++i) check(env, napi_set_element(env, result, static_cast<uint32_t>(i), fromString(env, names[i])));
  return result;
}

}  // namespace

at::Tensor onHost(const at::Tensor& tensor) {
  if (tensor.is_cpu()) return tensor;
  return at::from_blob(tensor.data_ptr(), tensor.sizes(), tensor.strides(), tensor.options().device(at::kCPU));
}

at::Tensor onSecond(const at::Tensor& tensor) {
  at::Tensor copy = at::empty_like(tensor, tensor.options().device(kSecond));
  onHost(copy).copy_(tensor);
  return copy;
}

void registerSecondDevice(napi_env env, napi_value exports) {
  define(env, exports, "useSecondDevice", useSecondDevice);
  define(env, exports, "takeHostWaits", takeHostWaits);
}

}  // namespace scalora
