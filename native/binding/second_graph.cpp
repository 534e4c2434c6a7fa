// Graphs of the second device, an imitation of CUDA's: an operator is recorded with its arguments and results, and run again with
// the same ones, so that numbers of the host, shapes, and places in memory are baked in. As with CUDA nothing has happened when the
// recording ends: memory from before it has what it had. And memory that was made meanwhile is overwritten before each replay, which
// on a GPU may happen too, as graphs share it: what a replay does not compute anew shows as numbers that are not.
#include "second_graph.h"

#include "addon.h"
#include "device_graph.h"

#include <ATen/ATen.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/core/GradMode.h>

#include <atomic>
#include <cstring>
#include <map>
#include <mutex>

namespace scalora {
namespace {

class SecondGraph final : public GraphRecorder {
 public:
  ~SecondGraph() override { stop(); }

  void begin() override {
    SecondGraph* none = nullptr;
    if (!active_.compare_exchange_strong(none, this)) throw Failure("tensor", "another graph of the second device is being recorded");
  }

  void end() override {
    requireValid();
    stop();
  }

  void abandon() noexcept override {
    stop();
    work_.clear();
    memory_.clear();
  }

  void replay() override {
    const at::AutoDispatchBelowADInplaceOrView below;
    const at::NoGradGuard noGrad;
    for (const auto& [_, storage] : memory_) std::memset(storage.mutable_data(), 0xff, storage.nbytes());
    for (const auto& again : work_) again();
  }

  void keep(const at::Tensor& tensor) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const c10::Storage& storage = tensor.storage();
    memory_.emplace(storage.unsafeGetStorageImpl(), storage);
  }

  void beforeWrite(const at::Tensor& tensor) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const c10::Storage& storage = tensor.storage();
    auto* key = storage.unsafeGetStorageImpl();
    if (memory_.count(key) > 0 || before_.count(key) > 0) return;
    const auto* data = static_cast<const char*>(storage.data());
    before_.emplace(key, std::make_pair(storage, std::vector<char>(data, data + storage.nbytes())));
  }

  void invalidate() { isInvalid_ = true; }

  void requireValid() const { TORCH_CHECK(!isInvalid_, "operation failed because of an earlier one while a graph is recorded"); }

  void add(std::function<void()> again) {
    const std::lock_guard<std::mutex> lock(mutex_);
    work_.push_back(std::move(again));
  }

  static SecondGraph* active() { return active_; }

 private:
  void stop() noexcept {
    SecondGraph* self = this;
    active_.compare_exchange_strong(self, nullptr);
    for (const auto& [_, saved] : before_) std::memcpy(saved.first.mutable_data(), saved.second.data(), saved.second.size());
    before_.clear();
  }

  static inline std::atomic<SecondGraph*> active_ = nullptr;
  std::atomic<bool> isInvalid_ = false;
  std::mutex mutex_;
  std::vector<std::function<void()>> work_;
  std::map<c10::StorageImpl*, c10::Storage> memory_;  // made while it was recorded
  std::map<c10::StorageImpl*, std::pair<c10::Storage, std::vector<char>>> before_;
};

}  // namespace

bool isRecordedNow() { return SecondGraph::active() != nullptr && !WithinOperator::isActive(); }

void refuseInGraph(const std::string& what) {
  if (!isRecordedNow()) return;
  SecondGraph::active()->invalidate();
  TORCH_CHECK(false, "operation not permitted while a graph is recorded: ", what);
}

void requireValidGraph() { SecondGraph::active()->requireValid(); }

void keepInGraph(const at::Tensor& tensor) {
  if (SecondGraph* graph = SecondGraph::active()) graph->keep(tensor);
}

void beforeWriteInGraph(const at::Tensor& tensor) {
  if (tensor.defined()) SecondGraph::active()->beforeWrite(tensor);
}

void addToGraph(std::function<void()> again) { SecondGraph::active()->add(std::move(again)); }

at::Tensor bareTensor(const at::Tensor& tensor) {
  if (!tensor.defined() || tensor.is_cpu()) return tensor;
  return at::Tensor(tensor.unsafeGetTensorImpl()->shallow_copy_and_detach(c10::VariableVersion(0), false));
}

void overwriteTensor(const at::Tensor& to, const at::Tensor& from) {
  if (!to.defined() || !from.defined() || to.const_data_ptr() == from.const_data_ptr()) return;
  TORCH_CHECK(to.sizes() == from.sizes(), "a result has another shape than when the graph was recorded: ", from.sizes(), ", then ", to.sizes());
  onHost(to).copy_(onHost(from));
}

std::unique_ptr<GraphRecorder> makeSecondGraph() { return std::make_unique<SecondGraph>(); }

}  // namespace scalora
