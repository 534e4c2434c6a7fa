#include "device_graph.h"

#include "addon.h"
#include "environment.h"

namespace scalora {
namespace {

const void* addressOf(const at::Tensor& tensor) { return tensor.defined() && tensor.has_storage() ? tensor.const_data_ptr() : nullptr; }

std::unique_ptr<GraphRecorder> makeRecorder(const c10::Device& device) {
  if (device.is_cuda()) return makeCudaGraph(device);
  if (device.is_privateuseone()) return makeSecondGraph();
  throw Failure("tensor", "only work of a GPU can be recorded", device.str());
}

std::shared_ptr<DeviceGraph> graphAt(napi_env env, const std::vector<napi_value>& args) {
  return environment(env).graphs.get(toNumber(env, args.at(0), "graph"), "this");
}

// beginGraph(device) -> the handle of a graph that records what this thread has the device do
napi_value beginGraph(napi_env env, const std::vector<napi_value>& args) {
  Environment& state = environment(env);
  if (state.recording) throw Failure("tensor", "a graph is being recorded already");
  const auto graph = std::make_shared<DeviceGraph>(c10::Device(toString(env, args.at(0), "device")));
  const double handle = state.graphs.add(graph);
  state.recording = graph;
  return fromNumber(env, handle);
}

// endGraph(handle): it can be replayed from now on
napi_value endGraph(napi_env env, const std::vector<napi_value>& args) {
  const auto graph = graphAt(env, args);
  if (environment(env).recording == graph) environment(env).recording = nullptr;
  graph->end();
  return undefined(env);
}

// replayGraph(handle) -> false, and nothing is done, where a tensor that it was recorded with is gone or lies elsewhere
napi_value replayGraph(napi_env env, const std::vector<napi_value>& args) {
  return fromBool(env, graphAt(env, args)->replay(environment(env).tensors));
}

// disposeGraph(handle), also of one that records
napi_value disposeGraph(napi_env env, const std::vector<napi_value>& args) {
  Environment& state = environment(env);
  const double handle = toNumber(env, args.at(0), "graph");
  if (state.graphs.has(handle) && state.graphs.get(handle, "this") == state.recording) state.recording = nullptr;
  return fromBool(env, state.graphs.remove(handle));
}

}  // namespace

DeviceGraph::DeviceGraph(const c10::Device& device) : recorder_(makeRecorder(device)) {
  recorder_->begin();
  isRecording_ = true;
}

DeviceGraph::~DeviceGraph() {
  if (isRecording_) recorder_->abandon();
}

void DeviceGraph::end() {
  if (!isRecording_) throw Failure("tensor", "the graph is not being recorded");
  recorder_->end();
  isRecording_ = false;
  made_.clear();
}

void DeviceGraph::noteUsed(double handle, const at::Tensor& tensor) {
  if (made_.count(handle) == 0) used_.emplace(handle, placeOf(tensor));
}

DeviceGraph::Place DeviceGraph::placeOf(const at::Tensor& tensor) {
  const bool collects = tensor.defined() && tensor.is_leaf() && tensor.requires_grad();
  return {addressOf(tensor), collects ? addressOf(tensor.grad()) : nullptr};
}

bool DeviceGraph::replay(Slots<at::Tensor>& tensors) {
  if (isRecording_) throw Failure("tensor", "the graph is still being recorded");
  for (const auto& [handle, place] : used_)
    if (!tensors.has(handle) || !(placeOf(tensors.get(handle, "this")) == place)) return false;
  recorder_->replay();
  return true;
}

void registerGraphs(napi_env env, napi_value exports) {
  define(env, exports, "beginGraph", beginGraph);
  define(env, exports, "endGraph", endGraph);
  define(env, exports, "replayGraph", replayGraph);
  define(env, exports, "disposeGraph", disposeGraph);
}

}  // namespace scalora
