// What a handle of a process group refers to.
#pragma once
#include <memory>
#include <utility>

namespace scalora {

class ProcessGroup;

// Work under way keeps the group; disposing of the handle, or the end of its thread, closes it.
struct ProcessGroupHandle {
  explicit ProcessGroupHandle(std::shared_ptr<ProcessGroup> group) : group(std::move(group)) {}
  ~ProcessGroupHandle();
  ProcessGroupHandle(const ProcessGroupHandle&) = delete;
  ProcessGroupHandle& operator=(const ProcessGroupHandle&) = delete;

  const std::shared_ptr<ProcessGroup> group;
};

}  // namespace scalora
