// Work of a device that is recorded once and then run again without its host: CUDA's graphs, and the second device's imitation.
#pragma once
#include "slots.h"

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <memory>
#include <unordered_map>
#include <unordered_set>

namespace scalora {

// A device's part. Nothing that is recorded happens before `replay`.
struct GraphRecorder {
  virtual ~GraphRecorder() = default;
  virtual void begin() = 0;
  virtual void end() = 0;
  virtual void abandon() noexcept = 0;  // in the place of `end`, or after it failed
  virtual void replay() = 0;
};

// Throws a Failure where this build has none of CUDA's or this machine no GPU.
std::unique_ptr<GraphRecorder> makeCudaGraph(const c10::Device& device);
std::unique_ptr<GraphRecorder> makeSecondGraph();

// A graph, and where in memory the tensors lay that JavaScript gave to its work: at a replay they must be there still.
class DeviceGraph {
 public:
  explicit DeviceGraph(const c10::Device& device);  // begins to record
  ~DeviceGraph();
  DeviceGraph(const DeviceGraph&) = delete;
  DeviceGraph& operator=(const DeviceGraph&) = delete;

  void end();
  bool isRecording() const { return isRecording_; }
  // While it records: JavaScript gives a tensor to native code, or gets one.
  void noteUsed(double handle, const at::Tensor& tensor);
  void noteMade(double handle) { made_.insert(handle); }
  // False, and nothing is done, where a tensor is gone or lies elsewhere.
  bool replay(Slots<at::Tensor>& tensors);

 private:
  struct Place {
    const void* data;
    const void* gradient;
    bool operator==(const Place& other) const { return data == other.data && gradient == other.gradient; }
  };
  static Place placeOf(const at::Tensor& tensor);

  std::unique_ptr<GraphRecorder> recorder_;
  bool isRecording_ = false;
  std::unordered_map<double, Place> used_;
  std::unordered_set<double> made_;
};

}  // namespace scalora
