// What a handle of a process group refers to.
#pragma once
#include <cstdint>
#include <future>
#include <memory>
#include <unordered_map>
#include <utility>

namespace scalora {

class Expectation;
class ProcessGroup;

// Work under way keeps the group; disposing of the handle, or the end of its thread, closes it.
struct ProcessGroupHandle {
  explicit ProcessGroupHandle(std::shared_ptr<ProcessGroup> group) : group(std::move(group)) {}
  ~ProcessGroupHandle();
  ProcessGroupHandle(const ProcessGroupHandle&) = delete;
  ProcessGroupHandle& operator=(const ProcessGroupHandle&) = delete;

  const std::shared_ptr<ProcessGroup> group;
  std::unordered_map<int64_t, std::future<void>> gathers;  // those that were begun and not yet awaited
  std::unordered_map<int64_t, std::shared_ptr<Expectation>> expectations;  // of gradients, until they are ended
  int64_t begun = 0;  // gathers and expectations so far
};

}  // namespace scalora
